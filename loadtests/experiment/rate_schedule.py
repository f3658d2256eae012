"""A load that changes over time: ramps and steps of an open loop's rate, and the instants at which requests are due.

``0..400/s in 2m`` is a ramp, and ``100/s for 1m`` is a constant rate; a comma separates parts. A spike is a short part
between two others, a soak is a long one. All functions are pure: the rate at an instant, the arrivals up to it, and the
inverse of that, the instants of arrivals.
"""

import itertools
import math
import random
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from loadtests.experiment.loads import MAX_RATE, Arrivals
from loadtests.experiment.plan import P99_REQUESTS
from loadtests.system.errors import UsageError

MAX_PARTS = 100
MAX_HOURS = 24
MAX_ARRIVALS = 100_000_000
"""In a whole schedule."""
ENOUGH = P99_REQUESTS
"""Arrivals that an interval must expect, unless its part expects fewer."""
MOST_INTERVALS = 120
"""The most intervals of a schedule, about: a reader can't follow a longer table or line."""
HOUR_S, MINUTE_S = 3600, 60
UNITS_S = {"s": 1, "m": MINUTE_S, "h": HOUR_S}
_RATE = r"\d+(?:\.\d+)?"
_PART = re.compile(
    rf"(?P<from>{_RATE})(?:\.\.(?P<to>{_RATE}))?\s*/s\s+(?P<word>in|for)\s+(?P<number>{_RATE})\s*(?P<unit>[smh])"
)
_LOOKS_SO = re.compile(r"\.\.|/s|\b(?:in|for)\b")


@dataclass(frozen=True)
class Part:
    """A part of a schedule, in which the rate changes evenly or is constant.

    Attributes:
        seconds: how long it lasts.
        from_rps: the rate at its beginning, in arrivals per second.
        to_rps: the rate at its end.
    """

    seconds: int
    from_rps: float
    to_rps: float

    def __str__(self) -> str:
        time = duration(self.seconds)
        if self.from_rps == self.to_rps:
            return f"{self.from_rps:g}/s for {time}"
        return f"{self.from_rps:g}..{self.to_rps:g}/s in {time}"

    @property
    def arrivals(self) -> float:
        """How many arrivals are expected in it."""
        return self.seconds * (self.from_rps + self.to_rps) / 2

    def rate_at(self, at_s: float) -> float:
        """Return the rate at an instant, in seconds after its beginning."""
        return self.from_rps + (self.to_rps - self.from_rps) * at_s / self.seconds

    def arrivals_by(self, at_s: float) -> float:
        """Return how many arrivals are expected until an instant: the integrated rate."""
        return at_s * (self.from_rps + self.rate_at(at_s)) / 2

    def when(self, arrivals: float) -> float:
        """Return after how many seconds a number of arrivals is expected: the inverse of the integrated rate."""
        slope = (self.to_rps - self.from_rps) / self.seconds
        root = math.sqrt(max(0.0, self.from_rps**2 + 2 * slope * arrivals))
        return min(float(self.seconds), 2 * arrivals / (self.from_rps + root)) if arrivals > 0 else 0.0


@dataclass(frozen=True)
class Interval:
    """A piece of a schedule that has figures of its own.

    Attributes:
        begin_s: where it begins, in whole seconds from the beginning of the schedule.
        end_s: where it ends.
        rate_rps: the mean rate in it, in arrivals per second.
    """

    begin_s: int
    end_s: int
    rate_rps: float


@dataclass(frozen=True)
class RateSchedule:
    """A rate of arrivals that changes over time; requests are sent however many are unanswered.

    Attributes:
        parts: one after the other.
        arrivals: ``poisson`` (random, as from very many independent users) or ``constant`` (evenly spaced as far as the
            rate allows).
    """

    parts: tuple[Part, ...]
    arrivals: Arrivals = "poisson"

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))

    @cached_property
    def begins_s(self) -> list[int]:
        """When each part begins, and when the last one ends."""
        return list(itertools.accumulate((part.seconds for part in self.parts), initial=0))

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return self.begins_s[-1]

    @property
    def expected(self) -> float:
        """How many arrivals are expected."""
        return sum(part.arrivals for part in self.parts)

    @property
    def peak_rps(self) -> float:
        """The highest rate."""
        return max(max(part.from_rps, part.to_rps) for part in self.parts)

    def rate_at(self, at_s: float) -> float:
        """Return the rate at an instant; where two parts meet, that of the later one."""
        which = min(bisect_right(self.begins_s, at_s) - 1, len(self.parts) - 1)
        return self.parts[which].rate_at(min(at_s, self.seconds) - self.begins_s[which])

    def arrivals_between(self, begin_s: float, end_s: float) -> float:
        """Return how many arrivals are expected between two instants."""
        total = 0.0
        for begins_s, part in zip(self.begins_s, self.parts, strict=False):
            first, last = (min(max(0.0, at_s - begins_s), part.seconds) for at_s in (begin_s, end_s))
            total += part.arrivals_by(last) - part.arrivals_by(first)
        return total

    def schedule(self, seed: int) -> Iterator[float]:
        """Yield the instants of arrival in seconds, ascending; the same seed gives the same instants.

        Arrivals of rate 1 are drawn on a scale of expected arrivals. Each is then placed at the instant at which the
        integrated rate reaches that value. With exponentially distributed gaps this is a Poisson process with the
        schedule's rate.
        """
        rng = random.Random(seed)
        poisson = self.arrivals == "poisson"
        due = rng.expovariate(1.0) if poisson else rng.random()
        for begins_s, part in zip(self.begins_s, self.parts, strict=False):
            while due < part.arrivals:
                yield begins_s + part.when(due)
                due += rng.expovariate(1.0) if poisson else 1.0
            due -= part.arrivals

    def intervals(self) -> tuple[Interval, ...]:
        """Cut it into intervals of whole seconds, each within one part.

        Each is long enough to have ENOUGH expected arrivals, unless its part has fewer in total.
        """
        shortest = math.ceil(self.seconds / MOST_INTERVALS)
        found = []
        for begins_s, part in zip(self.begins_s, self.parts, strict=False):
            begin = 0
            for end in range(1, part.seconds + 1):
                enough = end - begin >= shortest and part.arrivals_by(end) - part.arrivals_by(begin) >= ENOUGH
                rest = part.arrivals - part.arrivals_by(end)
                if end == part.seconds or (enough and rest >= ENOUGH):
                    found.append(Interval(begins_s + begin, begins_s + end, part.rate_at((begin + end) / 2)))
                    begin = end
        return tuple(found)


def is_schedule(rate: str) -> bool:
    """Return whether the text typed for ``--rate`` is a schedule rather than plain rates."""
    return _LOOKS_SO.search(rate) is not None


def parse_schedule(text: str, arrivals: Arrivals) -> RateSchedule:
    """Parse ``0..400/s in 2m, 400/s for 10m``; raises UsageError."""
    written = text.split(",")
    if len(written) > MAX_PARTS:
        raise UsageError(f"--rate: {len(written)} parts are too many for a schedule; write at most {MAX_PARTS}")
    schedule = RateSchedule(tuple(_parse_part(text, part.strip()) for part in written), arrivals)
    if schedule.seconds > MAX_HOURS * HOUR_S:
        raise UsageError(f"--rate {text}: that lasts {duration(schedule.seconds)}; write at most {MAX_HOURS}h")
    if not 1 <= schedule.expected <= MAX_ARRIVALS:
        count = f"{schedule.expected:,.3g}" if schedule.expected < 1 else f"{schedule.expected:,.0f}"
        raise UsageError(f"--rate {text}: that is {count} arrivals; it must be from 1 to {MAX_ARRIVALS:,}")
    return schedule


def _parse_part(text: str, part: str) -> Part:
    match = _PART.fullmatch(part)
    if match is None or (match["to"] is None) != (match["word"] == "for"):
        raise UsageError(
            f"--rate {text}: {part or 'an empty part'!r} is not a part of a schedule; write a ramp, as in"
            " '0..400/s in 2m', or a constant rate and how long it lasts, as in '100/s for 1m'"
        )
    seconds = float(match["number"]) * UNITS_S[match["unit"]]
    if seconds < 1 or seconds != int(seconds):
        raise UsageError(f"--rate {text}: {part!r} must last whole seconds, at least one")
    rates = float(match["from"]), float(match["to"] or match["from"])
    if max(rates) > MAX_RATE:
        raise UsageError(f"--rate {text}: {max(rates):g} is more than {MAX_RATE:g} arrivals per second")
    return Part(int(seconds), *rates)


def duration(seconds: int) -> str:
    """Write a duration as a user types it, in the largest unit that divides it: 2h, 90m, 45s."""
    size, unit = next((size, unit) for unit, size in reversed(UNITS_S.items()) if seconds % size == 0)
    return f"{seconds // size}{unit}"


def clock(seconds: float) -> str:
    """Write an instant of a schedule: 1:34, 1:02:07."""
    whole = int(seconds)
    hours, minutes = whole // HOUR_S, whole % HOUR_S // MINUTE_S
    return f"{hours}:{minutes:02d}:{whole % MINUTE_S:02d}" if hours else f"{minutes}:{whole % MINUTE_S:02d}"
