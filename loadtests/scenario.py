"""What a scenario is: what is asked of both sides, and what is expected of it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["framework", "I/O-bound", "CPU-bound", "mixed", "pitfall", "journey", "custom"]


@dataclass(frozen=True)
class Request:
    """One HTTP request and what a good answer looks like.

    Attributes:
        method: HTTP method.
        path: path and query, from the slash on.
        json: body to send, JSON already encoded, or None.
        status: the only status that counts as success.
        contains: bytes that a good answer's body holds; anything else counts as an error.
    """

    method: str
    path: str
    json: bytes | None = None
    status: int = 200
    contains: bytes = b""


@dataclass(frozen=True)
class Journeys:
    """Who is on the way through the blog, in ``loadtests/locustfile.py``; only Locust can drive them.

    Attributes:
        weights: how many of whom, in proportion, by name: ``reader``, ``writer``, ``api_client``.
        think_s: how long a user thinks before a request, on average, in seconds.
    """

    weights: tuple[tuple[str, int], ...]
    think_s: float


@dataclass(frozen=True)
class Scenario:
    """What is asked, its kind and the hypothesis, written before measuring.

    Attributes:
        name: as typed on the command line, parameters included: ``query[wait_ms=50]``.
        kind: where the time is expected to go.
        title: a few words for people who do not know the route.
        hypothesis: what should happen, stated before the run.
        requests: sent in turn, again and again; of a journey: those it is made of.
        wait_s: time that one request spends waiting by design at the most, in seconds (0 where none is built in), or
            that a user thinks before it.
        writes: whether it changes rows, so that the rows are restored after each cell.
        journeys: what users do, if it is more than to send those requests in turn.
    """

    name: str
    kind: Kind
    title: str
    hypothesis: str
    requests: tuple[Request, ...]
    wait_s: float = 0.0
    writes: bool = False
    journeys: Journeys | None = None
