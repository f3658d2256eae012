"""Warm up the sides' servers, and derive from what was seen how long answers may take while they are measured.

An answer may take ``--timeout``, which is a minute where nothing is given: a report that takes six seconds is no fault.
To wait a minute for a side that has hung would cost a minute for each of its cells, so that silence is given less. A
side is given up when no byte has come for ten times as long as its slowest answer took in the warm-up, at least for
five seconds. Who gives ``--timeout`` says how long silence may last, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.plan import TIMEOUT_S, ServerName, label_of
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sequence import Login
from loadtests.experiment.sides import SideLabel
from loadtests.runner.next_rows import NextRows
from loadtests.servers.probe import USERS, ToWarm, WarmUp, warm
from loadtests.servers.server import Server
from loadtests.system.connections import SYSTEMS, Trust

STALL_S = 5.0
"""A side from which nothing has come for so long, beyond the wait that the scenario asks for, has collapsed."""
STALL_ANSWERS = 10
"""Or for so many times as long as its slowest answer took in the warm-up."""
PHASE_LIMIT_S = 30.0
"""A slice's phase may take so long beyond what answers may take."""
PHASE_ANSWERS = 3
"""Answers of each user that a phase may last for, were the server to answer all users one after another."""
DRAIN_S = 10.0
DRAIN_ANSWERS = 2
"""In an open loop the last answers are waited for, so long or so many times as long as the slowest in the warm-up."""
KNOWN_TO_HANG_S = 5.0
"""A request that had no answer in a warm-up is given so long in the warm-ups of later blocks."""
SLOW_S = 1.0
"""Answers that take longer are worth a line before the run."""


@dataclass(frozen=True)
class Limits:
    """How long a side may take in one cell, in seconds.

    Attributes:
        timeout_s: for an answer, to its last byte.
        stall_s: until any byte comes, while requests are in flight.
        phase_s: for a phase of a slice.
        drain_s: for the last answers of an open loop.
    """

    timeout_s: float
    stall_s: float
    phase_s: float
    drain_s: float


def limits(scenario: Scenario, load: Load, slowest_s: float, timeout_s: float | None) -> Limits:
    """Return the limits of a cell.

    Args:
        scenario: what is asked; the wait that it asks for is no fault.
        load: how it is asked. Pools may serve many users one after another: half a wait for each user more.
        slowest_s: the slowest answer of its last round of warm-up, in seconds; 0 if there was none.
        timeout_s: what the user has set.
    """
    users = load.users if isinstance(load, ClosedLoop) else 0
    answer_s = timeout_s or TIMEOUT_S + max(1.0, users / 2) * scenario.wait_s
    in_turn_s = slowest_s * max(1.0, users / USERS)
    return Limits(
        timeout_s=answer_s,
        stall_s=timeout_s or max(STALL_S + scenario.wait_s, min(TIMEOUT_S, STALL_ANSWERS * slowest_s)),
        phase_s=PHASE_LIMIT_S + answer_s + PHASE_ANSWERS * in_turn_s,
        drain_s=min(answer_s, max(DRAIN_S, DRAIN_ANSWERS * slowest_s)),
    )


class WarmUps:
    """Warms up servers whenever some have been started, and remembers how they answered."""

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        timeout_s: float | None,
        trust: Trust = SYSTEMS,
        next_rows: NextRows | None = None,
    ) -> None:
        """Prepare.

        Args:
            scenarios: every request of each is sent.
            timeout_s: how long an answer may take, in seconds; None for the usual limits.
            trust: which certificates of sides are trusted.
            next_rows: of values files; None to begin with the first ones.
        """
        self._scenarios = sorted(scenarios, key=lambda scenario: scenario.writes)  # what is to be read is there still
        self._timeout_s = timeout_s
        self._trust = trust
        self._next_rows = next_rows or NextRows()
        self._slowest_s: dict[tuple[SideLabel, str], float] = {}
        self._hung_in: dict[tuple[SideLabel, str], int] = {}
        self._logins: dict[tuple[int, str], tuple[Login, ...]] = {}

    def limits(self, scenario: Scenario, load: Load) -> Limits:
        """Return how long a side may take in one cell."""
        return limits(scenario, load, self.slowest_s(scenario), self._timeout_s)

    def logins(self, scenario: Scenario, server: Server) -> tuple[Login, ...]:
        """Return what the users who warmed up a server have of requests that are sent once."""
        return self._logins.get((server.start, scenario.name), ())

    def slowest_s(self, scenario: Scenario) -> float:
        """Return how long the slowest answer of a warm-up's last round took, of either side, in seconds."""
        return max((slowest for (_, name), slowest in self._slowest_s.items() if name == scenario.name), default=0.0)

    def warm(self, servers: Mapping[ServerName, Server], block: int = 0) -> list[str]:
        """Warm up servers that have just started; return a sentence for each thing that was not as it should be.

        Args:
            servers: those to warm up, together, by name.
            block: the block's number. Where a request had no answer a server that replaces another one in the same
                block is not asked again.
        """
        said: list[str] = []
        for scenario in self._scenarios:
            usual_s = self._timeout_s or TIMEOUT_S + scenario.wait_s
            hanging_s = min(usual_s, KNOWN_TO_HANG_S + scenario.wait_s)
            series = self._next_rows.series(scenario, [label_of(name) for name in servers])
            asked = {
                name: ToWarm(
                    server.url,
                    scenario.requests_of(label_of(name)),
                    hanging_s if (label_of(name), scenario.name) in self._hung_in else usual_s,
                    own,
                )
                for (name, server), own in zip(servers.items(), series, strict=True)
                if self._hung_in.get((label_of(name), scenario.name)) != block
            }
            found = warm(
                list(asked.values()), trust=self._trust, sequence=scenario.sequence, variables=scenario.variables()
            )
            hung_before = set(self._hung_in)
            for name, warmed in zip(asked, found, strict=True):
                key = label_of(name), scenario.name
                self._next_rows.used(scenario, warmed.next_row)
                self._logins[servers[name].start, scenario.name] = warmed.logins
                self._slowest_s[key] = warmed.slowest_s
                if key not in hung_before:
                    said += complaints(servers[name].side.spec, scenario.name, warmed, usual_s)
                if warmed.unanswered is not None:
                    self._hung_in[key] = block
                else:
                    self._hung_in.pop(key, None)
        return list(dict.fromkeys(said))

    def slow(self) -> str | None:
        """Return a line that says how long answers may take, if some take long; else None."""
        took, name = max(((took, name) for (_, name), took in self._slowest_s.items()), default=(0.0, ""))
        if took <= SLOW_S:
            return None
        return f"{name}: an answer took {took:.1f} s; it may take {self._timeout_s or TIMEOUT_S:g} s (--timeout)"


def complaints(spec: str, scenario: str, warmed: WarmUp, answer_s: float) -> Iterator[str]:
    """Yield a sentence if a side, with a scenario, was not warmed up whole."""
    if warmed.unanswered is not None:
        yield f"{spec} did not answer {warmed.unanswered} within {answer_s:g} s (--timeout)"
    elif warmed.broken_off:
        yield f"{scenario}: {spec}: {warmed.broken_off}, and what comes behind it was not asked"
    elif not warmed.settled:
        yield f"{scenario}: {spec} was still getting faster after {warmed.seconds:.0f} s"
