"""The builds stay twins: whatever else differs than `async` and `await` is declared here, with its reason."""

from pathlib import Path

import pytest

from tests.contract.stripped import differences

ROOT = Path(__file__).parents[2]

# The asynchronous name of each thing, and the name it has in sync_app.
WORDS = {
    "AsyncClient": "Client",
    "AsyncEngine": "Engine",
    "AsyncIterator": "Iterator",
    "AsyncSession": "Session",
    "async_sessionmaker": "sessionmaker",
    "asynccontextmanager": "contextmanager",
    "create_async_engine": "create_engine",
}

ONLY_IN_ASYNC = {"pitfalls.py": "sync tools for use on the event loop; in sync_app the ordinary tools are sync"}

# Per file: sync_app's lines, async_app's lines, and why they differ.
DECLARED: dict[str, list[tuple[str, str, str]]] = {
    "database.py": [
        (
            "DRIVERS = {'sqlite': 'pysqlite', 'postgresql': 'psycopg'}",
            "DRIVERS = {'sqlite': 'aiosqlite', 'postgresql': 'psycopg'}",
            "each build has its own driver",
        ),
        (
            "event.listen(engine, 'connect', sqlite.prepare_connection)",
            "event.listen(engine.sync_engine, 'connect', sqlite.prepare_connection)",
            "SQLAlchemy's events are those of the engine inside",
        ),
        (
            "Base.metadata.create_all(connection)",
            "connection.run_sync(Base.metadata.create_all)",
            "SQLAlchemy has no asynchronous create_all",
        ),
        (
            "if get_settings().database_driver == 'asyncpg':\n"
            "sys.exit('BLOG_DATABASE_DRIVER=asyncpg only works in async_app: a Session cannot await it.')",
            "if get_settings().loading == 'lazy':\n"
            "sys.exit('BLOG_LOADING=lazy only works in sync_app: "
            "an AsyncSession cannot load post.author on the spot.')",
            "asyncpg does not exist in sync, lazy loading not in async",
        ),
    ],
    "main.py": [
        (
            "with sample_file() as file, process_pool() as pool:",
            "with sample_file() as file, process_pool() as pool, open_pitfalls(settings) as pitfalls:",
            "the pitfalls need sync tools",
        ),
        (
            "yield {'file': file, 'pool': pool, 'sessions': sessions, 'upstream': upstream}",
            "yield {'file': file, 'pool': pool, 'sessions': sessions, 'upstream': upstream, 'pitfalls': pitfalls}",
            "the pitfalls need sync tools",
        ),
    ],
    "routers/workloads.py": [
        (
            "with request.state.file.open('rb') as sample:",
            "with anyio.open_file(request.state.file, 'rb') as sample:",
            "a file has no asynchronous read of its own",
        ),
        ("time.sleep(wait_ms / 1000)", "asyncio.sleep(wait_ms / 1000)", "`mixed` waits without blocking"),
        (
            "def blocking_session(db: Db, wait_ms: WaitMs=50) -> Waited:",
            "def blocking_session(db: BlockingDb, wait_ms: WaitMs=50) -> Waited:",
            "pitfall: a sync session",
        ),
        (
            "return Fetched(calls=1, waited_ms=[request.state.upstream.fetch(wait_ms)])\n@router.get('/lazy')",
            "return Fetched(calls=1, waited_ms=[request.state.pitfalls.fetch(wait_ms)])\n"
            "@router.get('/lazy', responses=CONFLICT)",
            "pitfall: a sync client; and lazy loading can only fail in async",
        ),
        (
            "authors = [post.author.username for post in posts.all()]",
            "try:\nauthors = [post.author.username for post in posts.all()]\n"
            "except (MissingGreenlet, StatementError) as error:\nraise not_loaded(error) from error",
            "lazy loading can only fail in async",
        ),
        (
            "executor = pool.executor or pool.start()\n"
            "return executor.submit(cpu.hashed, rounds).result()\n"
            "return cpu.hashed(rounds)",
            "executor = pool.executor or run_in_threadpool(pool.start)\n"
            "return asyncio.get_running_loop().run_in_executor(executor, cpu.hashed, rounds)\n"
            "return run_in_threadpool(cpu.hashed, rounds)",
            "a `def` route is in a thread already, and may wait there",
        ),
    ],
    "upstream.py": [
        (
            "def __init__(self, client: httpx.Client, threads: ThreadPoolExecutor) -> None:",
            "def __init__(self, client: httpx.Client) -> None:",
            "only threads fan out with threads",
        ),
        ("self.threads = threads", "", "only threads fan out with threads"),
        (
            "return [self.fetch(wait_ms) for _ in range(calls)]",
            "return asyncio.gather(*[self.fetch(wait_ms) for _ in range(calls)])",
            "what each build does by nature: one after another, or all at once",
        ),
        (
            "return list(self.threads.map(self.fetch, [wait_ms] * calls))",
            "return self.fetch_all(wait_ms, calls)",
            "only threads fan out with threads",
        ),
        (
            "with ThreadPoolExecutor(settings.fan_out_threads, thread_name_prefix='upstream') as threads, "
            "httpx.Client(base_url=settings.upstream_url, limits=LIMITS, timeout=TIMEOUT, trust_env=False) as client:\n"
            "yield Upstream(client, threads)",
            "transport = {'aiohttp': AiohttpTransport, 'httpcore': httpx.AsyncHTTPTransport}"
            "[settings.upstream_transport]\n"
            "with httpx.Client(base_url=settings.upstream_url, transport=transport(limits=LIMITS, trust_env=False), "
            "timeout=TIMEOUT, trust_env=False) as client:\nyield Upstream(client)",
            "the async client's own pool does not scale (FINDINGS), so its transport can be chosen",
        ),
    ],
}


def modules(build: str) -> dict[str, str]:
    folder = ROOT / f"{build}_app"
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.py")}


def test_both_builds_have_the_same_files() -> None:
    assert modules("async").keys() - modules("sync").keys() == ONLY_IN_ASYNC.keys()
    assert modules("sync").keys() <= modules("async").keys()


@pytest.mark.parametrize("module", modules("sync"))
def test_without_async_and_await_only_what_is_declared_differs(module: str) -> None:
    declared = [(sync, async_) for sync, async_, _reason in DECLARED.get(module, [])]
    assert differences(modules("sync")[module], modules("async")[module], WORDS) == declared


def test_every_word_is_needed() -> None:
    for word in WORDS:
        fewer = {name: meaning for name, meaning in WORDS.items() if name != word}
        assert any(
            differences(modules("sync")[module], modules("async")[module], fewer)
            != [(sync, async_) for sync, async_, _reason in DECLARED.get(module, [])]
            for module in modules("sync")
        )


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("routers/posts.py", "queries.posts(selectinload(Post.author))", "queries.posts()"),
        (
            "routers/posts.py",
            "    await db.commit()\n",
            "",
        ),
        ("routers/posts.py", "status_code=201, ", ""),
        ("routers/users.py", "db.scalar(queries.user(user_id))", "db.get(User, user_id)"),
        ("routers/users.py", "async def get_user(", "async def fetch_user("),
        ("routers/pages.py", '"title": "Home"', '"title": "Welcome"'),
        ("routers/pages.py", '@router.get("/posts", name="posts")\n', ""),
        ("database.py", "expire_on_commit=False", "expire_on_commit=True"),
        ("database.py", "settings.pool_size", "settings.pool_size * 2"),
        ("main.py", "status_code=422,\n    )", "status_code=400,\n    )"),
    ],
)
def test_drift_is_noticed(module: str, before: str, after: str) -> None:
    source = modules("async")[module]
    assert before in source
    drifted = differences(modules("sync")[module], source.replace(before, after, 1), WORDS)
    assert drifted != [(sync, async_) for sync, async_, _reason in DECLARED.get(module, [])]
