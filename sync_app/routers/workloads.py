"""Routes that wait, compute, or do both, each in a known amount."""

import hashlib
import time

from fastapi import APIRouter, Request

from shared import cpu, queries
from shared.errors import BAD_GATEWAY
from shared.offload import LazyProcessPool
from shared.workloads import (
    Authors,
    Calls,
    Counted,
    CpuMs,
    Crunched,
    Done,
    Fetched,
    FileRead,
    Hashed,
    Kib,
    Mixed,
    Mode,
    Rounds,
    Rows,
    Size,
    Thumbnail,
    To,
    Waited,
    WaitMs,
)

from ..database import Db

router = APIRouter()


@router.get("/noop")
def noop() -> Done:
    """Do nothing: what is left is the framework's own cost."""
    return Done()


@router.get("/query")
def query(db: Db, wait_ms: WaitMs = 50) -> Waited:
    """Run one query that takes this long inside the database."""
    db.execute(queries.sleep(wait_ms))
    return Waited(wait_ms=wait_ms)


@router.get("/count")
def count(db: Db) -> Counted:
    """Count the posts: a query that the database answers with one number."""
    posts = db.scalars(queries.count_posts())
    return Counted(posts=posts.one())


@router.get("/upstream", responses=BAD_GATEWAY)
def upstream(request: Request, wait_ms: WaitMs = 50, calls: Calls = 1, mode: Mode = "native") -> Fetched:
    """Call the slow external API: one call after another, or each in a thread."""
    api = request.state.upstream
    fetch = api.fetch_in_threads if mode == "threads" else api.fetch_all
    return Fetched(calls=calls, waited_ms=fetch(wait_ms, calls))


@router.get("/file")
def file(request: Request, kib: Kib = 64) -> FileRead:
    """Read a file and hash it."""
    with request.state.file.open("rb") as sample:
        content = sample.read(kib * 1024)
    return FileRead(kib=len(content) // 1024, sha256=hashlib.sha256(content).hexdigest())


@router.get("/hash")
def hash_(rounds: Rounds = 10_000) -> Hashed:
    """Hash in pure Python, which holds the GIL."""
    return cpu.hashed(rounds)


@router.get("/thumbnail")
def thumbnail(size: Size = 256) -> Thumbnail:
    """Resize an image with Pillow, which releases the GIL."""
    return cpu.thumbnail(size)


@router.get("/crunch")
def crunch(rows: Rows = 1_000) -> Crunched:
    """Describe generated rows."""
    return cpu.crunched(rows)


@router.get("/mixed")
def mixed(cpu_ms: CpuMs = 1, wait_ms: WaitMs = 20) -> Mixed:
    """Burn, then wait: the dial."""
    burnt_ms = cpu.burn(cpu_ms)
    time.sleep(wait_ms / 1000)
    return Mixed(cpu_ms=burnt_ms, wait_ms=wait_ms)


@router.get("/blocking")
def blocking(wait_ms: WaitMs = 50) -> Waited:
    """Sleep in a thread: harmless."""
    time.sleep(wait_ms / 1000)
    return Waited(wait_ms=wait_ms)


@router.get("/blocking-session")
def blocking_session(db: Db, wait_ms: WaitMs = 50) -> Waited:
    """Use a `Session` in a thread: harmless."""
    db.execute(queries.sleep(wait_ms))
    return Waited(wait_ms=wait_ms)


@router.get("/blocking-client", responses=BAD_GATEWAY)
def blocking_client(request: Request, wait_ms: WaitMs = 50) -> Fetched:
    """Use an `httpx.Client` in a thread: harmless."""
    return Fetched(calls=1, waited_ms=[request.state.upstream.fetch(wait_ms)])


@router.get("/lazy")
def lazy(db: Db) -> Authors:
    """Touch `post.author` without having loaded it: a query for each author, unseen."""
    posts = db.scalars(queries.posts())
    authors = [post.author.username for post in posts.all()]
    return Authors(posts=len(authors), authors=sorted(set(authors)))


@router.get("/offloaded")
def offloaded(request: Request, rounds: Rounds = 10_000, to: To = "thread") -> Hashed:
    """Do the work of `hash` here, for this is a thread already, or in another process."""
    if to == "process":
        pool: LazyProcessPool = request.state.pool
        executor = pool.executor or pool.start()
        return executor.submit(cpu.hashed, rounds).result()
    return cpu.hashed(rounds)
