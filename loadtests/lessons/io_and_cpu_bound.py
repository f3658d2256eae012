"""Lessons about I/O-bound work, where async may help, and about CPU-bound work, where it does not."""

from datetime import date

from loadtests.lessons.lesson import Code, Lesson, Measure, Ratio

UPSTREAM = "/api/workloads/upstream"


def handlers(path: str) -> tuple[Code, Code]:
    """Return the two handlers of a route."""
    return Code("sync_app", handler=("sync", path)), Code("async_app", handler=("async", path))


WAITING = Lesson(
    name="waiting",
    title="Waiting for another service",
    question="A route calls a slow external API. How much more can it serve as `async def`?",
    hypothesis="Much more, once more users wait than there are threads: the tutorial's best case.",
    written=date(2026, 11, 24),
    code=handlers(UPSTREAM),
    measure=Measure(["external_api"], users="128"),
    expects=(Ratio("With 128 users async handles at least a quarter more requests", "external_api", 128, low=1.25),),
    why="A `def` route holds one of 40 threads while it waits, so at most 40 requests wait at the same time. They allow"
    " at most 40 ÷ 50 ms = 800 requests per second, which takes 40 users; further users only queue for a thread. An"
    " `async def` route holds only a little memory while it waits, so all requests wait at the same time, until the CPU"
    " is fully used: one core ÷ the CPU time of a request. So async begins to win at about as many users as there are"
    " threads, however long the wait is, as long as the CPU has time left.",
    next=(
        ('bench run "external_api[wait_ms=200]" --users 128', "a longer wait: the ratio approaches 128 ÷ 40"),
        ("bench run external_api --a sync,thread_limit=128 --users 128", "as many threads as users: what is left?"),
        ("bench dial", "vary both the wait and the computation"),
    ),
)
ONE_USER = Lesson(
    name="one_user",
    title="One user against many",
    question="Is the same route faster as `async def` when nobody else is there?",
    hypothesis="No. One request at a time takes as long either way; async helps only with many users at once.",
    written=date(2026, 11, 24),
    code=handlers(UPSTREAM),
    measure=Measure(["external_api"], users="1,8,128", time_s=1.6),
    expects=(
        Ratio("With one user there is no difference beyond 10 %", "external_api", 1, low=0.9, high=1.1),
        Ratio("With 128 users async handles at least a quarter more", "external_api", 128, low=1.25),
    ),
    why="One user waits for one answer. It takes as long as the API takes, whether a thread or the event loop"
    " does the waiting. Async does not make a request faster; it lets more requests wait at once.",
    next=(
        ("bench run external_api --users 20,40,60,80", "find the number of users at which the sides start to differ"),
        ("bench capacity --cpu-ms 0.7 --wait-ms 50 --users 1,40,128", "ask the model the same, without measuring"),
    ),
)
FAST_QUERY = Lesson(
    name="fast_query",
    title="A fast query",
    question="A route reads one row by its key. Is it worth an `async def`?",
    hypothesis="Little or no benefit; the machinery may even cost a little.",
    written=date(2026, 11, 24),
    code=handlers("/api/posts/{post_id}"),
    measure=Measure(["get_post"], users="8"),
    expects=(Ratio("With 8 users async handles at most 10 % more", "get_post", 8, high=1.1),),
    why="The query takes a fraction of a millisecond, so there is almost no waiting to overlap: both builds are"
    " busy computing – SQL, validation, JSON. SQLite's async driver also needs a thread to wait: aiosqlite"
    " passes each call to its own thread and back, which costs CPU time that the sync build does not spend. `async def`"
    " itself is not the cause: a route without I/O handles more requests with it, because it needs no thread (claim"
    " no-io). What costs is the asynchronous access to this database.",
    next=(
        ("bench claims no-io", "the same without a database: what does `async def` alone cost?"),
        ("uv run --extra postgres bench lesson postgres", "the same on PostgreSQL, whose async driver needs no thread"),
        ('bench run "query[wait_ms=50]" --users 8,64', "a slow query: does it help now, and what limits it?"),
    ),
)
SLOW_QUERY = Lesson(
    name="slow_query",
    title="A slow query, and a pool of connections",
    question="Database queries wait. Does async let more of them run at once?",
    hypothesis="The tutorial expects it to. But both builds have 15 connections, and a query needs one.",
    written=date(2026, 11, 24),
    code=handlers("/api/workloads/query"),
    measure=Measure(["query"], users="128"),
    expects=(Ratio("With 128 users the sides are alike within 10 %", "query", 128, low=0.9, high=1.1),),
    why="Each query takes 20 ms. Fifteen connections, each busy for 20 ms per query, allow at most 750 queries"
    " per second, however requests wait for them. The pool is the limit, and async does not widen it: in both"
    " builds the other requests wait until a connection is free.",
    next=(
        (
            "bench run query --a sync,pool_size=60,max_overflow=0 --b async,pool_size=60,max_overflow=0 --users 128",
            "a pool larger than the number of threads: what limits each side now?",
        ),
        ("bench run query --users 128 --observe", "see the queue for the pool over time"),
    ),
)
FAN_OUT = Lesson(
    name="fan_out",
    title="Five calls in one request",
    question="A request needs five independent answers from another service. What does `asyncio.gather` bring?",
    hypothesis="The tutorial's greatest gain: five waits become one, from the first user on. Threads can do that too.",
    written=date(2026, 11, 24),
    code=(
        Code(
            "sync_app",
            "# one after another\nreturn [self.fetch(wait_ms) for _ in range(calls)]\n\n"
            "# or each in a thread\nreturn list(\n    self.threads.map(self.fetch, [wait_ms] * calls)\n)",
        ),
        Code(
            "async_app",
            "# all at once\nreturn await asyncio.gather(\n    *[self.fetch(wait_ms) for _ in range(calls)]\n)",
        ),
    ),
    measure=Measure(["fan_out", "fan_out_threads"], users="4", time_s=2.0),
    expects=(
        Ratio("Against one call after another, async handles at least three times as much", "fan_out", 4, low=3.0),
        Ratio("Against threads it is alike, within 25 %", "fan_out_threads", 4, low=0.8, high=1.25),
    ),
    why="One after another, five calls of 50 ms take 250 ms; all at once they take 50. This concurrency is inside"
    " one request, so one user is enough to see it. It does not require `async`: a thread pool in the sync"
    " build also waits for all five at once, but it needs five threads for each request.",
    next=(
        ("bench run fan_out fan_out_threads --users 1,64", "with many users the threads run out"),
        ('bench run "fan_out[calls=20]" --users 4', "more calls: how far does it go?"),
    ),
)
IO_BOUND = (WAITING, ONE_USER, FAST_QUERY, SLOW_QUERY, FAN_OUT)

CPU = Lesson(
    name="cpu",
    title="Computing",
    question="A route computes: it hashes, or resizes a picture. What does `async def` bring?",
    hypothesis="Nothing. There is no waiting, so there is nothing to overlap.",
    written=date(2026, 11, 24),
    code=handlers("/api/workloads/hash"),
    measure=Measure(["hash[rounds=50000]", "thumbnail"], users="8", time_s=2.0),
    expects=(
        Ratio("Hashing: at most 10 % more with async", "hash[rounds=50000]", 8, high=1.1),
        Ratio("Resizing a picture: at most 10 % more with async", "thumbnail", 8, high=1.1),
    ),
    why="While one request computes, it occupies the core, and all others wait, in a thread or in the event"
    " loop's queue. One core divided by the CPU time of a request is the maximum throughput. Async saves only"
    " the hop to a thread, which matters only if the computation itself is short. With more than one core for"
    " the server `def` may even win: Pillow releases the GIL, so its threads run in parallel.",
    next=(
        ("bench run hash --users 8", "a short computation: now the thread hop shows"),
        ("bench run hash --a sync --b sync,workers=2 --users 8", "more processes help, if there are cores for them"),
    ),
)
STARVED = Lesson(
    name="starved_neighbour",
    title="The starved neighbour",
    question="One request in 200 hashes a million bytes; the others only wait 10 ms. How long do the others take?",
    hypothesis="As `async def`, the computation stops all other requests; as `def`, it delays them less.",
    written=date(2026, 11, 25),
    code=handlers("/api/workloads/hash"),
    measure=Measure(["neighbour"], rate="300"),
    expects=(Ratio("The slowest 1 % wait longer with async", "neighbour", 300, low=1.0, metric="p99"),),
    why="An `async def` handler that computes blocks the event loop: nothing else is answered until it is done. A"
    " `def` handler computes in a thread, and Python takes the GIL (the lock that lets one thread at a time"
    " run Python) from it every 5 ms, so the others continue, a little slower. The slowest 1 % here are cheap"
    " requests that had to wait for a computation.",
    next=(
        ("bench lesson way_out", "keep `async def`, and move the computation elsewhere"),
        ("bench run neighbour --rate 300 --observe", "see how late the event loop is"),
    ),
)
WAY_OUT = Lesson(
    name="way_out",
    title="The way out",
    question="A route must be `async def`, but sometimes it computes. What can you do?",
    hypothesis="Move the computation to a thread or to a process: the other requests then wait less.",
    written=date(2026, 11, 25),
    code=(
        Code("on the event loop: GET /thread and GET /process", "async def page() -> str:\n    if next(turn) % 200"
        " == 0:\n        compute()\n    else:\n        await asyncio.sleep(0.01)\n    return \"done\""),
        Code("in a thread: GET /thread; in a process: GET /process", "async def page() -> str:\n    if next(turn) % 200"
             " == 0:\n        await run_in_threadpool(compute)\n        # or: await loop.run_in_executor(processes,"
             " compute)\n    else:\n        await asyncio.sleep(0.01)\n    return \"done\""),
    ),
    measure=Measure(
        ["GET /thread", "GET /process"], a="loadtests.lessons.apps:stuck", b="loadtests.lessons.apps:freed", rate="600",
        time_s=2.6, slice_s=0.7,
    ),
    expects=(
        Ratio("In a thread: the slowest 1 % wait at least a fifth less", "GET /thread", 600, high=0.8, metric="p99"),
        Ratio("In a process: the same", "GET /process", 600, high=0.8, metric="p99"),
    ),
    why="`run_in_threadpool` frees the event loop at once; the computation then competes for the GIL (the lock"
    " that lets one thread at a time run Python), like that of a `def` route. In another process it does not"
    " even compete for the GIL: only the core is shared, if there is just one.",
    next=(("bench lesson starved_neighbour", "`async def` against `def`, without a way out"),),
)  # fmt: skip
CPU_BOUND = (CPU, STARVED, WAY_OUT)
