"""How far the clock of another machine is from ours, by asking it what time it has, as NTP does.

Its answer was given at some instant between the one we asked at and the one we heard it at. In the middle of the two is
the best guess, and half of the round trip the furthest that it may be off, whichever way took longer. So of several
pings the one with the shortest round trip tells most.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_DRIFT = 0.001
"""How much faster or slower than ours another clock may run: NTP corrects a clock by up to 500 millionths, and both of
them may be corrected at the same time."""


@dataclass(frozen=True)
class Ping:
    """One question for the time and its answer, in seconds; the clocks need have nothing to do with each other.

    Attributes:
        sent_s: when it was asked, by our clock.
        theirs_s: what the other clock showed when it answered.
        received_s: when the answer was here, by our clock.
    """

    sent_s: float
    theirs_s: float
    received_s: float

    @property
    def round_trip_s(self) -> float:
        """How long the answer took."""
        return self.received_s - self.sent_s


@dataclass(frozen=True)
class ClockOffset:
    """How far our clock is ahead of another one, in seconds.

    Attributes:
        offset_s: ours − theirs: what to add to an instant of theirs to have it by our clock.
        uncertainty_s: the true offset is no further than so much from ``offset_s``.
    """

    offset_s: float
    uncertainty_s: float

    def agrees_with(self, other: "ClockOffset", apart_s: float = 0.0) -> bool:
        """Whether clocks that run alike can explain both estimates, so that none has jumped between them.

        Args:
            other: the other estimate.
            apart_s: how long before or after this one it was made, in seconds; so long the clocks may have drifted.
        """
        explained_s = self.uncertainty_s + other.uncertainty_s + MOST_DRIFT * abs(apart_s)
        return abs(self.offset_s - other.offset_s) <= explained_s


def clock_offset(pings: Sequence[Ping]) -> ClockOffset:
    """Return the offset that the ping with the shortest round trip tells; half of that round trip is its uncertainty.

    Args:
        pings: at least one, each within a moment of the others.

    Raises:
        ValueError: there is none, or one has an instant that is no number, or was answered before it was sent.
    """
    for each in pings:
        if not all(map(math.isfinite, (each.sent_s, each.theirs_s, each.received_s))) or each.round_trip_s < 0:
            raise ValueError(f"no clock can be told from {each}")
    if not pings:
        raise ValueError("no clock can be told without a ping")
    best = min(pings, key=lambda each: each.round_trip_s)
    return ClockOffset((best.sent_s + best.received_s) / 2 - best.theirs_s, best.round_trip_s / 2)
