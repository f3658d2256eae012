"""All lessons and claims, by name (pure).

A claim is a statement of the tutorial or a published figure, and what a measurement must show if it holds. Lessons
measure most of the claims.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.experiment.catalogue import CATALOGUE, PITFALLS
from loadtests.lessons import data_lessons, io_and_cpu_bound, pitfalls, server_lessons, threads_and_loop
from loadtests.lessons.lesson import Collapse, Expectation, Judgement, Lesson, Measure, Rate, Ratio, combined, near
from loadtests.system.errors import UsageError

LESSONS: Mapping[str, Lesson] = {
    lesson.name: lesson
    for lesson in (
        *io_and_cpu_bound.IO_BOUND,
        *io_and_cpu_bound.CPU_BOUND,
        *threads_and_loop.THREADS_AND_LOOP,
        *pitfalls.IN_APPS,
        *data_lessons.LESSONS_ON_DATA,
        *server_lessons.LESSONS_ON_SERVERS,
        *pitfalls.IN_LOAD_GENERATORS,
    )
}
"""In the order in which to take them."""
Origin = Literal["tutorial", "published"]
WAIT_3_S = "mixed[cpu_ms=0,wait_ms=3000]"
WAIT_50_MS = "mixed[cpu_ms=0,wait_ms=50]"
WAIT_1_S = "mixed[cpu_ms=0,wait_ms=1000]"
CALLS_400_MS = "fan_out[wait_ms=400]"
ALL_SCENARIOS = tuple(name for name in CATALOGUE if name not in PITFALLS)
"""Asked of both builds to see whether they are the same app; pitfalls are left out, because they differ on purpose."""


def lesson_named(name: str) -> Lesson:
    """Return a lesson by its name; raises UsageError if there is none."""
    if name not in LESSONS:
        raise UsageError(f"there is no lesson {name!r}; choose one of: {', '.join(LESSONS)}")
    return LESSONS[name]


@dataclass(frozen=True)
class Source:
    """Where a figure was published.

    Attributes:
        name: as a reader knows it.
        url: where it can be looked up; empty where it was not found again.
    """

    name: str
    url: str = ""


NOT_FOUND_AGAIN = Source("source not found again")
AFTABK = Source("aftabk-gh/fastapi-async-vs-sync", "https://github.com/aftabk-gh/fastapi-async-vs-sync")
AIRFLOW = Source("apache/airflow#36504", "https://github.com/apache/airflow/pull/36504")
FASTAPI_1664 = Source("fastapi/fastapi#1664", "https://github.com/fastapi/fastapi/issues/1664")
ANDERSON = Source(
    "andersonrocha0/fastApiAndSqlAlchemySyncVsAsync",
    "https://github.com/andersonrocha0/fastApiAndSqlAlchemySyncVsAsync",
)
PATERSON = Source("“Async Python is not faster”", "https://calpaterson.com/async-python-is-not-faster.html")
GRANIAN = Source(
    "emmett-framework/granian, discussion 830", "https://github.com/emmett-framework/granian/discussions/830"
)


@dataclass(frozen=True)
class Claim:
    """A statement of the tutorial or a published figure, and how it is tested.

    Attributes:
        name: short, as typed after ``bench claims``.
        origin: who says it.
        says: the claim, in our words.
        expects: what must be measured if it holds; empty where only the sides' answers are compared.
        lesson: the name of the lesson that explains it, and measures it unless ``measure`` is given.
        measure: its own measurement; None where the lesson's is used.
        note: what a reader must know to interpret its figure.
        source: where it was published; None for the tutorial's.
        conditions: under which its figure was published.
    """

    name: str
    origin: Origin
    says: str
    expects: tuple[Expectation, ...] = ()
    lesson: str | None = None
    measure: Measure | None = None
    note: str = ""
    source: Source | None = None
    conditions: str = ""

    @property
    def evidence_name(self) -> str:
        """The name that its measurement is stored under: the lesson's where that measures it, else its own."""
        return self.name if self.measure or self.lesson is None else self.lesson

    @property
    def measured_by(self) -> Measure | None:
        """Its own measurement, or its lesson's; None if it has neither."""
        return self.measure or (LESSONS[self.lesson].measure if self.lesson else None)


def _tested_by_lesson(name: str, says: str, lesson: str, *numbers: int) -> Claim:
    """Return a claim of the tutorial that expects what a lesson does: all of it, or the expectations numbered."""
    expects = LESSONS[lesson].expects
    chosen = tuple(expects[number] for number in numbers) if numbers else expects
    return Claim(name, "tutorial", says, chosen, lesson)


CLAIMS: Sequence[Claim] = (
    _tested_by_lesson("waiting-pays", "Async pays where work waits: an external call", "waiting"),
    Claim(
        "queries-pay",
        "tutorial",
        "Async pays where work waits: a slow database query",
        (Ratio("With 128 users async handles at least a quarter more", "query", 128, low=1.25),),
        "slow_query",
        note="both sides have 15 connections, which are the limit; for more connections see pg_sleep below",
    ),
    _tested_by_lesson("cpu-does-not", "Async does nothing for CPU-bound work", "cpu"),
    _tested_by_lesson("fast-query", "For simple, fast queries there is little or no benefit", "fast_query"),
    _tested_by_lesson("one-user", "One request at a time shows no difference; many concurrent ones do", "one_user"),
    Claim(
        "threads-do-not-block",
        "tutorial",
        "`def` routes run in threads and do not block each other",
        (Rate("8 users, 20 ms each: over 200 a second; one at a time 50", "blocking", 8, label="a", low=200),),
        "blocked_loop",
    ),
    _tested_by_lesson(
        "blocking-is-worse", "Blocking in `async def` stalls every request, worse than `def`", "blocked_loop"
    ),
    _tested_by_lesson("fan-out", "Several independent calls in one request gain most", "fan_out", 0),
    _tested_by_lesson(
        "lazy-raises", "In async SQLAlchemy, reading a relationship that was not loaded raises", "missing_greenlet"
    ),
    _tested_by_lesson(
        "lazy-costs",
        "In sync, lazy loading works, but costs a query for each row (here: for each author)",
        "n_plus_one",
    ),
    _tested_by_lesson("mixing", "Mixing `def` and `async def` routes in one app is fine", "mixing"),
    _tested_by_lesson("sync-library", "A synchronous library in an async route is a mistake", "blocked_loop", 1),
    Claim(
        "files-pay",
        "tutorial",
        "Async pays where work waits: reading a file",
        (Ratio("With 64 users async handles at least a quarter more", "file", 64, low=1.25),),
        measure=Measure(["file"], users="64"),
        note="the file is in the system's cache, as any file that is read often; async reads it in a thread",
    ),
    _tested_by_lesson(
        "commit-expires",
        "With async, objects must not expire on commit: the next access raises",
        "after_commit",
        1,
    ),
    Claim(
        "same-app",
        "tutorial",
        "Seen from outside, the two apps are the same app",
        measure=Measure(ALL_SCENARIOS, users="1", blocks=1, compares="answers"),
    ),
    Claim(
        "more-connections",
        "tutorial",
        "For production under load, async holds more concurrent connections",
        (
            Rate("sync has 40 threads, so at most 42 of 300 requests are in progress", WAIT_1_S, 300, "a", high=42.0),
            Rate("async has at least 200 in progress", WAIT_1_S, 300, "b", low=200),
        ),
        "waiting",
        Measure([WAIT_1_S], users="300", time_s=6.0, slice_s=3.0, blocks=3),
        note="each request waits 1 s, so the number in progress is the number answered in a second; each build has all"
        " 300 connections, but sync leaves 260 requests in a queue",
    ),
    Claim(
        "ceiling-3s",
        "published",
        "40 threads ÷ 3 s: 13.3 requests/s at 100 users",
        (Rate("sync answers 13.3 a second, within 5 %", WAIT_3_S, 100, "a", *near(40 / 3)),),
        "waiting",
        Measure([WAIT_3_S], users="100", time_s=18.0, slice_s=9.0, blocks=2),
        source=AFTABK,
        conditions="time.sleep(3) in a `def` route, 100 users, 1 worker: measured 13.27/s",
    ),
    Claim(
        "ceiling-pg-sleep",
        "published",
        "pg_sleep(0.5), 50 users, enough connections: 80 requests/s in threads, 96 to 100 with async",
        (
            Rate("sync answers 80 a second, within 5 %", "query[wait_ms=500]", 50, "a", *near(80)),
            Rate("async answers 100 a second, within 5 %", "query[wait_ms=500]", 50, "b", *near(100)),
        ),
        "slow_query",
        Measure(
            ["query[wait_ms=500]"],
            a="sync,pool_size=60,max_overflow=0",
            b="async,pool_size=60,max_overflow=0",
            users="50",
            blocks=3,
            database="postgres",
        ),
        source=AIRFLOW,
        conditions="pg_sleep(0.5), 40 threads, a pool of 600, 1 worker, psycopg2 against asyncpg: measured 78.5 and"
        " 96.4/s",
    ),
    Claim(
        "ceiling-workers",
        "published",
        "Workers × threads ÷ service time; published for 2 × 40 ÷ 0.05 s, here with 10 threads each: 400 requests/s",
        (Rate("sync answers 400 a second, within 5 %", WAIT_50_MS, 100, "a", *near(400)),),
        "waiting",
        Measure([WAIT_50_MS], a="sync,workers=2,thread_limit=10", b="async,workers=2", users="100", blocks=3),
        source=NOT_FOUND_AGAIN,
        conditions="2 workers, 0.05 s: predicted 1,600, measured 1,556.7/s",
    ),
    Claim(
        "blocking-collapse",
        "published",
        "Blocking 0.3 s in `async def` with 2 workers: 6.6 requests/s, against 247 with `def`",
        (
            Rate("async answers 6.67 a second, within 5 %", "blocking[wait_ms=300]", 20, "b", *near(2 / 0.3)),
            Ratio("`def` answers at least five times as many", "blocking[wait_ms=300]", 20, high=0.2),
        ),
        "blocked_loop",
        Measure(
            ["blocking[wait_ms=300]"],
            a="sync,workers=2",
            b="async,workers=2",
            users="20",
            blocks=3,
            time_s=6.0,
            slice_s=3.0,
        ),
        note="with 20 users, so `def` can answer at most 67 a second",
        source=NOT_FOUND_AGAIN,
        conditions="time.sleep(0.3), 2 workers: 6.6/s in `async def`, 246.6 in `def`; 304.4 with asyncio.sleep",
    ),
    Claim(
        "no-io",
        "published",
        "No I/O at all: `async def` handles more (2,596 → 4,902 requests/s)",
        (Ratio("async handles at least a quarter more for one user", "noop", 1, low=1.25),),
        "cpu",
        Measure(["noop"], users="1"),
        source=FASTAPI_1664,
        conditions="a route that returns a constant, 1 worker, ab -n 10000 -c 1000",
    ),
    Claim(
        "pool-stall",
        "published",
        "With fewer connections than threads, the sync app stalls at 48 users, and the async one does not",
        (Collapse("sync answers nothing, async does", "get_post", 48, "a", "nothing was answered"),),
        "deadlock",
        Measure(["get_post"], a="sync,session_limit=none", b="async,session_limit=none", users="48", time_s=1.0),
        note="here a stall is a matter of chance at 64 users and certain at 128: see the lesson",
        source=ANDERSON,
        conditions="SQLAlchemy's default pool, 48 users: sync 0, async 824/s",
    ),
    Claim(
        "modest-win",
        "published",
        "A modest async win when uncongested: 8 to 13 % with a COUNT query on PostgreSQL",
        (Ratio("async handles up to a quarter more", "count", 50, low=1.0, high=1.25),),
        "asyncpg",
        Measure(
            ["count"],
            a="sync,seed_posts=1000,pool_size=60,max_overflow=0",
            b="async,seed_posts=1000,pool_size=60,max_overflow=0,database_driver=asyncpg",
            users="50",
            database="postgres",
        ),
        source=AIRFLOW,
        conditions="COUNT of 1,000 rows: 157 → 175/s, and SELECT 1: 121 → 132/s, with 50 users, 40 threads and a pool"
        " of 600; psycopg2 against asyncpg; with 200 users async was slower",
    ),
    Claim(
        "serialisation",
        "published",
        "Serialisation cancels the gain: with responses of 5,000 rows, all are alike",
        LESSONS["many_rows"].expects,
        "many_rows",
        source=NOT_FOUND_AGAIN,
        conditions="3,220 → 95 requests/s from small answers to answers of 5,000 rows, for `def` and `async def`",
    ),
    Claim(
        "not-faster",
        "published",
        "Async isn't faster at all: 16 sync workers against 5 async ones; here 3 against 1",
        (Ratio("async handles no more than sync", "get_post", 64, high=1.0),),
        "asyncpg",
        Measure(
            ["get_post"],
            a="sync,workers=3",
            b="async,database_driver=asyncpg",
            users="64",
            database="postgres",
        ),
        note="with 3 and 1 workers, because most machines have fewer cores than 16; both have the same cores",
        source=PATERSON,
        conditions="a row by its key from PostgreSQL: Bottle on 16 Gunicorn workers 5,780/s and p99 32 ms,"
        " Starlette on 5 uvicorn workers 4,952/s and 75 ms",
    ),
    Claim(
        "server-reverses",
        "published",
        "Another server reverses the order of `def` and `async def`",
        LESSONS["server"].expects[:1],
        "server",
        note="published for Granian; here with uvicorn's own event loops and parsers, so that nothing needs installing",
        source=GRANIAN,
        conditions="Granian in place of uvicorn, `def` routes",
    ),
    Claim(
        "five-calls",
        "published",
        "Five calls of 0.4 s in one request: 2.07 → 0.48 s",
        (Ratio("async answers 3.5 to 5.2 times as often, for one user", CALLS_400_MS, 1, low=3.5, high=5.2),),
        "fan_out",
        Measure([CALLS_400_MS], users="1", time_s=12.0, slice_s=6.0, blocks=2),
        source=Source("taskdog#1090"),
        conditions="five independent calls of 0.4 s, first one after another, then gathered; the ratio is 4.3",
    ),
)


def judge(claim: Claim, judged: Sequence[Judgement]) -> Judgement:
    """Return the judgement on a claim, from those on each of its expectations, in the same order."""
    pairs = zip(claim.expects, judged, strict=False)
    figure = "; ".join(f"{expected.says}: {each.figure}" for expected, each in pairs if each.figure)
    standing = combined([each.standing for each in judged])
    why = next((each.why for each in judged if each.standing == standing), "")
    return Judgement(standing, figure, "; ".join(filter(None, (why, claim.note))))
