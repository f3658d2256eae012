"""The words for what ``bench check`` found, which every output uses (pure)."""

from collections.abc import Mapping, Sequence

from loadtests.check.changes import Change, lead
from loadtests.check.record import Check, Finding, Gain, Place, Problem, RouteCheck, Site, Verdict
from loadtests.report.wording import NO_BREAK, milliseconds, number, printable

VERDICTS: Mapping[Verdict, str] = {
    "keep": "keep it",
    "make-def": "make {} def",
    "make-async": "make {} async def",
    "make-dependency-async": "make {} async",
    "move-out-of-loop": "move {} off the event loop",
    "give-room": "give it more room",
    "not-known": "not known",
}
"""What to do, with a place for what it is about."""
KEYWORDS = frozenset({"def", "async", "await"})
"""Words of Python that a sentence may begin with."""
PROBLEMS: Mapping[Problem, str] = {
    "blocks-by-waiting": "Waiting blocks the event loop",
    "blocks-by-computing": "A long computation blocks the event loop",
    "waits-in-thread": "A thread is held while it waits",
    "hop-for-nothing": "A thread is used without need",
    "pool-below-threads": "There are fewer connections than threads",
    "serialised": "Requests wait for each other",
}
EXPLAINED: Mapping[Problem, str] = {
    "blocks-by-waiting": (
        "Code that runs on the event loop waits without await: time.sleep, a synchronous client or database session, a"
        " file. Until it is done, the process answers no other request. Declare the handler or dependency with def, so"
        " that it runs in a thread; await an async client; or call it with run_in_threadpool."
    ),
    "blocks-by-computing": (
        "Code that runs on the event loop computes for a long time. Until it is done, the process answers no other"
        " request. Declare the handler with def if other routes must keep answering; threads make it no faster, because"
        " they share one interpreter. A process pool does, if there are enough cores."
    ),
    "waits-in-thread": (
        "A def handler or dependency holds a thread while it only waits. All of them share 40 threads by default. With"
        " more users than threads, the others queue. Declare it with async def and await an async client, which holds"
        " no thread."
    ),
    "hop-for-nothing": (
        "A def handler or dependency runs in a thread but neither waits nor computes there. The hop to the thread takes"
        " longer than its work. Declare it with async def; it must then not call anything that blocks."
    ),
    "pool-below-threads": (
        "More threads use the database pools at the same time than the pools have connections. Requests wait for a"
        " connection, and a request that has one may wait for a thread: the app can deadlock until a timeout. Limit"
        " how many requests hold a session; a larger pool alone is no certain cure."
    ),
    "serialised": (
        "Requests wait for each other although they could be served at the same time, for example because a lock is"
        " held across an await. Hold it for a shorter time, or not at all."
    ),
}
"""What a problem is and what to do about it."""
PLACES: Mapping[Place, str] = {
    "handler": "the handler",
    "dependency": "the dependency",
    "middleware": "the middleware",
    "validator": "the validator",
    "background": "the background task",
    "stream": "the streamed answer",
    "response": "the response",
    "other": "other code",
}


def duration(seconds: float) -> str:
    """Write a duration with its unit: 50.0 ms, 0.080 ms, 1.20 s."""
    if seconds >= 1:
        return f"{number(seconds)}{NO_BREAK}s"
    return f"{milliseconds(seconds)}{NO_BREAK}ms"


def times(value: float) -> str:
    """Write a ratio with its sign: 2.13 ×."""
    return f"{number(value)}{NO_BREAK}×"


def interval(low: float, high: float) -> str:
    """Write the range of a ratio, without brackets."""
    return f"{number(low)}{NO_BREAK}–{NO_BREAK}{number(high)}"


def title(route: RouteCheck) -> str:
    """Return a route as it is asked: GET /posts."""
    return printable(f"{route.method} {route.path}")


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write "1 route", "2 routes", "1,200 routes"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def clause(text: str) -> str:
    """Return a sentence as a part of another one: on one line, without its full stop."""
    return printable(" ".join(text.split())).removesuffix(".")


def ended(text: str) -> str:
    """Return a sentence on one line, from a capital letter to its full stop; what is code keeps its letters."""
    text = clause(text)
    first, _, _ = text.partition(" ")
    if first.isalpha() and first.islower() and first not in KEYWORDS:
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in "!?…:" else f"{text}."


def told(finding: Finding) -> str:
    """Return what a finding says, as a part of a sentence, with its line if it does not name that itself."""
    where = at(finding.site)
    said = clause(finding.sentence)
    return said if not where or where in said else f"{said} ({where})"


def short(name: str) -> str:
    """Return the last word of a dotted name: ``get_db`` of ``main.get_db``."""
    return printable(name.rpartition(".")[2] or name)


def at(site: Site | None) -> str:
    """Return file and line, as editors and terminals open them; empty if there is none."""
    return printable(f"{site.file}:{site.line}") if site else ""


def called(site: Site | None) -> str:
    """Return what a line calls, as ``time.sleep()``; empty if nothing is known."""
    return printable(f"{site.call.removesuffix('()')}()") if site and site.call else ""


def advised(route: RouteCheck) -> str:
    """Return the verdict in a few words, with the part that it is about if that is not the handler."""
    finding = lead(route)
    if finding is None or finding.place == "handler":
        about = "a dependency" if route.verdict == "make-dependency-async" else "it"
    else:
        about = part(finding)
    return VERDICTS[route.verdict].format(about)


def cost(finding: Finding, check: Check) -> str:
    """Say in a few words what a finding costs each request."""
    took = duration(finding.seconds)
    match finding.problem:
        case "blocks-by-waiting":
            return f"blocks the loop for {took}"
        case "blocks-by-computing":
            return f"computes on the loop for {took}"
        case "waits-in-thread":
            return f"waits in a thread for {took}"
        case "hop-for-nothing":
            return f"uses a thread without need, {took}"
        case "pool-below-threads":
            return f"{counted(check.threads, 'thread')}, {counted(check.connections or 0, 'connection')}"
        case "serialised":
            return f"one request at a time, {took} each"


def part(finding: Finding) -> str:
    """Return the part of a request that a finding is about: the middleware Timing."""
    where = PLACES[finding.place]
    return f"{where} {short(finding.name)}" if finding.name else where


def brings(gain: Gain) -> str:
    """Return the predicted ratio with its range: 2.13 × (1.90 – 2.40)."""
    return f"{times(gain.ratio)} ({interval(gain.low, gain.high)})"


def measured(gain: Gain) -> str:
    """Return the measured ratio with its interval; empty if it was not measured."""
    if gain.proved is None:
        return ""
    ratio, low, high = gain.proved
    return f"{times(ratio)} ({interval(low, high)})"


def headline(check: Check, changes: Sequence[Change]) -> str:
    """Say how many routes should change."""
    total, wrong = len(check.routes), sum(len(change.routes) for change in changes)
    known = sum(route.verdict != "not-known" for route in check.routes)
    if not total:
        return "No routes were found"
    if wrong:
        fewer = f", {counted(len(changes), 'change')} in all" if len(changes) < wrong else ""
        return f"{wrong:,} of {counted(total, 'route')} should change{fewer}"
    if not known:
        return "The only route could not be judged" if total == 1 else f"None of {total:,} routes could be judged"
    return f"Nothing to change in {counted(known, 'route')}"


def setting(check: Check) -> str:
    """Say what the gains are for: users, threads, connections."""
    has = [counted(check.users, "user"), counted(check.threads, "thread")]
    if check.connections is not None:
        has.append(counted(check.connections, "database connection"))
    return ", ".join(has)
