"""What a side has to keep: a percentile of the response time within a limit, and few errors (pure)."""

import math
import re
from dataclasses import dataclass

from loadtests.analysis.summary import PERCENTILES, Summary, percentile, samples_needed
from loadtests.system.errors import UsageError

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
