"""The client's own part of a request: a bias of known size where users are few and wait for the client too (pure).

A user of a closed loop sends, waits for the server, and waits for the client until the next request is on its way. The
client takes as long on both sides, so that it pulls their ratio towards 1. Where the server is busy all the time, other
users' requests keep it so, and nothing of the client is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.analysis.comparison import estimate
from loadtests.analysis.flags import Conditions, Flag, written
from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel

CLIENT_SHARE = 0.03
"""Share of a request that may be the client's own."""
CLIENT_LIMIT = 0.5
"""Where it is more than this, the client is what is measured."""
HIDDEN_FROM = 0.9
"""A server that is busy for so much of the time is taken to be busy all the time."""


@dataclass(frozen=True)
class ClientShare:
    """The client's own part of the time that a request of one side takes.

    Attributes:
        own_s: how long each user waits for the client, request by request, in seconds; 0 where that is hidden.
        took_s: how long a request takes in each block, from its sending to the sending of the next, in seconds.
    """

    own_s: float
    took_s: tuple[float, ...]

    @classmethod
    def of(
        cls, load: Load, trials: Sequence[Summary], label: SideLabel, conditions: Conditions
    ) -> "ClientShare | None":
        """Return it for one side of a cell; None if the driver was not measured by itself, or in an open loop."""
        rates = [s.throughput_rps for s in trials]
        if conditions.overhead_s is None or not isinstance(load, ClosedLoop) or not rates or not all(rates):
            return None
        cores = conditions.server_cores.get(label, 1)
        busy = float(np.mean([s.throughput_rps * (s.cpu_per_request_s or 0.0) / cores for s in trials]))
        own_s = conditions.overhead_s if busy < HIDDEN_FROM else 0.0
        return cls(own_s, tuple(load.users / rate for rate in rates))

    @property
    def of_request(self) -> float:
        """The client's share, 0 to 1."""
        return self.own_s / float(np.mean(self.took_s))

    @property
    def without_s(self) -> tuple[float, ...]:
        """How long a request would take without the client, in each block, in seconds."""
        return tuple(took_s - min(self.own_s, CLIENT_LIMIT * took_s) for took_s in self.took_s)


def biased(load: Load, pairs: Sequence[tuple[Summary, Summary]], conditions: Conditions) -> list[Flag]:
    """Return a flag if the client's part is worth a word, with what the ratio would be without it."""
    whole = [pair for pair in pairs if all(s.collapsed is None for s in pair)]
    a, b = (ClientShare.of(load, [pair[i] for pair in whole], label, conditions) for i, label in enumerate(LABELS))
    if a is None or b is None or not CLIENT_SHARE < max(a.of_request, b.of_request) <= CLIENT_LIMIT:
        return []
    seen, true = (
        estimate([one / other for one, other in zip(of_a, of_b, strict=True)]).value
        for of_a, of_b in ((a.took_s, b.took_s), (a.without_s, b.without_s))
    )
    reason = (
        f"{max(a.own_s, b.own_s) * 1e6:,.0f} µs of each request are the client's own, up to"
        f" {max(a.of_request, b.of_request):.0%}; without that the ratio of throughputs would be about"
        f" {written(true)}, not {written(seen)}"
    )
    return [Flag("client-share", None, reason)]
