"""Lessons about what runs an app: the number of workers, the server, its event loop and its parser."""

from datetime import date

from loadtests.lessons.lesson import Code, Lesson, Measure, Memory, Rate, Ratio, near

WRITTEN = date(2026, 11, 26)
WAIT_200_MS = "external_api[wait_ms=200]"
GRANIAN = """## The same on Granian

Granian is another ASGI server, written in Rust. This project does not need it and does not install it. `uv` adds it for
a single command:

- `uv run --with granian bench run noop --a sync,server=granian --b async,server=granian --users 32` – `def` against
  `async def`, both on Granian
- `uv run --with granian bench run noop --a async --b async,server=granian --users 32` – the server alone

Granian's own command starts a side with `server=granian`. So `loop`, `http`, `gc` and `observe` do not apply to it:
they are settings of the harness's uvicorn.
"""

WORKERS = Lesson(
    name="equal_memory",
    title="Workers and memory",
    question="Why not start more sync workers? If both builds have equal memory, which one serves more waiting users?",
    hypothesis="Two workers take the same memory in both builds. With 256 users who each wait for 200 ms, sync is"
    " limited by its 80 threads, and async handles at least a quarter more.",
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
    why="A worker is a process with its own copy of the app, whether its routes are `def` or `async def`. A sync worker"
    " brings 40 threads. If 256 users wait at the same time, sync needs seven workers, each with its own memory; for"
    " async one worker is enough. A sync worker with more threads, as with `thread_limit=256`, is enough too, without"
    " further copies of the app. The commands below show what each of these takes.",
    next=(
        (f'bench run "{WAIT_200_MS}" --a sync,workers=7 --b async --users 256', "enough sync workers: the memory is in"
         " the report"),
        (f'bench run "{WAIT_200_MS}" --a sync,thread_limit=256 --b async --users 256', "more threads instead of"
         " workers"),
    ),
)  # fmt: skip
SERVER = Lesson(
    name="server",
    title="The server changes the answer",
    question="`async def` beats `def` if a route does nothing. Does it still win on a slower event loop and parser?",
    hypothesis="No: uvloop and httptools are worth more than `async def`. Sync with them handles at least as much as"
    " async with asyncio and h11, which is what `pip install uvicorn` installs. The same is true if a route reads a"
    " post.",
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
        Ratio("get_post: async on the plain server handles no more, either", "get_post", 32, high=1.0),
    ),
    why="h11 parses HTTP in Python and httptools in C, and uvloop is a faster event loop than asyncio's. If a route"
    " does nothing, a request consists of little else, so the server matters more than the word `async`. Two"
    " measurements on two different servers say nothing about `def` and `async def`. This harness gives both sides"
    " the same loop and parser unless you choose others, and records them.",
    guide=GRANIAN,
    next=(
        ("bench run noop --users 32", "equal servers: what does `async def` gain?"),
        ("bench run noop get_post --a async --b async,loop=asyncio,http=h11 --users 32", "the server alone"),
        ("bench run noop --a sync,loop=asyncio,http=h11 --b async,loop=asyncio,http=h11 --users 32",
         "equal servers, the slow ones"),
    ),
)  # fmt: skip
LESSONS_ON_SERVERS = (WORKERS, SERVER)
