"""What a side has to keep: a percentile of the response time within a limit, and few errors (pure).

The search for the highest rate that is kept: it doubles, then halves the gap, and measures nothing (pure).

slo.json: every probe of a search, and what came of it.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import AwareDatetime, Field

from loadtests.analysis.summary import PERCENTILES, Summary, percentile, samples_needed
from loadtests.records.json_files import Record
from loadtests.system.errors import UsageError
from loadtests.system.machine import Environment

ERRORS = 0.01
"""Share of failed requests that an objective allows which says nothing of them."""
LEAST_REQUESTS = 400
"""Of a probe, whatever the percentile: with fewer, chance decides how many come at all."""
KEEPS_UP = 0.95
"""Share of the arrivals that has to be answered while they come: a rate at which a queue grows is not sustained, even
where a lucky half of the requests is served at once."""
MOST_S = 60.0
_TIME = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s)")
_SHARE = re.compile(r"(?P<number>\d+(\.\d+)?)%")
PRECISION = 1.05
"""The gap between what is kept and what is not, as a ratio, at which the search is over."""
CONFIRMATIONS = 2
"""A rate is missed only if it is missed so many times: one moment of a busy machine is no limit."""
State = Literal["searching", "found", "at-least", "not-found"]


@dataclass(frozen=True)
class Objective:
    """A service level objective.

    Attributes:
        wanted: the percentile, 99.0 for p99.
        limit_s: what it must not exceed, in seconds, from when a request was due.
        errors: share of requests that may fail, 0 to 1.
    """

    wanted: float
    limit_s: float
    errors: float = ERRORS

    def __str__(self) -> str:
        return f"p{self.wanted:g} within {self.limit_s * 1000:g} ms, at most {self.errors * 100:g} % failed"

    @property
    def requests(self) -> int:
        """How many arrivals a probe should have, so that it has enough for the percentile for all but certain."""
        needed = samples_needed(self.wanted)
        return max(LEAST_REQUESTS, math.ceil(needed + 4 * math.sqrt(needed)))

    def missed(self, summary: Summary) -> str | None:
        """Return why a probe misses it, in words; None if it is kept."""
        if summary.collapsed is not None:
            return summary.collapsed
        failed = sum(summary.failures.values()) / summary.requests if summary.requests else 1.0
        if failed > self.errors:
            return f"{failed:.1%} of {summary.requests:,} requests failed"
        if summary.throughput_rps < KEEPS_UP * (1 - failed) * summary.offered_rps:
            return f"only {summary.throughput_rps:,.4g} of {summary.offered_rps:,.4g} requests a second were answered"
        value = percentile(summary.latencies_s, self.wanted)
        if value is None:
            return f"only {summary.requests:,} requests, too few for p{self.wanted:g}"
        if value > self.limit_s:
            shown = f"{value * 1000:,.0f} ms" if math.isfinite(value) else "beyond measure"
            return f"p{self.wanted:g} was {shown}"
        return None


def parse_objective(text: str) -> Objective:
    """Parse ``p99=200ms`` or ``p99=0.2s,errors=0.5%``; raises UsageError."""
    wanted, limit_s, errors = None, 0.0, ERRORS
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name == "errors" and (share := _SHARE.fullmatch(value)):
            errors = float(share["number"]) / 100
        elif name in {f"p{p:g}" for p in PERCENTILES} and (time := _TIME.fullmatch(value)):
            wanted, limit_s = float(name[1:]), float(time["number"]) / (1000 if time["unit"] == "ms" else 1)
        else:
            offered = ", ".join(f"p{p:g}" for p in PERCENTILES)
            raise UsageError(
                f"--slo {text}: {part.strip()!r} is no objective; write one of {offered} with a time, as in"
                " --slo p99=200ms or --slo p99=200ms,errors=0.5%"
            )
    if wanted is None or not 0 < limit_s <= MOST_S or not 0 <= errors < 1:
        raise UsageError(f"--slo {text}: name a percentile with a time above 0 and at most {MOST_S:g} s")
    return Objective(wanted, limit_s, errors)


@dataclass
class RateSearch:
    """Where a search stands; ask for ``rate_rps``, measure, and ``tell`` it what came of it.

    Attributes:
        start_rps: where it begins.
        most_rps: the highest rate that can be asked for.
        least_rps: the lowest that can be judged.
        kept_rps: the highest rate that was kept; None while there is none.
        missed_rps: the lowest that was not; None likewise.
        state: ``found``: the two are as close as they should be. ``at-least``: the most that could be asked for was
            kept. ``not-found``: not even the lowest that can be judged was.
    """

    start_rps: float
    most_rps: float
    least_rps: float
    kept_rps: float | None = None
    missed_rps: float | None = None
    state: State = "searching"
    rate_rps: float = field(init=False)
    _misses: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.rate_rps = max(self.least_rps, min(self.start_rps, self.most_rps))

    def tell(self, *, kept: bool) -> None:
        """Say whether the rate was kept, and let the search choose the next one."""
        self._misses = 0 if kept else self._misses + 1
        if 0 < self._misses < CONFIRMATIONS:
            return
        self._misses = 0
        if kept:
            self.kept_rps = self.rate_rps
        else:
            self.missed_rps = self.rate_rps
        self._choose()

    def _choose(self) -> None:
        kept, missed = self.kept_rps, self.missed_rps
        if missed is None:
            self.state = "at-least" if self.rate_rps >= self.most_rps else self.state
            self.rate_rps = min(2 * self.rate_rps, self.most_rps)
        elif kept is None:
            self.state = "not-found" if self.rate_rps <= self.least_rps else self.state
            self.rate_rps = max(self.rate_rps / 2, self.least_rps)
        elif missed / kept <= PRECISION:
            self.state = "found"
        else:
            self.rate_rps = math.sqrt(kept * missed)


class Probe(Record):
    """One rate, tried once on one side.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        rate_rps: arrivals per second.
        requests: how many were due.
        answered_rps: good answers per second.
        percentile_s: the objective's percentile, in seconds; None where it is not known, or infinite.
        missed: why the objective was missed, in words; None if it was kept.
    """

    start: int
    side: str
    rate_rps: float
    requests: int
    answered_rps: float
    percentile_s: float | None
    missed: str | None


class Found(Record):
    """What one search found.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        state: how the search ended.
        kept_rps: the highest rate at which the objective was kept, in arrivals per second; None if there was none.
        missed_rps: the lowest at which it was not, twice; None if there was none.
    """

    start: int
    side: str
    state: State
    kept_rps: float | None
    missed_rps: float | None


class SloRecord(Record):
    """The whole file.

    Attributes:
        schema_version: of this file.
        created: when the search was started.
        argv: the command, as typed.
        complete: whether every search ended by itself.
        objective: in words.
        scenario: what was asked.
        database: product and version.
        driver_ceiling_rps: what the load driver reaches against a server that does nothing; None if unknown.
        environment: machine and versions.
        probes: in order.
        found: a search each.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    created: AwareDatetime
    argv: list[str]
    complete: bool
    objective: str
    scenario: str
    database: str
    driver_ceiling_rps: float | None
    environment: Environment
    probes: list[Probe] = Field(default_factory=list)
    found: list[Found] = Field(default_factory=list)
