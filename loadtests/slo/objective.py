"""A service level objective, the search for the highest rate that meets it, and slo.json (pure).

The objective is a limit on a percentile of the response time, with a share of errors that is allowed. The search finds
the region by short probes, and decides by thorough ones; it measures nothing itself. slo.json holds every probe, and
the result of every search.
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
HINT_WINDOW_S = 2.0
"""Window of a short probe, in seconds."""
LEAD_IN_S, WINDOW_S = 3.0, 10.0
"""Lead-in and window of a thorough probe, in seconds. By simulation of queues of one server (M/M/1, M/D/1) searches end
0 to 3 % above the true rate; with a lead-in of 0.3 s and windows of 2 s it was 6 to 18 %."""
MAX_WINDOW_S = 30.0
PRECISION = 1.05
"""Lowest missed rate ÷ highest kept rate at which the search ends."""
HINT_PRECISION = 1.2
"""The same of short probes."""
KEEPS = 2
"""The rate that is reported as kept must have been kept so many times."""
FIRST_STEP, STEP_GROWTH = 1.1, 1.5
"""Factor of the first step of thorough probes, and the power to which each further one raises it."""
STEP_BACK = 1.04
"""Factor of the step down from a rate that was kept at first and then missed."""
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
                f"--slo {text}: {part.strip()!r} is not an objective; write one of {offered} with a time, as in"
                " --slo p99=200ms or --slo p99=200ms,errors=0.5%"
            )
    if wanted is None or not 0 < limit_s <= MAX_LIMIT_S or not 0 <= errors < 1:
        raise UsageError(f"--slo {text}: name a percentile with a time above 0 and at most {MAX_LIMIT_S:g} s")
    return Objective(wanted, limit_s, errors)


def probe_timing(objective: Objective, rate_rps: float, *, thorough: bool) -> tuple[float, float]:
    """Return how long arrivals come before a probe's window, and how long the window is, in seconds.

    A queue near its limit takes seconds to reach its steady state from empty, and a short window often misses the
    bursts that make the slowest requests: the shorter the probe, the higher the rates that it lets pass.
    """
    lead_in_s, window_s = (LEAD_IN_S, WINDOW_S) if thorough else (0.0, HINT_WINDOW_S)
    return lead_in_s, min(MAX_WINDOW_S, max(window_s, objective.requests / rate_rps))


@dataclass
class RateSearch:
    """The search for the highest kept rate: measure at ``rate_rps``, pass the result to ``record``, and repeat.

    Short probes first find the region: the rate is doubled, or halved, until one is kept and one is missed, and the
    gap narrowed to HINT_PRECISION. They decide nothing. From its middle thorough probes step up or down until one rate
    is kept and one missed, and halve that gap to PRECISION; one probe decides, kept or missed alike. In the end the
    rate that was kept is measured once more, and if it is missed now, the search goes on below it.

    Attributes:
        start_rps: the first rate of the short probes.
        max_rps: the highest rate that can be sent.
        min_rps: the lowest rate that can be judged.
        hint_rps: where thorough probes begin, if that is known; None to find out by short ones.
        kept_rps: the highest rate at which the objective was kept; None if there is none yet.
        missed_rps: the lowest rate at which it was missed; None if there is none yet.
        state: ``found``: kept_rps and missed_rps are within PRECISION. ``at-least``: the objective was kept at
            max_rps. ``not-found``: it was missed at min_rps.
        rate_rps: the next rate to measure.
        thorough: whether the next probe is to be a thorough one.
    """

    start_rps: float
    max_rps: float
    min_rps: float
    hint_rps: float | None = None
    kept_rps: float | None = None
    missed_rps: float | None = None
    state: State = "searching"
    rate_rps: float = field(init=False)
    thorough: bool = field(init=False, default=False)
    _keeps: int = field(init=False, default=0)
    _step: float = field(init=False, default=FIRST_STEP)

    def __post_init__(self) -> None:
        self.rate_rps = self._sendable(self.start_rps)
        if self.hint_rps is not None:
            self._begin_thorough(self.hint_rps)

    def record(self, *, kept: bool) -> None:
        """Record whether the objective was kept at ``rate_rps``, and choose the next rate."""
        again = self.rate_rps == self.kept_rps
        if kept:
            self._keeps = self._keeps + 1 if again else 1
            self.kept_rps = self.rate_rps
        else:
            self.missed_rps = self.rate_rps
            if again:
                self.kept_rps, self._step = None, STEP_BACK
        if self.thorough:
            self._choose()
        else:
            self._choose_roughly()

    def _choose_roughly(self) -> None:
        kept, missed = self.kept_rps, self.missed_rps
        if missed is None:
            if self.rate_rps >= self.max_rps:
                self._begin_thorough(self.max_rps)
            else:
                self.rate_rps = self._sendable(2 * self.rate_rps)
        elif kept is None:
            if self.rate_rps <= self.min_rps:
                self._begin_thorough(self.min_rps)
            else:
                self.rate_rps = self._sendable(self.rate_rps / 2)
        elif missed / kept <= HINT_PRECISION:
            self._begin_thorough(math.sqrt(kept * missed))
        else:
            self.rate_rps = math.sqrt(kept * missed)

    def _begin_thorough(self, rate_rps: float) -> None:
        self.thorough, self.kept_rps, self.missed_rps, self._keeps = True, None, None, 0
        self.rate_rps = self._sendable(rate_rps)

    def _choose(self) -> None:
        kept, missed = self.kept_rps, self.missed_rps
        if kept is None:
            self.state = "not-found" if self.rate_rps <= self.min_rps else self.state
            self.rate_rps = self._sendable(self.rate_rps / self._next_step())
        elif missed is None and kept < self.max_rps:
            self.rate_rps = self._sendable(kept * self._next_step())
        elif missed is not None and missed / kept > PRECISION:
            self.rate_rps = math.sqrt(kept * missed)
        elif self._keeps < KEEPS:
            self.rate_rps = kept
        else:
            self.state = "at-least" if missed is None else "found"

    def _next_step(self) -> float:
        step = self._step
        self._step **= STEP_GROWTH
        return step

    def _sendable(self, rate_rps: float) -> float:
        return max(self.min_rps, min(rate_rps, self.max_rps))


class Probe(Record):
    """One measurement of one side at one rate.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        rate_rps: arrivals per second.
        thorough: whether it decided; a short one only gives a hint of where to look.
        requests: number of requests that were due.
        answered_rps: good answers per second.
        percentile_s: the objective's percentile, in seconds; None where it is not known, or infinite.
        missed: why the objective was missed, in words; None if it was kept.
    """

    start: int
    side: str
    rate_rps: float
    thorough: bool = False
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
        kept_rps: the highest rate at which the objective was kept, twice, in arrivals per second; None if there was
            none.
        missed_rps: the lowest rate at which it was missed; None if there was none.
    """

    start: int
    side: str
    state: State
    kept_rps: float | None
    missed_rps: float | None

    @property
    def middle_rps(self) -> float | None:
        """The geometric mean of both, as the best figure; what was kept if nothing was missed; None if not found."""
        if self.kept_rps is None or self.missed_rps is None:
            return self.kept_rps
        return math.sqrt(self.kept_rps * self.missed_rps)


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
