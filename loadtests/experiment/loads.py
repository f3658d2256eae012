"""Loads: a closed loop of users who wait for answers, or an open loop of arrivals (pure)."""

import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from loadtests.system.errors import UsageError

MAX_USERS = 4096
MAX_RATE = 20_000.0
Arrivals = Literal["poisson", "constant"]
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, order=True)
class ClosedLoop:
    """Users who each wait for an answer before they ask again, without think time.

    Attributes:
        users: how many requests are in flight at any moment.
    """

    kind: Literal["closed"] = field(default="closed", kw_only=True)
    users: int

    def __str__(self) -> str:
        return "1 user" if self.users == 1 else f"{self.users} users"

    @property
    def size(self) -> float:
        """What loads of this kind are ordered by, and drawn against: users."""
        return self.users

    @property
    def slug(self) -> str:
        """A form that is safe in file names."""
        return f"u{self.users}"


@dataclass(frozen=True, order=True)
class OpenLoop:
    """Requests that arrive at times of their own, however many are unanswered: what a public server meets.

    Attributes:
        rate: arrivals per second, on average.
        arrivals: ``poisson`` (as from very many independent users) or ``constant`` (evenly spaced).
    """

    kind: Literal["open"] = field(default="open", kw_only=True)
    rate: float
    arrivals: Arrivals = "poisson"

    def __str__(self) -> str:
        return f"{self.rate:g}/s"

    @property
    def size(self) -> float:
        """What loads of this kind are ordered by, and drawn against: arrivals per second."""
        return self.rate

    @property
    def slug(self) -> str:
        """A form that is safe in file names."""
        return f"{'r' if self.arrivals == 'poisson' else 'c'}{self.rate:g}"

    def schedule(self, seed: int, seconds: float) -> Iterator[float]:
        """Yield the instants of arrival from 0 to ``seconds``, ascending; the same seed draws the same.

        Poisson arrivals have independent, exponentially distributed gaps. Constant ones start at a random phase.
        """
        rng = random.Random(seed)
        due = rng.expovariate(self.rate) if self.arrivals == "poisson" else rng.random() / self.rate
        while due < seconds:
            yield due
            due += rng.expovariate(self.rate) if self.arrivals == "poisson" else 1 / self.rate


Load = ClosedLoop | OpenLoop


def ascending(loads: Iterable[Load]) -> list[Load]:
    """Return loads of one kind from the lightest to the heaviest."""
    return sorted(loads, key=lambda load: load.size)


def parse_users(text: str) -> tuple[ClosedLoop, ...]:
    """Parse ``1,16,64`` into closed loops, in ascending order; raises UsageError."""
    loads = _parse(text, "--users", "a whole number; try --users 1,16,64", int)
    if wrong := [users for users in loads if not 1 <= users <= MAX_USERS]:
        raise UsageError(f"--users {text}: {wrong[0]} is outside 1 to {MAX_USERS}")
    return tuple(ClosedLoop(users) for users in loads)


def parse_rates(text: str, arrivals: Arrivals) -> tuple[OpenLoop, ...]:
    """Parse ``200,400`` into open loops, in ascending order; raises UsageError."""
    loads = _parse(text, "--rate", "a number of arrivals per second; try --rate 200,400", float)
    if wrong := [rate for rate in loads if not 0 < rate <= MAX_RATE or not math.isfinite(rate)]:
        raise UsageError(f"--rate {text}: {wrong[0]:g} is not above 0 and at most {MAX_RATE:g}")
    return tuple(OpenLoop(rate, arrivals) for rate in loads)


def _parse(text: str, option: str, what: str, number: Callable[[str], _Number]) -> list[_Number]:
    found = set()
    for part in text.split(","):
        try:
            found.add(number(part))
        except ValueError:
            raise UsageError(f"{option} {text}: {part.strip() or 'an empty part'!r} is not {what}") from None
    return sorted(found)
