"""Lessons about what stands around an app: the number of workers, the server, its event loop and its parser."""

from datetime import date

from loadtests.lessons.lesson import Code, Lesson, Measure, Memory, Rate, Ratio, near

WRITTEN = date(2026, 11, 26)
WAIT_200_MS = "external_api[wait_ms=200]"
GRANIAN = """## The same on Granian

Granian is another ASGI server, written in Rust. This project does not install it and never needs it; `uv` adds it for
one command:

- `uv run --with granian bench run noop --a sync,server=granian --b async,server=granian --users 32` – `def` against
  `async def`, both on Granian
- `uv run --with granian bench run noop --a async --b async,server=granian --users 32` – the server alone

A side with `server=granian` is started by Granian's own command, so `loop`, `http`, `gc` and `observe`, which are
settings of the harness's uvicorn, do not apply to it.
"""

WORKERS = Lesson(
    name="equal_memory",
    title="Workers and memory",
    question="Why not start more sync workers? With equal memory for both, who serves more users that wait?",
    hypothesis="Two workers take as much memory in either build. With 256 users who wait for 200 ms, 80 threads are the"
    " limit of sync, and async handles at least a quarter more.",
    written=WRITTEN,
    code=(
        Code("sync_app", "# 2 processes × 40 threads ÷ 0.2 s = at most 400 requests/s\nuvicorn sync_app.main:app"
             " --workers 2"),
        Code("async_app", "# 256 users ÷ 0.2 s = at most 1,280 requests/s\nuvicorn async_app.main:app --workers 2"),
    ),
    measure=Measure([WAIT_200_MS], a="sync,workers=2", b="async,workers=2", users="256"),
    expects=(
        Ratio("async handles at least a quarter more", WAIT_200_MS, 256, low=1.25),
        Rate("80 threads limit sync: 400 a second, within 10 %", WAIT_200_MS, 256, "a", *near(400, 0.1)),
        Memory("The memory of both is alike within 25 %", WAIT_200_MS, 256, low=0.8, high=1.25),
    ),
    why="A worker is a process with its own copy of the app, whether its routes are `def` or `async def`; a sync one"
    " brings 40 threads. 256 users who wait at the same time need seven sync workers, each with its own memory; one"
    " async worker holds them all. More threads in one worker, as with `thread_limit=256`, hold them too, without"
    " further copies of the app. The commands below show what either takes.",
    next=(
        (f'bench run "{WAIT_200_MS}" --a sync,workers=7 --b async --users 256', "enough sync workers: the memory is in"
         " the report"),
        (f'bench run "{WAIT_200_MS}" --a sync,thread_limit=256 --b async --users 256', "more threads in place of"
         " workers"),
    ),
)  # fmt: skip
SERVER = Lesson(
    name="server",
    title="The server changes the answer",
    question="`async def` beats `def` where a route does nothing. Does it still on a slower event loop and parser?",
    hypothesis="No: uvloop and httptools are worth more than `async def`. Sync on them handles at least as much as"
    " async on asyncio and h11, which `pip install uvicorn` gives. Where a route reads a post the same holds.",
    written=WRITTEN,
    code=(
        Code("uvloop and httptools", '# pip install "uvicorn[standard]"\n@router.get("/noop")\ndef noop() -> Done:\n'
             "    return Done()"),
        Code("asyncio and h11", '# pip install uvicorn\n@router.get("/noop")\nasync def noop() -> Done:\n'
             "    return Done()"),
    ),
    measure=Measure(["noop", "get_post"], b="async,loop=asyncio,http=h11", users="32"),
    expects=(
        Ratio("noop: async on the plain server handles no more than sync on the fast one", "noop", 32, high=1.0),
        Ratio("get_post: the same", "get_post", 32, high=1.0),
    ),
    why="h11 parses HTTP in Python and httptools in C; uvloop is a faster event loop than asyncio's. A request that"
    " does nothing consists of just that, so the server decides more than the keyword before `def`. Two measurements"
    " on two servers say nothing about `def` and `async def`. This harness names loop and parser for each side, gives"
    " both the same, and records them.",
    guide=GRANIAN,
    next=(
        ("bench run noop --users 32", "equal servers: what does `async def` bring?"),
        ("bench run noop get_post --a async --b async,loop=asyncio,http=h11 --users 32", "the server alone"),
        ("bench run noop --a sync,loop=asyncio,http=h11 --b async,loop=asyncio,http=h11 --users 32",
         "equal servers, the slow ones"),
    ),
)  # fmt: skip
LESSONS_ON_SERVERS = (WORKERS, SERVER)
