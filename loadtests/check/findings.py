"""What is wrong with a route, or could be better: each finding with the verdict that it alone would lead to (pure).

Each threshold has its reason beside it. A figure counts by its median, and a block by its lower quartile, so that three
requests of four have to show it: what comes by chance is no fault of the app.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from loadtests.check import sentences
from loadtests.check.figures import PartFigures, RouteFigures
from loadtests.check.raw import RawApp, RawDependency, RawRoute, RawSite
from loadtests.check.record import Finding, Place, Problem, Site, Verdict
from loadtests.check.rewrites import only_makes_values

BLOCKS_S = 0.001
"""A part that keeps the event loop so long without computing blocks it. A loop that serves 1,000 requests a second has
a millisecond for each; a call that only reads from the page cache, or writes a line to a log, takes a tenth of it."""
COMPUTES_S = 0.010
"""A part that computes so long on the event loop is worth moving out of it. CPython's threads take turns of 5 ms
(sys.getswitchinterval), so that a shorter computation makes the loop wait as long from a thread as on the loop."""
SERIALISES_S = 0.003
"""An answer that takes so long to be turned into bytes is worth a remark: 300 of them a second keep a loop busy."""
SESSION_WORDS = re.compile(r"session|engine|connect|(?<![a-z])db(?![a-z])", re.IGNORECASE)
"""What the name or source of a dependency has in it that lends database sessions; others may be generators, too."""
WAITS_S = 0.010
"""A handler that waits so long in a thread may be worth an async client. 40 threads that wait 10 ms each answer 4,000
requests a second, more than one Python process can: with a shorter wait the threads are never the limit."""
BELOW_CPU = 0.5
"""A pool that lends connections to coroutines is too small where it lets no more through than so much of what the CPU
allows: above that more connections would bring little."""
CHEAP_S = 0.0002
"""What takes less in a thread is not worth the way there and back, which costs about 0.1 ms of CPU time, and as much
again in waiting for the interpreter's lock where the server is busy."""
DATABASE_CALLS = ("sqlalchemy", "sqlite3", "psycopg", "pymysql", "sqlmodel", "cursor.", "Session.", "Connection.")
"""What the name of a call has in it that asks a database."""
STARTS_S = 0.100
"""What keeps the loop waiting so long before the first request is worth a remark: each start takes so much longer."""
MANY_HOPS = 5
"""Ways to a thread for one stream from which on they are worth a word: one for each piece of it."""
FILE_CALLS = ("pathlib.Path.", "open", "io.", "os.", "shutil.")
"""How calls begin that read and write files: their CPU time is the system's, which no lock of the interpreter is held
for, so that a thread is all that they need."""
UNAVOIDABLE_CALLS = ("asyncio.create_subprocess_",)
"""Calls that keep the event loop for some ms and are the right ones all the same: a process is started by the loop."""
CAN_BE_DEF: frozenset[Place] = frozenset({"handler", "dependency", "background", "stream"})
"""Parts that FastAPI and Starlette run in a thread if they are plain functions or generators."""
NEEDS_LOOP = re.compile(r"\b(create_task|ensure_future|TaskGroup|get_running_loop|call_soon|call_later)\(")
"""Calls that fail in a thread, or have no event loop there, although nothing is awaited."""


def findings_of(route: RawRoute, seen: RouteFigures, app: RawApp) -> Iterator[tuple[Verdict, Finding]]:
    """Yield each finding with the verdict that it alone would lead to; ``keep`` for a remark."""
    key = f"{route.method} {route.path}"
    for part in seen.parts:
        if part.runs_on == "loop":
            yield from _on_loop(key, part, route, seen)
        else:
            yield from _in_thread(key, part, route, seen, app)
    yield from _responses(key, seen)
    yield from _room(key, route, seen, app)
    yield from _locks(key, seen)
    yield from _middlewares(key, app)


def _on_loop(key: str, part: PartFigures, route: RawRoute, seen: RouteFigures) -> Iterator[tuple[Verdict, Finding]]:
    verdict: Verdict = "make-def" if can_be_def(part, route) else "move-out-of-loop"
    site = _slowest(seen.sites, part, "wait")
    if part.wait_s.low - _unavoidable_s(part, seen.sites) >= BLOCKS_S and (
        site is not None or part.place not in ("other", "response")
    ):
        yield verdict, _finding(key, "blocks-by-waiting", part.place, _name(part, site), part.wait_s.mid, site)
    if part.cpu_s.low >= COMPUTES_S and part.place not in ("other", "response"):
        site = _slowest(seen.sites, part, "cpu")
        if site is None or not site.call.startswith(FILE_CALLS):  # a thread gives the loop back, but computes no faster
            verdict = "move-out-of-loop"
        yield verdict, _finding(key, "blocks-by-computing", part.place, _name(part, site), part.cpu_s.mid, site)


def _responses(key: str, seen: RouteFigures) -> Iterator[tuple[Verdict, Finding]]:
    """Yield that turning the answer into bytes computes for long, which the loop does whatever the handler is.

    Of a stream it is sending its pieces, in between which others are served.
    """
    if any(part.place == "stream" for part in seen.parts):
        return
    parts = [part for part in seen.parts if part.place == "response" and part.runs_on == "loop"]
    seconds = sum(part.cpu_s.mid for part in parts)
    if seconds >= SERIALISES_S:
        worst = max(parts, key=lambda part: part.cpu_s.mid)
        verdict: Verdict = "move-out-of-loop" if sum(part.cpu_s.low for part in parts) >= COMPUTES_S else "keep"
        text = sentences.serialises(seconds)
        yield verdict, _finding(key, "blocks-by-computing", "response", worst.name, seconds, None, text)


def can_be_def(part: PartFigures, route: RawRoute) -> bool:
    """Whether a part of a coroutine awaits nothing and starts no task, so that it could be a function in a thread."""
    dependency = _dependency(part.name, route) if part.place == "dependency" else None
    source = (
        dependency.source if dependency is not None else route.source if part.place in ("handler", "stream") else ""
    )
    return part.place in CAN_BE_DEF and not part.awaits and not NEEDS_LOOP.search(source)


def _unavoidable_s(part: PartFigures, sites: Sequence[RawSite]) -> float:
    """Return how long a part waits in calls that are as they should be, in seconds."""
    return sum(site.wait_s for site in _own(sites, part) if site.call.startswith(UNAVOIDABLE_CALLS))


def _name(part: PartFigures, site: RawSite | None) -> str:
    """Return what a part is called: of a model that validates, the function that does."""
    return site.function if part.place == "validator" and site is not None and site.function else part.name


def _in_thread(
    key: str, part: PartFigures, route: RawRoute, seen: RouteFigures, app: RawApp
) -> Iterator[tuple[Verdict, Finding]]:
    """Yield what is to be said of a part that FastAPI sends to a thread; what the app itself sends there is right."""
    dependency = _dependency(part.name, route) if part.place == "dependency" else None
    is_handler = part.place == "handler" and route.is_async is False and part.name == route.name
    if part.place == "stream" and part.hops >= MANY_HOPS and _does_nothing(part):
        yield "keep", _hop(key, part, None)
    if dependency is None and not is_handler:
        return
    site = _slowest(seen.sites, part, "wait")
    if part.wait_s.low >= WAITS_S and _asks_database(site, seen):
        text = sentences.waits_for_database(part, app, site)
        yield "keep", _finding(key, "waits-in-thread", part.place, part.name, part.wait_s.mid, site, text)
    elif part.wait_s.low >= WAITS_S:
        text = sentences.waits_in_thread(part, app, site)
        yield "make-async", _finding(key, "waits-in-thread", part.place, part.name, part.wait_s.mid, site, text)
    elif dependency is not None and route.is_async and _does_nothing(part):
        if not _lends_a_session(dependency, seen):
            yield "make-dependency-async", _hop(key, part, dependency.site)
    elif is_handler and _does_nothing(part) and only_makes_values(route.source):
        yield "keep", _hop(key, part, route.site)


def _does_nothing(part: PartFigures) -> bool:
    """Whether a part takes less, for each of its ways to a thread, than that way costs."""
    return part.hops > 0 and max(part.cpu_s.mid, part.wait_s.mid) < CHEAP_S * part.hops


def _hop(key: str, part: PartFigures, site: RawSite | None) -> Finding:
    text = sentences.hop_for_nothing(part)
    return _finding(key, "hop-for-nothing", part.place, part.name, part.cpu_s.mid, site, text)


def _middlewares(key: str, app: RawApp) -> Iterator[tuple[Verdict, Finding]]:
    for middleware in app.middlewares:
        if middleware.kind == "BaseHTTPMiddleware" and middleware.source:
            text = sentences.base_middleware(middleware)
            yield "keep", _finding(key, "hop-for-nothing", "middleware", middleware.name, 0.0, middleware.site, text)


def _room(key: str, route: RawRoute, seen: RouteFigures, app: RawApp) -> Iterator[tuple[Verdict, Finding]]:
    """Yield that connections are fewer than threads, where requests hold one while they wait for the other."""
    sessions = [each for each in route.dependencies if _lends_a_session(each, seen)]
    if app.connections is None or not sessions or any(each.limit is not None for each in sessions):
        return
    session = next((each for each in sessions if SESSION_WORDS.search(each.name + each.source)), sessions[-1])
    held_s = seen.held_s or 0.0
    cpu_s = (seen.served_cpu_s or seen.cpu_s).mid
    is_limit = cpu_s * app.connections < BELOW_CPU * held_s  # requests a second: connections ÷ held, and 1 ÷ CPU time
    can_stand_still = not session.is_async and app.connections < app.threads and _needs_thread_again(session, seen)
    in_threads = not session.is_async and app.connections < app.threads and is_limit
    for_long = session.is_async and held_s >= WAITS_S and is_limit
    if can_stand_still or in_threads or for_long:
        text = sentences.pool_below_threads(app.connections, app, session, can_stand_still=can_stand_still)
        site = session.site
        yield "give-room", _finding(key, "pool-below-threads", "dependency", session.name, held_s, site, text)


def _needs_thread_again(session: RawDependency, seen: RouteFigures) -> bool:
    """Whether a request can wait for a thread while it holds a connection: its end, FastAPI calls without a limit."""
    parts = [part for part in seen.parts if part.runs_on == "thread" and part.name != session.name]
    asking = [part for part in parts if part.place in ("dependency", "handler") and not _does_nothing(part)]
    # A hop of the answer's validation is named after the handler, so that its part has none.
    return len(asking) > 1 or any(part.place == "response" for part in parts)


def _locks(key: str, seen: RouteFigures) -> Iterator[tuple[Verdict, Finding]]:
    waited = [lock for lock in seen.locks if lock.waited_s >= BLOCKS_S]
    if not waited or len(waited) * 4 < len(seen.locks):
        return
    worst = max(waited, key=lambda lock: lock.held_s)
    held_s = sorted(lock.held_s for lock in waited)[len(waited) // 2]
    site = RawSite(file=worst.file, line=worst.line, function=worst.function, call="lock")
    yield "give-room", _finding(key, "serialised", "handler", worst.function, held_s, site)


def _dependency(name: str, route: RawRoute) -> RawDependency | None:
    return next((each for each in route.dependencies if each.name == name), None)


def _lends_a_session(dependency: RawDependency, seen: RouteFigures) -> bool:
    """Whether a dependency is one that lends a database session, as far as can be told."""
    return dependency.is_generator and bool(seen.statements)


def _asks_database(site: RawSite | None, seen: RouteFigures) -> bool:
    if site is not None and site.call:
        return any(each in site.call for each in DATABASE_CALLS)
    return bool(seen.statements)


def _slowest(sites: Sequence[RawSite], part: PartFigures, what: Literal["wait", "cpu"]) -> RawSite | None:
    """Return the line on which a part stays longest; None if no line is known."""
    own = _own(sites, part)
    took = [(site.wait_s if what == "wait" else site.cpu_s, site) for site in own]
    longest, worst = max(took, key=lambda each: each[0], default=(0.0, None))
    return worst if longest > 0 else next(iter(own), None)


def _own(sites: Sequence[RawSite], part: PartFigures) -> list[RawSite]:
    return [
        site for site in sites if site.on == part.runs_on and site.place == part.place and part.name in (site.name, "")
    ]


def _finding(
    key: str,
    problem: Problem,
    place: Place,
    name: str,
    seconds: float,
    site: RawSite | None,
    sentence: str = "",
) -> Finding:
    function, call = (site.function, site.call) if site is not None else ("", "")
    return Finding(
        problem=problem,
        verdict="keep",
        place=place,
        name=name,
        seconds=seconds,
        site=site_of(site),
        fingerprint=" | ".join((key, problem, place, name, function, call)),
        sentence=sentence or sentences.sentence(problem, place, name, seconds, site),
    )


def startup_findings(app: RawApp) -> tuple[Finding, ...]:
    """Return what blocks before the first request; the worst first."""
    found = [
        _finding("startup", "blocks-by-waiting", "other", site.function, site.wait_s, site, sentences.starts(site))
        for site in app.startup
        if site.wait_s >= STARTS_S
    ]
    return tuple(sorted(found, key=lambda each: -each.seconds))


def site_of(site: RawSite | None) -> Site | None:
    """Return a line of source as the record has it."""
    return None if site is None else Site(file=site.file, line=site.line, function=site.function, call=site.call)
