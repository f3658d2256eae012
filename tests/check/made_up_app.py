"""How it is written down what has to be said about a made-up app: routes, verdicts, places, lines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

APPS = Path(__file__).with_name("apps")

Verdict = Literal["keep", "make-def", "make-async", "make-dependency-async", "move-out-of-loop", "give-room"]
Part = Literal["handler", "dependency", "middleware", "validator", "background", "startup", "stream", "response"]
Remark = Literal[
    "hop",  # a thread is taken for nothing
    "hops",  # likewise, more than once a request
    "serialised",  # requests wait for each other, whatever the number of threads
    "serialisation",  # what costs is turning the answer into JSON
    "startup",  # the loop is blocked before there are requests
    "first-call",  # the first request takes longer than all others
    "client",  # a client is made for each request
    "middleware",  # a BaseHTTPMiddleware where a plain one would do
    "pool",  # few connections
]
Reason = Literal["log-in", "never-ends", "no-answer", "error", "process-ended", "not-found", "writes"]
"""Why a route was not judged: a sentence says so, and the other routes have their verdicts."""
Marker = Literal["blocks here", "waits here", "queues here"]


@dataclass(frozen=True)
class Place:
    """The part of an app that a verdict is about, and what that is called in the app's source."""

    part: Part
    name: str


@dataclass(frozen=True)
class Route:
    """One route, and what has to be said about it.

    Attributes:
        route: method and path, as the app has them.
        verdicts: those that are right, the best first; none where there can't be one.
        why: the reason, in a sentence.
        places: what the verdict, or the remark, is about: the right ones, the best first.
        marker: the comment on the line to touch; None if it is no line of the app's.
        remark: what must be said if the verdict is "keep"; any other verdict says it already.
        may_remark: what else is true, and need not be said.
        hops: how many times a request takes a thread of AnyIO's, its background tasks included; None if that changes.
        statements: SQL statements a request, by SQLAlchemy.
        asked: method and path that can be asked, if they are not those of the route.
        body: the fields of the JSON object that is sent; none without a body.
        status: of the answer.
        reason: why there is no verdict; where there are `verdicts` as well, one of them is right, too.
    """

    route: str
    verdicts: tuple[Verdict, ...] = ("keep",)
    why: str = "It only awaits, or does next to nothing."
    places: tuple[Place, ...] = ()
    marker: Marker | None = None
    remark: Remark | None = None
    may_remark: tuple[Remark, ...] = ()
    hops: int = 0
    statements: int = 0
    asked: str = ""
    body: tuple[tuple[str, str], ...] = ()
    status: int = 200
    reason: Reason | None = None

    @property
    def request(self) -> tuple[str, str]:
        """Return method and path of a request that can be sent."""
        method, _, path = (self.asked or self.route).partition(" ")
        return method, path


@dataclass(frozen=True)
class App:
    """One file in `apps/`: its name without the suffix, what is right or wrong about it, and its routes."""

    name: str
    kind: str
    routes: tuple[Route, ...]

    @property
    def path(self) -> Path:
        return APPS / f"{self.name}.py"

    def marked_lines(self, marker: Marker) -> list[int]:
        """Return the numbers of the lines that carry a marker."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [number for number, line in enumerate(lines, start=1) if line.endswith(f"  # {marker}")]


def handler(name: str) -> tuple[Place, ...]:
    return (Place("handler", name),)


def dependency(name: str) -> tuple[Place, ...]:
    return (Place("dependency", name),)
