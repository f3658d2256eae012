"""What ``bench check`` found: the content of check.json, which every output is made from."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA = 1
"""Of check.json."""

Verdict = Literal[
    "keep",
    "make-def",
    "make-async",
    "make-dependency-async",
    "move-out-of-loop",
    "give-room",
    "not-known",
]
"""What a route's owner should do about it; ``not-known`` where the route gave no answer to judge by."""
Place = Literal["handler", "dependency", "middleware", "validator", "background", "stream", "response", "other"]
"""Which part of a request: ``other`` is what runs in the app's process beside the named parts."""
Where = Literal["loop", "thread"]
Problem = Literal[
    "blocks-by-waiting",  # the event loop stands still while something is waited for
    "blocks-by-computing",  # the event loop computes for long
    "waits-in-thread",  # holds one of the 40 threads while it waits
    "hop-for-nothing",  # is sent to a thread and neither waits nor computes there
    "pool-below-threads",  # requests that hold a connection wait for a thread, and the other way round
    "serialised",  # requests wait for each other, as for a lock that is held across an await
]


class Frozen(BaseModel):
    """A value of the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Site(Frozen):
    """A line of source.

    Attributes:
        file: relative to the app's folder, with slashes; absolute where it is not in there.
        line: from 1.
        function: the qualified name of the function that the line is in.
        call: what the line calls that takes the time, as ``time.sleep``; empty where it computes itself.
    """

    file: str
    line: int
    function: str = ""
    call: str = ""


class Part(Frozen):
    """One part of a route's requests: its handler, a dependency, a middleware.

    Attributes:
        place: which kind of part.
        name: of the function or class, as ``main.get_db``.
        is_async: whether it is a coroutine function or an asynchronous generator.
        runs_on: the event loop or a thread.
        hops: how many times a request goes to a thread and back for it.
        cpu_s: CPU time per request, in seconds; the median.
        wait_s: for a part on a thread, how long it waited there; for one on the loop, for how long it kept the loop
            without computing. In seconds per request; the median.
        awaited_s: time suspended in ``await``, in seconds per request; the median.
        site: where it is defined; None if it has no source.
    """

    place: Place
    name: str
    is_async: bool
    runs_on: Where
    hops: int = 0
    cpu_s: float = 0.0
    wait_s: float = 0.0
    awaited_s: float = 0.0
    site: Site | None = None


class Finding(Frozen):
    """One thing that is wrong with a route, or could be better.

    Attributes:
        problem: what it is.
        verdict: what it alone would lead to; ``keep`` for a remark, on which nothing is to be done.
        place: in which part.
        name: of the part.
        seconds: how long per request; the median.
        site: the line to touch; None if it is not known.
        fingerprint: stable over runs and over moved lines, for baselines: route, problem, part, function and call.
        sentence: what is wrong, in words, with the figure.
    """

    problem: Problem
    verdict: Verdict
    place: Place
    name: str
    seconds: float
    site: Site | None
    fingerprint: str
    sentence: str


class Gain(Frozen):
    """What following the verdict would bring under one closed-loop load.

    Attributes:
        users: how many ask at the same time.
        now_rps: throughput as it is, by the model, in answers per second.
        then_rps: after the change.
        ratio: then ÷ now.
        low: the lower end of the ratio's range.
        high: the upper end.
        limit_now: what binds now, as ``threads`` or ``cpu``.
        limit_then: what binds after the change.
        proved: the measured ratio with its interval; None where it was not measured.
        proof_run: the folder of the run that measured it.
    """

    users: int
    now_rps: float
    then_rps: float
    ratio: float
    low: float
    high: float
    limit_now: str
    limit_then: str
    proved: tuple[float, float, float] | None = None
    proof_run: str | None = None


class RouteCheck(Frozen):
    """One route, what was seen of it, and what to do about it.

    Attributes:
        method: the HTTP method, or ``WEBSOCKET``.
        path: as the app declares it, with the prefixes of what it is mounted under.
        name: of the handler, as ``main.list_posts``.
        is_async: whether the handler is ``async def``; None if there is no function to look at.
        site: where the handler is defined.
        parts: what a request goes through, in order: middlewares, dependencies, handler, response, background.
        hops: thread hops per request.
        cpu_s: CPU time of the whole server per request, in seconds, where nobody looks; the median.
        wait_s: time until it is answered in which the app does not compute, in seconds; the median.
        loop_longest_s: the longest time for which a request keeps the event loop from anything else, in seconds; the
            median.
        statements: SQL statements per request; None where none are counted.
        asked: how many requests it answered.
        verdict: what to do.
        findings: why, the worst first; a route to keep may have remarks here too.
        accepted: fingerprints of findings that the baseline accepts.
        advice: what to write instead, in a sentence; empty for a route to keep.
        code_now: the source that the advice is about; empty if there is none.
        code_then: what to write; empty where the change is not mechanical.
        change: the change that ``--prove`` can make without editing a file, as a side's setting; None if there is none.
        gain: what it would bring; None if nothing can be said.
        note: why nothing is known, or what limits what is; empty if all is well.
    """

    method: str
    path: str
    name: str
    is_async: bool | None
    site: Site | None
    parts: tuple[Part, ...] = ()
    hops: int = 0
    cpu_s: float = 0.0
    wait_s: float = 0.0
    loop_longest_s: float = 0.0
    statements: int | None = None
    asked: int = 0
    verdict: Verdict = "not-known"
    findings: tuple[Finding, ...] = ()
    accepted: tuple[str, ...] = ()
    advice: str = ""
    code_now: str = ""
    code_then: str = ""
    change: str | None = None
    gain: Gain | None = None
    note: str = ""


class Check(Frozen):
    """All that ``bench check`` found.

    Attributes:
        schema_version: SCHEMA.
        app: the side as it was typed, without secrets.
        folder: the app's folder, as it was typed.
        users: how many users the gains are for.
        threads: size of the thread limiter that ``def`` handlers share.
        connections: size of the largest database pool; None if there is none, or one without a limit.
        versions: of Python, FastAPI, Starlette and others in the app's environment.
        startup: remarks on what runs before the first request.
        accepted: fingerprints of those remarks that the baseline accepts.
        routes: the most worth changing first.
        notes: sentences about the check as a whole.
    """

    schema_version: int = SCHEMA
    app: str
    folder: str
    users: int
    threads: int
    connections: int | None
    versions: dict[str, str]
    startup: tuple[Finding, ...] = ()
    accepted: tuple[str, ...] = ()
    routes: tuple[RouteCheck, ...]
    notes: tuple[str, ...] = ()
