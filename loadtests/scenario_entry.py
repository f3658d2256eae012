"""What a row of the catalogue is, and the usual ways to make its requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from loadtests.scenario import Kind, Request

Parameters = Mapping[str, float]
Build = Callable[[Parameters], tuple[Request, ...]]
"""Makes a scenario's requests of its parameters."""

SEEDED_POSTS = 20
"""Posts in the blog's seed data, ids 1 to 20: what a reader of a fresh database can ask for."""

WORKLOADS = "/api/workloads"


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
    """Return what asks for each of the seed's posts in turn."""
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
