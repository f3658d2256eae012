"""Lessons about what code around a route FastAPI runs in a thread or on the event loop, and what that costs."""

from datetime import date

from loadtests.lessons.lesson import Code, Lesson, Measure, Ratio

APPS = "loadtests.lessons"
WRITTEN = date(2026, 11, 26)
DEPENDENCY_HOP = Lesson(
    name="dependency_hop",
    title="The hop of a def dependency",
    question="The route is `async def`, its dependency is `def`. What does that cost?",
    hypothesis="For each such dependency, each request hops to a thread and back, although nothing waits. If the"
    " dependencies are `async def`, the app handles at least a tenth more with one of them, and at least three tenths"
    " more with three.",
    written=WRITTEN,
    code=(
        Code(
            "a def dependency",
            '''\
def page_size(limit: int = 20) -> int:
    return min(limit, 100)


@app.get("/one")
async def one(
    size: Annotated[int, Depends(page_size)],
) -> str:
    return f"{size}"''',
        ),
        Code(
            "an async def dependency",
            '''\
async def page_size(limit: int = 20) -> int:
    return min(limit, 100)


@app.get("/one")
async def one(
    size: Annotated[int, Depends(page_size)],
) -> str:
    return f"{size}"''',
        ),
    ),
    measure=Measure(
        ["GET /one", "GET /three"],
        a=f"{APPS}.dependency_hop:def_dependency",
        b=f"{APPS}.dependency_hop:async_dependency",
        users="8",
    ),
    expects=(
        Ratio("One dependency: `async def` handles at least a tenth more", "GET /one", 8, low=1.1),
        Ratio("Three dependencies: `async def` handles at least three tenths more", "GET /three", 8, low=1.3),
    ),
    why="FastAPI treats a dependency like a route: a `def` function runs in a thread, even if the route is `async def`"
    " (https://fastapi.tiangolo.com/async/#dependencies). The event loop passes the call to a worker thread, and the"
    " thread wakes the loop when it is done. That is a hop. Each `def` dependency takes one, one after another. A class"
    " counts as `def`: `Depends(Pagination)` runs in a thread, too. A hop also needs one of the 40 threads, and waits"
    " in a queue if all are busy. Write a dependency as `async def` if it only computes a little. Leave it as `def` if"
    " it blocks.",
    next=(
        ("bench run noop --users 8", "the hop of a `def` route itself: the blog's cheapest route, in both builds"),
        ("bench lesson health_check", "what happens to a hop when all threads are busy"),
    ),
)
REPORT_AND_HEALTH = "GET /report /health /health /health"
HEALTH_CHECK = Lesson(
    name="health_check",
    title="The starved health check",
    question="Slow requests occupy all 40 threads. How soon does a health check answer?",
    hypothesis="As `def` it queues behind the slow requests. As `async def` it answers at once. Three of four requests"
    " are health checks, so the median response time is that of a health check: with `async def` it is at most a"
    " quarter as long. The throughput is the same, because the threads limit it.",
    written=WRITTEN,
    code=(
        Code(
            "a def health check",
            '''\
@app.get("/report")
def report() -> str:
    time.sleep(0.2)  # a slow query
    return "report"


@app.get("/health")
def health() -> str:
    return "ok"''',
        ),
        Code(
            "an async def health check",
            '''\
@app.get("/report")
def report() -> str:
    time.sleep(0.2)  # a slow query
    return "report"


@app.get("/health")
async def health() -> str:
    return "ok"''',
        ),
    ),
    measure=Measure(
        [REPORT_AND_HEALTH],
        a=f"{APPS}.health_check:def_health",
        b=f"{APPS}.health_check:async_health",
        users="64",
    ),
    expects=(
        Ratio(
            "The median request, a health check, takes at most a quarter as long with `async def`",
            REPORT_AND_HEALTH,
            64,
            high=0.25,
            metric="p50",
        ),
        Ratio("The throughput is the same within 20 %", REPORT_AND_HEALTH, 64, low=0.8, high=1.25),
    ),
    why="All `def` routes of a process share 40 threads. A request that arrives when all are busy waits for a thread,"
    " in the order of arrival, even if its own work takes no time. So an overloaded app looks dead: the probe times"
    " out, and the orchestrator restarts a process that was only busy. An `async def` health check needs no thread. It"
    " answers as long as the event loop is free, and that is what a liveness probe asks. It says nothing about the"
    " threads, so a readiness probe must check those. The number 40 is AnyIO's default. Dependencies, uploads and"
    " background tasks use the same threads (https://starlette.dev/threadpool/).",
    next=(
        ("bench lesson blocked_loop", "an `async def` health check starves, too, when the event loop is blocked"),
        (
            f"bench run /health --a {APPS}.health_check:def_health --b {APPS}.health_check:async_health --users 64",
            "health checks alone: without slow requests nothing queues, and only the hop to a thread is left",
        ),
    ),
)
MIDDLEWARE = Lesson(
    name="middleware",
    title="Two kinds of middleware",
    question="A middleware sets a header. Does it matter whether it is a `BaseHTTPMiddleware`?",
    hypothesis="Yes, although both kinds run on the event loop: with plain ASGI middleware the app handles at least a"
    " tenth more.",
    written=WRITTEN,
    code=(
        Code(
            'BaseHTTPMiddleware, as in @app.middleware("http")',
            """\
class Frames(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-frame-options"] = "DENY"
        return response""",
        ),
        Code(
            "plain ASGI",
            """\
class Frames:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_header(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-frame-options"] = "DENY"
            await send(message)

        await self.app(scope, receive, send_with_header)""",
        ),
    ),
    measure=Measure(["GET /hello"], a=f"{APPS}.middleware:base_http", b=f"{APPS}.middleware:plain_asgi", users="8"),
    expects=(Ratio("Plain ASGI handles at least a tenth more", "GET /hello", 8, low=1.1),),
    why="`BaseHTTPMiddleware` lets `dispatch` await a whole response. To do so, it runs the rest of the app in a second"
    " task and passes each message of the response through a stream in memory (starlette/middleware/base.py). The event"
    " loop does this work for each request and each such middleware. Plain ASGI middleware adds only a function call."
    " It also keeps context variables that a route sets; `BaseHTTPMiddleware` loses them"
    " (https://starlette.dev/middleware/#limitations). The cost is a fraction of a millisecond. It hardly matters if"
    " the route takes ten milliseconds.",
    next=(
        ("bench lesson dependency_hop", "another cost that the route itself does not show"),
        ("bench lesson streaming", "what each chunk of a response can cost"),
    ),
)
STREAMING = Lesson(
    name="streaming",
    title="A stream of many chunks",
    question="A response streams 100 short lines from a generator. Should the generator be `def` or `async def`?",
    hypothesis="`async def`, because a `def` generator hops to a thread for each chunk. With an `async def` generator"
    " the app handles at least twice as much.",
    written=WRITTEN,
    code=(
        Code(
            "a def generator",
            """\
def lines() -> Iterator[str]:
    for number in range(100):
        yield f"{number},a row of a table\\n"


@app.get("/table.csv")
async def table() -> StreamingResponse:
    return StreamingResponse(lines())""",
        ),
        Code(
            "an async def generator",
            """\
async def lines() -> AsyncIterator[str]:
    for number in range(100):
        yield f"{number},a row of a table\\n"


@app.get("/table.csv")
async def table() -> StreamingResponse:
    return StreamingResponse(lines())""",
        ),
    ),
    measure=Measure(
        ["GET /table.csv"], a=f"{APPS}.streaming:def_generator", b=f"{APPS}.streaming:async_generator", users="8"
    ),
    expects=(Ratio("The `async def` generator handles at least twice as much", "GET /table.csv", 8, low=2.0),),
    why="The kind of the generator matters, not that of the route. `StreamingResponse` cannot know whether the next"
    " chunk of a `def` generator blocks, so it gets each chunk from a worker thread (`iterate_in_threadpool` in"
    " starlette/concurrency.py): 100 chunks take 101 hops. An `async def` generator runs on the event loop. If it"
    " blocks or computes for a long time between two chunks, all other requests wait; then use `def`. Either kind gets"
    " cheaper with fewer and larger chunks: join many lines before you yield.",
    next=(
        ("bench lesson dependency_hop", "what a single hop costs"),
        ("bench lesson blocked_loop", "what happens if an `async def` generator blocks"),
    ),
)
BACKGROUND_TASKS = Lesson(
    name="background_tasks",
    title="After the answer",
    question="After its answer, a request calls a library without async in a background task. Who waits for that task?",
    hypothesis="Not the client that sent the request. But an `async def` task blocks the event loop for the requests"
    " that come next: the slowest 1 % take at least twice as long as with a `def` task, which runs in a thread.",
    written=WRITTEN,
    code=(
        Code(
            "a def task",
            '''\
def send_mail() -> None:
    time.sleep(0.0025)  # a library without async


@app.get("/order")
async def order(tasks: BackgroundTasks) -> str:
    tasks.add_task(send_mail)
    return "accepted"''',
        ),
        Code(
            "an async def task",
            '''\
async def send_mail() -> None:
    time.sleep(0.0025)  # a library without async


@app.get("/order")
async def order(tasks: BackgroundTasks) -> str:
    tasks.add_task(send_mail)
    return "accepted"''',
        ),
    ),
    measure=Measure(
        ["GET /order"],
        a=f"{APPS}.background_tasks:def_task",
        b=f"{APPS}.background_tasks:async_task",
        rate="200",
    ),
    expects=(
        Ratio("The slowest 1 % take at least twice as long with `async def`", "GET /order", 200, low=2.0, metric="p99"),
    ),
    why="A background task starts after its answer has been sent, in the same process. Starlette runs a `def` task in"
    " one of the 40 threads and awaits an `async def` task on the event loop (starlette/background.py). There a"
    " blocking call stops all other requests: with 200 orders per second of 2.5 ms each, the loop is blocked half of"
    " the time. This lesson sends requests at a fixed rate. In a closed loop each user would send the next request as"
    " soon as the answer is there, before the task is done. Tasks could then pile up, and the measured throughput would"
    " be more than the server can sustain. `def` tasks pile up, too, once all 40 threads are busy, and then `def`"
    " routes wait for a thread. Give long work to a queue with its own workers.",
    next=(
        ("bench lesson health_check", "what happens to `def` routes when tasks occupy all threads"),
        ("bench lesson blocked_loop", "the same kind of call before the answer"),
    ),
)
READING_FILES = Lesson(
    name="reading_files",
    title="Reading files",
    question="The tutorial's third example of I/O: a route reads a file. Does async help?",
    hypothesis="No. A file that is read often is in memory, so nothing waits, and async file libraries use threads:"
    " with AnyIO, async handles at most a tenth more than `def`. Every guide warns against plain `open` in `async def`,"
    " but that handles at least a tenth more.",
    written=WRITTEN,
    code=(
        Code(
            "in def",
            """\
def read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read()""",
        ),
        Code(
            "in async def: GET /anyio, then GET /open",
            """\
async def read(path: Path) -> bytes:
    async with await anyio.open_file(path, "rb") as file:
        return await file.read()


async def read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read()""",
        ),
    ),
    measure=Measure(
        ["GET /anyio", "GET /open"],
        a=f"{APPS}.reading_files:in_def",
        b=f"{APPS}.reading_files:in_async_def",
        users="8",
    ),
    expects=(
        Ratio("With AnyIO, async handles at most a tenth more", "GET /anyio", 8, high=1.1),
        Ratio("With plain `open`, async handles at least a tenth more", "GET /open", 8, low=1.1),
    ),
    why="An event loop can wait for sockets, but not for files. So AnyIO's `open_file` (like aiofiles) runs"
    " `open`, `read` and `close` in worker threads, with a hop for each"
    " (https://anyio.readthedocs.io/en/stable/fileio.html). A `def` route takes one hop for all three, and one more"
    " to validate its result. Plain `open` in `async def` takes none, but it blocks the loop until the file has been"
    " read. Here that is a fraction of a millisecond, because the file's 64 KiB are in the page cache. On a slow disk"
    " or a network share it may be seconds, and all requests wait. `def` is safe in both cases.",
    next=(
        ("bench run file --users 1,8,64", "the blog reads a file with AnyIO and hashes it"),
        ("bench lesson blocked_loop", "what plain `open` does when the file takes 20 ms"),
    ),
)
THREADS_AND_LOOP = (DEPENDENCY_HOP, HEALTH_CHECK, MIDDLEWARE, STREAMING, BACKGROUND_TASKS, READING_FILES)
