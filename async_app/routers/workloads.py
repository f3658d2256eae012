"""Routes that wait, compute, or do both, each in a known amount."""

import asyncio
import hashlib
import time

import anyio
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import MissingGreenlet, StatementError

from shared import cpu, queries
from shared.errors import BAD_GATEWAY, CONFLICT, not_loaded
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
from ..pitfalls import BlockingDb

router = APIRouter()


@router.get("/noop")
async def noop() -> Done:
    """Do nothing: what is left is the framework's own cost."""
    return Done()


@router.get("/query")
async def query(db: Db, wait_ms: WaitMs = 50) -> Waited:
    """Run one query that takes this long inside the database."""
    await db.execute(queries.sleep(wait_ms))
    return Waited(wait_ms=wait_ms)


@router.get("/count")
async def count(db: Db) -> Counted:
    """Count the posts: a query that the database answers with one number."""
    posts = await db.scalars(queries.count_posts())
    return Counted(posts=posts.one())


@router.get("/upstream", responses=BAD_GATEWAY)
async def upstream(request: Request, wait_ms: WaitMs = 50, calls: Calls = 1, mode: Mode = "native") -> Fetched:
    """Call the slow external API: all calls at the same time."""
    api = request.state.upstream
    fetch = api.fetch_in_threads if mode == "threads" else api.fetch_all
    return Fetched(calls=calls, waited_ms=await fetch(wait_ms, calls))


@router.get("/file")
async def file(request: Request, kib: Kib = 64) -> FileRead:
    """Read a file and hash it."""
    async with await anyio.open_file(request.state.file, "rb") as sample:
        content = await sample.read(kib * 1024)
    return FileRead(kib=len(content) // 1024, sha256=hashlib.sha256(content).hexdigest())


@router.get("/hash")
async def hash_(rounds: Rounds = 10_000) -> Hashed:
    """Hash in pure Python, which holds the GIL."""
    return cpu.hashed(rounds)


@router.get("/thumbnail")
async def thumbnail(size: Size = 256) -> Thumbnail:
    """Resize an image with Pillow, which releases the GIL."""
    return cpu.thumbnail(size)


@router.get("/crunch")
async def crunch(rows: Rows = 1_000) -> Crunched:
    """Describe generated rows."""
    return cpu.crunched(rows)


@router.get("/mixed")
async def mixed(cpu_ms: CpuMs = 1, wait_ms: WaitMs = 20) -> Mixed:
    """Burn, then wait: the dial."""
    burnt_ms = cpu.burn(cpu_ms)
    await asyncio.sleep(wait_ms / 1000)
    return Mixed(cpu_ms=burnt_ms, wait_ms=wait_ms)


@router.get("/blocking")
async def blocking(wait_ms: WaitMs = 50) -> Waited:
    """Sleep on the event loop: every other request waits too."""
    time.sleep(wait_ms / 1000)  # noqa: ASYNC251 - the classic mistake is what this route shows
    return Waited(wait_ms=wait_ms)


@router.get("/blocking-session")
async def blocking_session(db: BlockingDb, wait_ms: WaitMs = 50) -> Waited:
    """Use a `Session` on the event loop: every other request waits too."""
    db.execute(queries.sleep(wait_ms))
    return Waited(wait_ms=wait_ms)


@router.get("/blocking-client", responses=BAD_GATEWAY)
async def blocking_client(request: Request, wait_ms: WaitMs = 50) -> Fetched:
    """Use an `httpx.Client` on the event loop: every other request waits too."""
    return Fetched(calls=1, waited_ms=[request.state.pitfalls.fetch(wait_ms)])


@router.get("/lazy", responses=CONFLICT)
async def lazy(db: Db) -> Authors:
    """Touch `post.author` without having loaded it: a query that nobody awaits, refused."""
    posts = await db.scalars(queries.posts())
    try:
        authors = [post.author.username for post in posts.all()]
    except (MissingGreenlet, StatementError) as error:
        raise not_loaded(error) from error
    return Authors(posts=len(authors), authors=sorted(set(authors)))


@router.get("/offloaded")
async def offloaded(request: Request, rounds: Rounds = 10_000, to: To = "thread") -> Hashed:
    """Do the work of `hash` off the event loop, in a thread or in another process."""
    if to == "process":
        pool: LazyProcessPool = request.state.pool
        executor = pool.executor or await run_in_threadpool(pool.start)
        return await asyncio.get_running_loop().run_in_executor(executor, cpu.hashed, rounds)
    return await run_in_threadpool(cpu.hashed, rounds)
