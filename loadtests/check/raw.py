"""What the inside of an app that is checked wrote into its folder: its routes, and what became of each request.

The app's process writes it with whatever its own interpreter has, so that it is read leniently: a field that is missing
has its default, one that is not known is left out, and so is a line that was not written to its end.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtests.check.record import Place, Where

ROUTES_FILE = "routes.json"
REQUESTS_FILES = "requests-*.jsonl"
USUAL_THREADS = 40
"""Threads for `def` functions, unless the app says otherwise: AnyIO's."""
Pass = Literal["time", "trace"]
"""``time`` costs little; ``trace`` looks for lines of source, and costs more."""


class Lenient(BaseModel):
    """A value of those files."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RawVia(Lenient):
    """The line of the app's own source that called a library which called another own function back."""

    file: str
    line: int
    function: str = ""
    call: str = ""


class RawSite(Lenient):
    """A line of the app's own source, and how long a request stayed there.

    Attributes:
        file: relative to the app's folder where it is in there.
        line: from 1.
        function: its qualified name.
        call: what the line calls; empty if it computes itself.
        on: where it ran.
        place: in which part of the request.
        name: of the part.
        wait_s: time in which it did not compute, in seconds.
        cpu_s: CPU time, in seconds.
        via: the line to touch, where this one is in a function that a library has called back, as a function of SQL;
            None if it is in none.
    """

    file: str
    line: int
    function: str = ""
    call: str = ""
    on: Where = "loop"
    place: Place = "other"
    name: str = ""
    wait_s: float = 0.0
    cpu_s: float = 0.0
    via: RawVia | None = None

    @property
    def to_touch(self) -> "RawSite":
        """The same with the line that called the library, if there is one."""
        return self if self.via is None else self.model_copy(update={**self.via.model_dump(), "via": None})


class RawDependency(Lenient):
    """A dependency of a route.

    Attributes:
        name: of the function or class.
        is_async: whether it runs on the event loop.
        is_generator: whether it has something to do after the answer.
        site: where it is defined.
        source: its text; empty if it has none.
        limit: how many requests FastAPI lets in at a time; None for any number.
    """

    name: str
    is_async: bool = False
    is_generator: bool = False
    site: RawSite | None = None
    source: str = ""
    limit: int | None = None


class RawRoute(Lenient):
    """A route as the running app has it.

    Attributes:
        index: what requests call it.
        method: the HTTP method; ``WEBSOCKET`` for a websocket.
        path: with the prefixes of what it is mounted under.
        name: of its handler.
        is_async: whether that is a coroutine function; None if there is no function to look at.
        site: where the handler is defined.
        source: its text; empty if it has none.
        kind: what sort of route.
        response_model: what FastAPI validates its answers against; None if it does not.
        dependencies: in the order in which they are called.
    """

    index: int
    method: str = "GET"
    path: str
    name: str = ""
    is_async: bool | None = None
    site: RawSite | None = None
    source: str = ""
    kind: str = "http"
    response_model: str | None = None
    dependencies: tuple[RawDependency, ...] = ()


class RawMiddleware(Lenient):
    """A middleware of the app: its class, what kind it is, and where it is defined."""

    name: str
    kind: str = "asgi"
    site: RawSite | None = None
    source: str = ""


class RawPool(Lenient):
    """A pool of database connections; ``overflow`` may come on top of its size, without end if it is below 0."""

    size: int | None = None
    overflow: int | None = None
    kind: str = ""

    @property
    def connections(self) -> int | None:
        """How many it gives out at the most; None if there is no limit, or none is known."""
        if self.size is None or self.size <= 0 or (self.overflow or 0) < 0:
            return None
        return self.size + (self.overflow or 0)


class RawApp(Lenient):
    """What ``routes.json`` holds."""

    routes: tuple[RawRoute, ...] = ()
    middlewares: tuple[RawMiddleware, ...] = ()
    startup: tuple[RawSite, ...] = ()
    known_threads: int | None = Field(USUAL_THREADS, alias="threads")
    pools: tuple[RawPool, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def threads(self) -> int:
        """How many threads `def` functions share; the usual number where they have no limit, or none is known."""
        return USUAL_THREADS if self.known_threads is None else self.known_threads

    @property
    def connections(self) -> int | None:
        """How many connections the largest pool gives out; None where there is none, or one without a limit.

        A request uses one of the pools, and which one is not known.
        """
        known = [pool.connections for pool in self.pools]
        return max(each for each in known if each is not None) if known and None not in known else None


class RawLoop(Lenient):
    """What a request did to the event loop: its CPU time there, its waits there, its longest step, in seconds."""

    cpu_s: float = 0.0
    blocked_s: float = 0.0
    longest_step_s: float = 0.0
    steps: int = 0


class RawHop(Lenient):
    """One way to a thread and back: for which part, and how long it waited for a thread, in seconds."""

    name: str = ""
    place: Place = "other"
    queued_s: float = 0.0
    cpu_s: float = 0.0
    wait_s: float = 0.0


class RawPart(Lenient):
    """What one part of a request took, in seconds; ``awaits`` counts how often it was suspended."""

    place: Place
    name: str = ""
    is_async: bool | None = None
    runs_on: Where = "loop"
    cpu_s: float = 0.0
    wait_s: float = 0.0
    awaited_s: float = 0.0
    awaits: int = 0


class RawLock(Lenient):
    """A lock of the event loop: where it is taken, how long it was held, and how long it was waited for, in seconds."""

    file: str = ""
    line: int = 0
    function: str = ""
    held_s: float = 0.0
    waited_s: float = 0.0


class RawRequest(Lenient):
    """One request that is over.

    Attributes:
        id: what it was called when it was sent.
        looks: how closely it was looked at.
        route: index of the route that answered; None if none did.
        status: of the answer; None if there was none.
        exception: that left the app; None if there was none.
        wall_s: from its arrival to the end of its background work, in seconds.
        answered_s: from its arrival to the last byte of its answer, in seconds; None if there was none.
    """

    id: str
    looks: Pass = Field("time", alias="pass")
    route: int | None = None
    status: int | None = None
    exception: str | None = None
    wall_s: float = 0.0
    answered_s: float | None = None
    loop: RawLoop = RawLoop()
    hops: tuple[RawHop, ...] = ()
    parts: tuple[RawPart, ...] = ()
    sites: tuple[RawSite, ...] = ()
    statements: int | None = None
    locks: tuple[RawLock, ...] = ()
    connections_held_s: float | None = None

    @property
    def is_traced(self) -> bool:
        """Whether its lines of source were looked at, which takes time of its own."""
        return self.looks == "trace"


def read_app(folder: Path) -> RawApp | None:
    """Return what was written of an app; None if that is not there, or is not whole."""
    try:
        return RawApp.model_validate_json((folder / ROUTES_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def read_requests(folder: Path) -> Iterator[RawRequest]:
    """Yield each request that was written to its end."""
    for file in sorted(folder.glob(REQUESTS_FILES)):
        for line in file.read_bytes().splitlines():
            try:
                yield RawRequest.model_validate(json.loads(line))
            except ValueError:  # pydantic's is one, too
                continue
