"""Lessons about waiting: where async helps, and where it does not."""

from loadtests.lessons.expectation import Ratio
from loadtests.lessons.lesson import Code, Lesson, Measure

UPSTREAM = "/api/workloads/upstream"


def handlers(path: str) -> tuple[Code, Code]:
    """Return the two handlers of a route."""
    return Code("sync_app", handler=("sync", path)), Code("async_app", handler=("async", path))


WAITING = Lesson(
    name="waiting",
    title="Waiting for another service",
    question="A route calls a slow external API. How much more can it serve as `async def`?",
    hypothesis="Much more, once more users wait than there are threads: the tutorial's best case.",
    code=handlers(UPSTREAM),
    measure=Measure(["external_api"], users="128"),
    expects=(Ratio("With 128 users async handles at least a quarter more requests", "external_api", 128, low=1.25),),
    why="A `def` route holds one of 40 threads while it waits, so no more than 40 requests wait at the same time; the"
    " others queue for a thread. An `async def` route holds nothing but a little memory while it waits: all requests"
    " wait at the same time, until the CPU has no time left.",
    next=(
        ('bench run "external_api[wait_ms=200]" --users 128', "wait longer: the ratio comes nearer to 128 ÷ 40"),
        ("bench run external_api --a sync,thread_limit=128 --users 128", "as many threads as users: what is left?"),
        ("bench dial", "turn both dials, the wait and the computation"),
    ),
)

ONE_USER = Lesson(
    name="one_user",
    title="One user against many",
    question="Is the same route faster as `async def` when nobody else is there?",
    hypothesis="No. One request at a time takes as long either way; the benefit needs company.",
    code=handlers(UPSTREAM),
    measure=Measure(["external_api"], users="1,8,128", time_s=1.6),
    expects=(
        Ratio("With one user there is no difference beyond 10 %", "external_api", 1, low=0.9, high=1.1),
        Ratio("With 128 users async handles at least a quarter more", "external_api", 128, low=1.25),
    ),
    why="One user waits for one answer. Whether a thread or the event loop waits with them, the answer takes as long as"
    " the API takes. Async does not make a request faster; it lets more of them wait at once.",
    next=(
        ("bench run external_api --users 20,40,60,80", "find from how many users on the sides differ"),
        ("bench capacity --cpu-ms 0.7 --wait-ms 50 --users 1,40,128", "ask the model the same, without measuring"),
    ),
)

FAST_QUERY = Lesson(
    name="fast_query",
    title="A fast query",
    question="A route reads one row by its key. Is it worth an `async def`?",
    hypothesis="Little or no benefit; the machinery may even cost a little.",
    code=handlers("/api/posts/{post_id}"),
    measure=Measure(["get_post"], users="8"),
    expects=(Ratio("With 8 users async handles at most 10 % more", "get_post", 8, high=1.1),),
    why="The query takes a fraction of a millisecond, so there is next to no waiting to overlap: both builds are busy"
    " computing – SQL, validation, JSON. And SQLite's async driver does not wait without a thread: aiosqlite hands each"
    " call to a thread of its own and back, which costs CPU time that the sync build does not spend.",
    next=(
        ("uv run --extra postgres bench run get_post --users 8 --database postgres", "a database with real async I/O"),
        ('bench run "query[wait_ms=50]" --users 8,64', "a slow query: does it help now, and what limits it?"),
    ),
)

SLOW_QUERY = Lesson(
    name="slow_query",
    title="A slow query, and a pool of connections",
    question="Database queries wait. Does async let more of them run at once?",
    hypothesis="The tutorial expects it to. But both builds have 15 connections, and only who holds one can ask.",
    code=handlers("/api/workloads/query"),
    measure=Measure(["query"], users="128"),
    expects=(Ratio("With 128 users the sides are alike within 10 %", "query", 128, low=0.9, high=1.1),),
    why="The load asks for queries of 20 ms. Fifteen connections, each busy for 20 ms a query, give 750 queries a"
    " second at the most, whoever waits for them. The pool is the limit, and async does not widen it: its requests"
    " queue for a connection instead of a thread.",
    next=(
        (
            "bench run query --a sync,pool_size=60,max_overflow=0 --b async,pool_size=60,max_overflow=0 --users 128",
            "a pool that is wider than the threads: now what limits each side?",
        ),
        ("bench run query --users 128 --observe", "see the queue for the pool, instant by instant"),
    ),
)

FAN_OUT = Lesson(
    name="fan_out",
    title="Five calls in one request",
    question="A request needs five independent answers from another service. What does `asyncio.gather` bring?",
    hypothesis="The tutorial's greatest gain: five waits become one, from the first user on. Threads can do that too.",
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
    why="One after another, five calls of 50 ms take 250 ms; all at once they take 50. That is concurrency inside of"
    " one request, so one user is enough to see it. It is not the `async` that does it: a thread pool in the sync build"
    " waits for all five at once as well, at the price of five threads a request.",
    next=(
        ("bench run fan_out fan_out_threads --users 1,64", "with many users the threads run out"),
        ('bench run "fan_out[calls=20]" --users 4', "more calls: how far does it go?"),
    ),
)

LESSONS = (WAITING, ONE_USER, FAST_QUERY, SLOW_QUERY, FAN_OUT)
