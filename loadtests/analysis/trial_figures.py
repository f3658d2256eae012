"""What one trial says on each metric, and what of it goes into the summary, block by block (pure).

A figure is None where there are too few samples for it, and infinite where the side failed to give one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.analysis.trial_summary import Summary, percentile, samples_needed
from loadtests.records.summary import BlockFigures, Metric

SURELY_ABOVE_P99 = 0.05
"""Share of failed requests that leaves no doubt, even among few, that the 99th percentile is one of them."""


@dataclass(frozen=True)
class TrialFigures:
    """One trial's figures.

    Attributes:
        by_metric: what is compared between the sides.
        p95: the 95th percentile of the response time, which is not, in seconds.
    """

    by_metric: Mapping[Metric, float | None]
    p95: float | None


def figures_of(summary: Summary) -> TrialFigures:
    """Return what a trial says on each metric; infinite throughout where the side collapsed."""
    if summary.collapsed is not None:
        return TrialFigures(
            {"throughput": math.inf, "p50": math.inf, "p99": math.inf, "cpu_per_request": math.inf}, math.inf
        )
    return TrialFigures(
        {
            "throughput": summary.throughput_rps,
            "p50": percentile(summary.latencies_s, 50),
            "p99": _p99(summary),
            "cpu_per_request": summary.cpu_per_request_s,
        },
        percentile(summary.latencies_s, 95),
    )


def usable(figure: float | None) -> float | None:
    """Return a figure that has a logarithm, else None."""
    return figure if figure is not None and 0 < figure < math.inf else None


def block_figures(block: int, summary: Summary, figures: TrialFigures) -> BlockFigures:
    """Return what the summary of a run keeps of one trial."""
    return BlockFigures(
        block=block,
        throughput=usable(figures.by_metric["throughput"]),
        p50=usable(figures.by_metric["p50"]),
        p95=usable(figures.p95),
        p99=usable(figures.by_metric["p99"]),
        cpu_per_request=usable(figures.by_metric["cpu_per_request"]),
        rss_bytes=summary.rss_bytes if summary.collapsed is None else None,
        requests=summary.requests,
        failures=sum(summary.failures.values()),
        collapsed=summary.collapsed is not None,
    )


def among_failed(percent: float, requests: int, failures: int) -> bool:
    """Whether a percentile falls among the failed requests of a trial, which are slower than everything."""
    share = failures / requests if requests else 0.0
    if requests < samples_needed(percent):
        return percent == 99 and requests >= samples_needed(95) and share > SURELY_ABOVE_P99
    return share > 1 - percent / 100


def _p99(summary: Summary) -> float | None:
    """Return the 99th percentile; infinite also where too few requests are known, but too many of them failed."""
    failed = among_failed(99, summary.requests, sum(summary.failures.values()))
    return math.inf if failed else percentile(summary.latencies_s, 99)
