"""A service level objective, the search for the highest rate that meets it, and slo.json (pure).

The objective is a limit on a percentile of the response time, with a share of errors that is allowed. The search
doubles the rate, then halves the gap; it measures nothing itself. slo.json holds every probe, and the result of every
search.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import AwareDatetime, Field

from loadtests.analysis.trial_summary import PERCENTILES, Summary, percentile, samples_needed
from loadtests.records.json_files import Record
from loadtests.system.errors import UsageError
from loadtests.system.machine import Environment

DEFAULT_ERRORS = 0.01
"""Share of failed requests that an objective allows if it does not say so."""
MIN_REQUESTS = 400
"""Of a probe, whatever the percentile: with fewer, the number of random arrivals varies too much."""
MIN_ANSWERED_SHARE = 0.95
"""Share of the arrivals that must be answered while they arrive: a rate at which a queue grows is not sustained, even
if many requests are still answered quickly."""
MAX_LIMIT_S = 60.0
_TIME = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s)")
_SHARE = re.compile(r"(?P<number>\d+(\.\d+)?)%")
PRECISION = 1.05
"""Lowest missed rate ÷ highest kept rate at which the search ends."""
CONFIRMATIONS = 2
"""A rate counts as missed only if it is missed so many times in a row: the machine may have been busy once."""
State = Literal["searching", "found", "at-least", "not-found"]


@dataclass(frozen=True)
class Objective:
    """A service level objective.

    Attributes:
        wanted: the percentile, 99.0 for p99.
        limit_s: its upper limit, in seconds from when a request was due.
        errors: share of requests that may fail, 0 to 1.
    """

    wanted: float
    limit_s: float
    errors: float = DEFAULT_ERRORS

    def __str__(self) -> str:
        return f"p{self.wanted:g} within {self.limit_s * 1000:g} ms, at most {self.errors * 100:g} % failed"

    @property
    def requests(self) -> int:
        """Number of arrivals to plan for a probe, so that it almost certainly has enough for the percentile."""
        needed = samples_needed(self.wanted)
        return max(MIN_REQUESTS, math.ceil(needed + 4 * math.sqrt(needed)))

    def missed(self, summary: Summary) -> str | None:
        """Return why a probe misses the objective, in words; None if it is kept."""
        if summary.collapsed is not None:
            return summary.collapsed
        failed = sum(summary.failures.values()) / summary.requests if summary.requests else 1.0
        if failed > self.errors:
            return f"{failed:.1%} of {summary.requests:,} requests failed"
        if summary.throughput_rps < MIN_ANSWERED_SHARE * (1 - failed) * summary.offered_rps:
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
    wanted, limit_s, errors = None, 0.0, DEFAULT_ERRORS
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
    if wanted is None or not 0 < limit_s <= MAX_LIMIT_S or not 0 <= errors < 1:
        raise UsageError(f"--slo {text}: name a percentile with a time above 0 and at most {MAX_LIMIT_S:g} s")
    return Objective(wanted, limit_s, errors)


@dataclass
class RateSearch:
    """The search for the highest kept rate: measure at ``rate_rps``, pass the result to ``record``, and repeat.

    Attributes:
        start_rps: the first rate.
        max_rps: the highest rate that can be sent.
        min_rps: the lowest rate that can be judged.
        kept_rps: the highest rate at which the objective was kept; None if there is none yet.
        missed_rps: the lowest rate at which it was missed; None if there is none yet.
        state: ``found``: kept_rps and missed_rps are within PRECISION. ``at-least``: the objective was kept at
            max_rps. ``not-found``: it was missed at min_rps.
        rate_rps: the next rate to measure.
    """

    start_rps: float
    max_rps: float
    min_rps: float
    kept_rps: float | None = None
    missed_rps: float | None = None
    state: State = "searching"
    rate_rps: float = field(init=False)
    _misses: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.rate_rps = max(self.min_rps, min(self.start_rps, self.max_rps))

    def record(self, *, kept: bool) -> None:
        """Record whether the objective was kept at ``rate_rps``, and choose the next rate."""
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
            self.state = "at-least" if self.rate_rps >= self.max_rps else self.state
            self.rate_rps = min(2 * self.rate_rps, self.max_rps)
        elif kept is None:
            self.state = "not-found" if self.rate_rps <= self.min_rps else self.state
            self.rate_rps = max(self.rate_rps / 2, self.min_rps)
        elif missed / kept <= PRECISION:
            self.state = "found"
        else:
            self.rate_rps = math.sqrt(kept * missed)


class Probe(Record):
    """One measurement of one side at one rate.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        rate_rps: arrivals per second.
        requests: number of requests that were due.
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


class SearchResult(Record):
    """The result of one search.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        state: how the search ended.
        kept_rps: the highest rate at which the objective was kept, in arrivals per second; None if there was none.
        missed_rps: the lowest rate at which it was missed twice in a row; None if there was none.
    """

    start: int
    side: str
    state: State
    kept_rps: float | None
    missed_rps: float | None


class SloRecord(Record):
    """The whole of slo.json.

    Attributes:
        schema_version: of this file.
        created: when the search started.
        argv: the command, as typed.
        complete: whether every search came to its end.
        objective: in words.
        scenario: its name.
        database: product and version.
        driver_ceiling_rps: requests/s of the load driver against a server that does nothing; None if unknown.
        environment: machine and versions.
        probes: all measurements, in order.
        found: the results of all searches.
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
    found: list[SearchResult] = Field(default_factory=list)
