"""What both lanes can be asked: scenarios whose parameters are the page's controls, or the user's own requests."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.experiment.catalogue import CATALOGUE, holds_a_connection
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.lab import state
from loadtests.lab.controls import resources_of
from loadtests.lab.state import ControlName, Settings

OFFERED = (
    "external_api",
    "mixed",
    "query",
    "get_post",
    "post_page",
    "fan_out",
    "hash",
    "noop",
    "blocking",
    "neighbour",
)
"""Scenarios of the catalogue, in the order in which a page lists them."""
PARAMETERS: Mapping[str, ControlName] = {"wait_ms": "wait_ms", "cpu_ms": "cpu_ms"}
"""The control for each parameter of a scenario."""
BLOCKS = frozenset({"blocking"})
"""Scenarios whose handler waits on the event loop where it is ``async def``."""
COMPUTES = frozenset({"neighbour", "hash"})
"""Scenarios that are about a computation, whatever else they do."""
UNKNOWN_EXPECTED_S: Mapping[str, float] = {"neighbour": 2.0}
"""How long an answer may take in scenarios that are about a long computation, in seconds."""
OWN_EXPECTED_S = 2.5
"""The same for the user's own requests, of which nothing is known, in seconds."""
_WAITS = re.compile(r"sleep\(|\bfetch\w*\(|\bdb\.\w+\(")
_WORKS = re.compile(r"\bcpu\.\w+\(|await |render|open\(")


@dataclass(frozen=True)
class Offer:
    """A scenario as it is offered.

    Attributes:
        name: in ``Settings.scenario``.
        title: in words.
        uses: the settings that go into its requests.
        make: returns the scenario with some settings.
        words: how it is typed, if it is a request of one's own.
    """

    name: str
    title: str
    uses: tuple[ControlName, ...]
    make: Callable[[Settings], Scenario]
    words: tuple[str, ...] = ()


def offers_of_catalogue(names: Sequence[str] = OFFERED) -> list[Offer]:
    """Return scenarios of the catalogue; their parameters are the controls of the same names."""
    return [_of_catalogue(name) for name in names]


def _of_catalogue(name: str) -> Offer:
    entry = CATALOGUE[name]
    uses = tuple(control for parameter, control in PARAMETERS.items() if parameter in entry.defaults)

    def make(settings: Settings) -> Scenario:
        values = {use: float(getattr(settings, use)) for use in uses}
        given = [f"{use}={value:g}" for use, value in values.items() if value != entry.defaults[use]]
        return parse_scenario(f"{name}[{','.join(given)}]" if given else name)

    return Offer(name, entry.title, uses, make)


def offer_of(scenario: Scenario, words: Sequence[str]) -> Offer:
    """Return a scenario without parameters, as it was typed in these words."""
    return Offer(scenario.name, scenario.title, (), lambda _: scenario, tuple(words))


def expected_s(scenario: Scenario, side: Side, settings: Settings) -> float:
    """Return how long an answer of a side is expected to take at most, in seconds.

    A server may be silent for that long without a fault. Waits of requests in a queue count. Computing does not count,
    because other answers come in the meantime.
    """
    name = scenario.name.partition("[")[0]
    known = resources_of(side)
    inside = settings.users
    if known is not None:
        if known.threads is not None:
            inside = min(inside, known.threads)
        if holds_a_connection(scenario.name):
            inside = min(inside, known.connections)
        if name in BLOCKS and known.threads is None:
            inside = 1
    rounds = -(-settings.users // max(1, inside))
    least_s = OWN_EXPECTED_S if scenario.kind == "custom" else UNKNOWN_EXPECTED_S.get(name, 0.0)
    return max(scenario.wait_s * rounds, least_s)


def waits_one_after_another(scenario: Scenario, kind: state.LaneKind) -> float:
    """Return how long a request of a lane waits by design, in seconds: several calls at once wait as long as one."""
    calls = CATALOGUE["fan_out"].defaults["calls"]
    at_once = kind == "async" and scenario.name.partition("[")[0] == "fan_out"
    return scenario.wait_s / calls if at_once else scenario.wait_s


def waiting_line(source: str, *, computes: bool = False) -> int | None:
    """Return the number of the line, from 1, on which a handler waits or computes; None if none is found.

    Docstrings and comments do not count.

    Args:
        source: of the handler, or of several.
        computes: whether the scenario is about computing: if so, a line that computes is preferred to one that waits.
    """
    lines = source.splitlines()
    in_docstring = False
    code: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        quotes = line.count('"""')
        if not in_docstring and not quotes and not line.lstrip().startswith(("#", "@", "def ", "async def ")):
            code.append((number, line.partition("#")[0]))
        in_docstring ^= quotes % 2 == 1
    for pattern in (_WORKS, _WAITS) if computes else (_WAITS, _WORKS):
        for number, line in code:
            if pattern.search(line):
                return number
    return None


def shown(offer: Offer, code: Mapping[SideLabel, str]) -> state.Scenario:
    """Return a scenario in the form that a page gets.

    Args:
        offer: the scenario.
        code: the handler's source, by side; empty where it is not known.
    """
    return state.Scenario(
        name=offer.name,
        title=offer.title,
        code={"a": code.get("a", ""), "b": code.get("b", "")},
        waiting_line={label: waiting_line(code.get(label, ""), computes=offer.name in COMPUTES) for label in LABELS},
        uses=offer.uses,
    )
