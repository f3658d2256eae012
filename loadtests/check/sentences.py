"""What is said of a route: what is wrong with it, what to do instead, why nothing is known (pure)."""

from collections.abc import Mapping

from loadtests.check.figures import PartFigures, RouteFigures
from loadtests.check.raw import RawApp, RawDependency, RawMiddleware, RawRoute, RawSite
from loadtests.check.record import Finding, Place, Problem, Verdict

PLACES: Mapping[Place, str] = {
    "handler": "the handler",
    "dependency": "the dependency",
    "middleware": "the middleware",
    "validator": "the validator",
    "background": "the background task",
    "stream": "the stream",
    "response": "the response",
    "other": "",
}
INSTEAD_OF_BLOCKING: Mapping[Place, str] = {
    "handler": "call it with await run_in_threadpool(…) of fastapi.concurrency, or use an async library for it",
    "dependency": "call it with await run_in_threadpool(…) of fastapi.concurrency, or use an async library for it",
    "middleware": "call it with await run_in_threadpool(…), or use an async library: a middleware always runs on the"
    " event loop, for every route",
    "validator": "validators always run on the event loop: check only the shape there, and do the rest in a def"
    " dependency or in the handler",
    "background": "call it with await run_in_threadpool(…), or use an async library in the task",
    "stream": "call it with await run_in_threadpool(…), or use an async library in the generator",
    "response": "create the content in a def handler",
    "other": "run it in a thread, or use an async library for it",
}
"""By place of what blocks: what to write."""
CLIENT_CALLS = ("requests.", "httpx.", "urllib.request.", "urllib3.")
"""How calls begin for which there is an async client."""
MAKES_A_CLIENT = frozenset(
    f"{name}{suffix}" for name in ("httpx.AsyncClient", "httpx.Client") for suffix in ("", ".__init__")
) | {"httpx.create_ssl_context", "ssl.create_default_context"}
"""Calls that read the certificates anew, some 30 ms of CPU time: once for the life of the app is enough."""
SERVES = ", and the event loop serves others meanwhile"
GIL = (
    ": the event loop serves others meanwhile, but pure Python computes in one thread at a time (GIL), so higher"
    " throughput needs a process pool or more workers"
)


def duration(seconds: float) -> str:
    """Return a time as it is read: 1.5 s, 50 ms, 0.3 ms."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    if seconds >= 0.01:
        return f"{1000 * seconds:.0f} ms"
    return f"{1000 * seconds:.1f} ms"


def where(site: RawSite | None) -> str:
    """Return a line of source in words; empty if none is known."""
    if site is None:
        return ""
    called = f" in {site.call}" if site.call else ""
    return f"{called} ({site.file}:{site.line})"


def sentence(problem: Problem, place: Place, name: str, seconds: float, site: RawSite | None) -> str:
    """Return what is wrong, with its figure."""
    part = f"{PLACES[place]} {name}".strip() or "the app"
    if problem == "blocks-by-waiting":
        return f"{part} blocks the event loop for {duration(seconds)}{where(site)}"
    if problem == "blocks-by-computing":
        return f"{part} computes for {duration(seconds)} on the event loop{where(site)}"
    if problem == "serialised":
        return f"requests wait for each other: a lock is held for {duration(seconds)}{where(site)}"
    return f"{part} takes {duration(seconds)}{where(site)}"


def serialises(seconds: float) -> str:
    """Return that turning the answer into bytes takes long."""
    return f"serialising the response computes for {duration(seconds)} on the event loop"


def starts(site: RawSite) -> str:
    """Return that something keeps the start of the app waiting."""
    what = site.call or site.function
    return f"{what} blocks the start of the app for {duration(site.wait_s)} ({site.file}:{site.line})"


def waits_in_thread(part: PartFigures, app: RawApp, site: RawSite | None) -> str:
    """Return that a part holds a thread while it waits."""
    name = f"{PLACES[part.place]} {part.name}"
    return (
        f"{name} holds one of {app.threads} threads while it waits {duration(part.wait_s.mid)}{where(site)}:"
        f" at most {app.threads / part.wait_s.mid:,.0f} requests per second"
    )


def waits_for_database(part: PartFigures, app: RawApp, site: RawSite | None) -> str:
    """Return that a part waits for a database, and that connections are the limit, not threads."""
    name = f"{PLACES[part.place]} {part.name}"
    text = f"{name} waits {duration(part.wait_s.mid)} for its database{where(site)}"
    if app.connections is None or app.connections > app.threads:
        return f"{text}, in one of {app.threads} threads"
    rate = app.connections / part.wait_s.mid
    return (
        f"{text}: its pool of {app.connections} connections is the limit, {rate:,.0f} requests per second, with def"
        " and async def alike"
    )


def hop_for_nothing(part: PartFigures) -> str:
    """Return that a part is sent to a thread and does nothing there that needs one."""
    name = f"{PLACES[part.place]} {part.name}"
    if part.hops > 1:
        return f"{name} runs in a thread {part.hops} times, but neither waits nor computes there"
    return f"{name} runs in a thread, but neither waits nor computes there ({duration(part.cpu_s.mid)})"


def base_middleware(middleware: RawMiddleware) -> str:
    """Return that a middleware is of the kind that costs more than a plain one."""
    return (
        f"the middleware {middleware.name} is a BaseHTTPMiddleware, which passes each request and its response through"
        " extra tasks and streams; a plain ASGI middleware does not"
    )


def pool_below_threads(connections: int, app: RawApp, session: RawDependency, *, can_stand_still: bool) -> str:
    """Return that requests can hold all connections, and wait.

    Args:
        connections: that there are.
        app: whose threads use them.
        session: the dependency that lends them.
        can_stand_still: whether those that hold one may need a thread before they give it back.
    """
    count = f"{connections} connection" + ("s" if connections != 1 else "")
    if session.is_async:
        return f"{session.name} takes one of {count} for any number of requests: the others wait in the pool"
    return f"{session.name} takes one of {count} for requests in {app.threads} threads: " + (
        "requests that hold a connection can wait for a thread while all threads wait for a connection, a deadlock that"
        " lasts until the pool times out (30 s by default) and requests fail"
        if can_stand_still
        else "the others hold a thread while they wait for a connection"
    )


def advice(verdict: Verdict, finding: Finding, route: RawRoute, app: RawApp, *, can_be_def: bool) -> str:
    """Return what to do instead; empty if there is nothing to do.

    Args:
        verdict: on the route.
        finding: that led to it.
        route: with its dependencies.
        app: what routes share.
        can_be_def: whether what the finding is about awaits nothing.
    """
    call = finding.site.call if finding.site is not None else ""
    what = PLACES[finding.place] + ("" if finding.place == "handler" else f" {finding.name}")
    awaited = "await asyncio.sleep(…)" if call == "time.sleep" else "an async client"
    computes = finding.problem == "blocks-by-computing"
    if verdict == "give-room":
        return _room(finding, route, app)
    if computes and call in MAKES_A_CLIENT:
        return "create one client for the life of the app, in its lifespan: each new one reads the certificates again"
    if verdict == "move-out-of-loop" and computes:
        in_thread = (
            f"write {what} as def, because it awaits nothing"
            if can_be_def
            else f"{call or 'the computation'}: call it with await run_in_threadpool(…) of fastapi.concurrency"
        )
        shorter = "return less at a time, or return a Response whose content was created in a thread"
        return (shorter if finding.place == "response" else in_thread) + GIL
    return {
        "make-def": f"write {what} as def, because it awaits nothing: then it runs in a thread{SERVES}"
        + (f"; alternatively, replace {call} with an async client" if call.startswith(CLIENT_CALLS) else ""),
        "move-out-of-loop": f"{call or 'the blocking call'}: {INSTEAD_OF_BLOCKING[finding.place]}",
        "make-async": f"write {what} as async def, with {awaited} in place of {call or 'the blocking call'}",
        "make-dependency-async": f"write {finding.name} as async def: nothing in it needs a thread",
    }.get(verdict, "")


def _room(finding: Finding, route: RawRoute, app: RawApp) -> str:
    if finding.problem == "serialised":
        return "await outside the lock, or admit more with a semaphore: keep only what must not run twice inside it"
    if any(each.is_async for each in route.dependencies if each.name == finding.name):
        return "raise pool_size + max_overflow, as far as the database admits more connections"
    dependency = finding.name.rpartition(".")[2]
    return (
        f"admit no more requests than there are connections, with Depends({dependency}, max_concurrency="
        f"{app.connections}) of FastAPI 0.163 or later, in one alias that all routes share: each route that writes its"
        " own Depends admits that many more; a larger pool lets more requests work at once, but does not rule out that"
        " connections and threads wait for each other"
    )


def why_no_answer(seen: RouteFigures | None, exception: str, guessed: frozenset[str]) -> str:
    """Return why a route gave no good answer; empty if it gave one, or if nothing is known."""
    if seen is None or seen.asked or not seen.statuses:
        return ""
    status = max(seen.statuses, key=lambda each: seen.statuses[each])
    if status in (401, 403):
        return (
            f"answers {status}: it needs a login; add --header 'Authorization: Bearer ${{TOKEN}}', or write a sequence"
            " with the login in bench.toml"
        )
    if status >= 500:
        why = exception if seen.exception in exception else seen.exception  # else it is another line of the log
        return f"answers {status}" + (f": {why}" if why else "")
    if guessed:
        return f"answers {status} to a guessed {', '.join(sorted(guessed))}; write a scenario for it in bench.toml"
    return f"answers {status}; write a scenario for it in bench.toml"
