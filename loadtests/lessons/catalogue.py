"""All lessons and claims, by name (pure).

A claim is a statement of the tutorial or a published figure, with what must be measured if it holds. Most claims are
measured by a lesson.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

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


def lesson_named(name: str) -> Lesson:
    """Return a lesson by its name; raises UsageError if there is none."""
    if name not in LESSONS:
        raise UsageError(f"there is no lesson {name!r}; choose one of: {', '.join(LESSONS)}")
    return LESSONS[name]


@dataclass(frozen=True)
class Claim:
    """A statement of the tutorial or a published figure, and how it is tested.

    Attributes:
        name: short, as typed after ``bench claims``.
        origin: who says it.
        says: the claim, in our words.
        expects: what must be measured if it holds; empty where it can't be tested.
        lesson: the name of the lesson that explains it, and measures it unless ``measure`` is given.
        measure: its own measurement; None where the lesson's is used.
        untested: why it can't be tested here; empty where it can.
        note: what a reader must know to interpret its figure.
    """

    name: str
    origin: Origin
    says: str
    expects: tuple[Expectation, ...] = ()
    lesson: str | None = None
    measure: Measure | None = None
    untested: str = ""
    note: str = ""

    @property
    def evidence_name(self) -> str:
        """The name that its measurement is stored under: the lesson's where that measures it, else its own."""
        return self.name if self.measure or self.lesson is None else self.lesson

    @property
    def measured_by(self) -> Measure | None:
        """Its own measurement, or its lesson's; None if it is not tested."""
        return self.measure or (LESSONS[self.lesson].measure if self.lesson and self.expects else None)


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
        note="with 15 connections on both sides, which are the limit; with more of them see pg_sleep below",
    ),
    _tested_by_lesson("cpu-does-not", "Async does nothing for CPU-bound work", "cpu"),
    _tested_by_lesson("fast-query", "For simple, fast queries there is little or no benefit", "fast_query"),
    _tested_by_lesson("one-user", "One request at a time shows no difference; many concurrent ones do", "one_user"),
    Claim(
        "threads-do-not-block",
        "tutorial",
        "`def` routes run in threads and do not block each other",
        (Rate("8 users who sleep 20 ms: over 200 a second; one at a time 50", "blocking", 8, label="a", low=200),),
        "blocked_loop",
    ),
    _tested_by_lesson(
        "blocking-is-worse", "Blocking in `async def` stalls every request, worse than `def`", "blocked_loop"
    ),
    _tested_by_lesson("fan-out", "Several independent calls in one request gain most", "fan_out", 0),
    _tested_by_lesson(
        "lazy-raises", "In async SQLAlchemy a relationship that was not loaded raises", "missing_greenlet"
    ),
    _tested_by_lesson(
        "lazy-costs",
        "In sync lazy loading works, at the price of a query for each row (here: for each author)",
        "n_plus_one",
    ),
    _tested_by_lesson("mixing", "Mixing `def` and `async def` routes in one app is fine", "mixing"),
    _tested_by_lesson("sync-library", "A synchronous library in an async route is a mistake", "blocked_loop", 1),
    Claim(
        "same-app",
        "tutorial",
        "Seen from outside, the two apps are the same app",
        untested="no figure can show it; the contract tests do, request by request, on both builds",
    ),
    Claim(
        "more-connections",
        "tutorial",
        "For production under load, async holds more concurrent connections",
        untested="both builds take as many as come; how many wait at the same time is what lesson waiting measures",
    ),
    Claim(
        "ceiling-3s",
        "published",
        "40 threads ÷ 3 s: 13.3 requests/s at 100 users",
        (Rate("sync answers 13.3 a second, within 5 %", WAIT_3_S, 100, "a", *near(40 / 3)),),
        "waiting",
        Measure([WAIT_3_S], users="100", time_s=18.0, slice_s=9.0, blocks=2),
    ),
    Claim(
        "ceiling-pg-sleep",
        "published",
        "pg_sleep(0.5), 50 users, connections enough: 80 requests/s in threads, 96 to 100 with async",
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
    ),
    Claim(
        "ceiling-workers",
        "published",
        "Workers × threads ÷ service time; published for 2 × 40 ÷ 0.05 s, here with 10 threads each: 400 requests/s",
        (Rate("sync answers 400 a second, within 5 %", WAIT_50_MS, 100, "a", *near(400)),),
        "waiting",
        Measure([WAIT_50_MS], a="sync,workers=2,thread_limit=10", b="async,workers=2", users="100", blocks=3),
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
        note="with 20 users, so that `def` can answer 67 a second at the most",
    ),
    Claim(
        "no-io",
        "published",
        "No I/O at all: `async def` handles more (2,596 → 4,902 requests/s)",
        (Ratio("async handles at least a quarter more for one user", "noop", 1, low=1.25),),
        "cpu",
        Measure(["noop"], users="1"),
    ),
    Claim(
        "pool-stall",
        "published",
        "A pool smaller than the thread pool stalls the sync app at 48 users, and not the async one",
        (Collapse("sync answers nothing, async does", "get_post", 48, "a", "nothing was answered"),),
        "deadlock",
        Measure(["get_post"], a="sync,session_limit=none", b="async,session_limit=none", users="48", time_s=1.0),
        note="here it takes luck with 64 users and none with 128: see the lesson",
    ),
    Claim(
        "modest-win",
        "published",
        "A modest async win when uncongested: 8 to 13 % with a COUNT query on PostgreSQL",
        untested="the blog has no route that only counts",
    ),
    Claim(
        "serialisation",
        "published",
        "Serialisation eats the gain: 5,000-row responses, all alike",
        untested="the blog's seed has 20 posts, and no answer of that size",
    ),
    Claim(
        "not-faster",
        "published",
        "Async isn't faster at all: 16 sync workers against 5 async ones",
        untested="it takes more cores than most readers have; bench run --a sync,workers=16 --b async,workers=5 tries"
        " it",
    ),
)


def judge(claim: Claim, judged: Sequence[Judgement]) -> Judgement:
    """Return the judgement on a claim, from those on each of its expectations, in the same order."""
    if claim.untested:
        return Judgement("not tested", "", claim.untested)
    pairs = zip(claim.expects, judged, strict=False)
    figure = "; ".join(f"{expected.says}: {each.figure}" for expected, each in pairs if each.figure)
    standing = combined([each.standing for each in judged])
    why = next((each.why for each in judged if each.standing == standing), "")
    return Judgement(standing, figure, "; ".join(filter(None, (why, claim.note))))
