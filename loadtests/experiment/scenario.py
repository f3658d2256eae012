"""Data classes for a scenario, and for its entry in the catalogue (pure).

``get``, ``get_each_post`` and ``workload`` make an entry's requests in the usual ways.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from loadtests.experiment.request import Request
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.values import BUILT_IN, Values, Variables, from_environment

Kind = Literal["framework", "I/O-bound", "CPU-bound", "mixed", "pitfall", "journey", "custom"]
Parameters = Mapping[str, float]
NONE_STATED = "None was stated."
"""The hypothesis of a request of one's own, where nobody has stated one."""
SEEDED_POSTS = 20
"""Posts that every new blog holds at the least, ids 1 to 20: what a reader of a fresh database can ask for."""
WORKLOADS = "/api/workloads"


@dataclass(frozen=True)
class Journeys:
    """Users who follow links and think in between, as in ``loadtests/locustfile.py``; only Locust can drive them.

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
        requests: sent in turn, again and again; of a journey: those it is made of. ``requests_of`` has a side's own.
        wait_s: time that one request spends waiting by design at the most, in seconds (0 where none is built in), or
            that a user thinks before it.
        writes: whether it changes rows, so that the rows are restored after each cell.
        journeys: what users do, if it is more than to send those requests in turn.
        sequence: whether each user sends the requests one after another, instead of all users together in turn.
        values: rows that fill the requests' places; None if there are none.
    """

    name: str
    kind: Kind
    title: str
    hypothesis: str
    requests: tuple[Request, ...]
    wait_s: float = 0.0
    writes: bool = False
    journeys: Journeys | None = None
    sequence: bool = False
    values: Values | None = None

    def requests_of(self, label: SideLabel) -> tuple[Request, ...]:
        """Return what is asked of one side."""
        return tuple(request.of_side(label) for request in self.requests)

    def variables(self) -> Variables:
        """Return what fills the places of its requests, as the environment has it now.

        Raises:
            UsageError: a place would stay empty; the message names it.
        """
        known = {*BUILT_IN, *(self.values.columns if self.values else ())}
        environment: dict[str, str] = {}
        elsewhere = [f"no column of {self.values.file}"] if self.values else []
        elsewhere += ["not taken from an answer before"] if self.sequence else []
        missing = " and ".join([", ".join(["not set", *elsewhere[:-1]]), *elsewhere[-1:]])
        for request in self.requests:
            asked = [name for name in request.names if name not in known]
            environment |= from_environment(asked, f"which {request} needs, is {missing}")
            known |= {name for name, _ in request.takes}
        asked_for = {name for request in self.requests for name in request.names}
        return Variables(environment, self.values, frozenset(asked_for & BUILT_IN.keys()))


Build = Callable[[Parameters], tuple[Request, ...]]
"""Makes a scenario's requests of its parameters."""


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue: a scenario before its parameters are known."""

    kind: Kind
    title: str
    hypothesis: str
    build: Build
    defaults: Parameters = field(default_factory=dict)
    writes: bool = False
    journeys: Mapping[str, int] | None = None


def get(path: str, contains: str) -> Build:
    """Return what asks for a page."""
    return lambda _: (Request("GET", path, contains=contains.encode()),)


def get_each_post(path: str, contains: str) -> Build:
    """Return what asks for each of the first posts in turn."""
    return lambda _: tuple(
        Request("GET", path.format(id=post), contains=contains.format(id=post).encode())
        for post in range(1, SEEDED_POSTS + 1)
    )


def workload(route: str, contains: str, **fixed: str) -> Build:
    """Return what asks a workload route; ``fixed`` parameters are not the user's to set."""

    def build(parameters: Parameters) -> tuple[Request, ...]:
        query = urlencode({name: f"{value:.15g}" for name, value in parameters.items()} | fixed)
        path = f"{WORKLOADS}/{route}" + (f"?{query}" if query else "")
        return (Request("GET", path, contains=contains.encode()),)

    return build
