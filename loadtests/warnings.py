"""Results that criticise themselves (pure)."""

from collections.abc import Sequence

from loadtests.outcome import SideLabel
from loadtests.summary import Summary

DRIVER_BUSY_LIMIT = 0.8
FAILURES_LIMIT = 0.01
LABELS: tuple[SideLabel, SideLabel] = ("a", "b")

MEANING = {
    "collapsed": "the side could not be measured in at least one block: it died, hung or gave no good answer",
    "failures": "more than 1 % of the side's requests failed; they count as slower than everything",
    "driver-bound": "the load driver was busy more than 80 % of the time, so this may be its limit, not the server's",
    "small": "the difference is sure, but smaller than 10 %: less than that is no reason to rewrite an app",
    "many-comparisons": "the interval excludes 1, but among so many comparisons that can happen by chance; "
    "run this one alone, with more blocks",
    "sign-flip": "the interval excludes 1, but the exact sign-flip test does not confirm it; use more blocks",
    "too-few-blocks": "a verdict needs at least 6 blocks",
    "too-few-samples": "some blocks hold too few requests for this percentile, so that its ratio can't be paired; "
    "use a longer --slice",
}
"""What each flag says, without the ``:a`` or ``:b`` that tells whom it concerns."""


def flags_of(pairs: Sequence[tuple[Summary, Summary]]) -> list[str]:
    """Return the flags that a cell earns by how it was measured, whatever the metric."""
    flags = []
    for label, summaries in zip(LABELS, zip(*pairs, strict=True), strict=False):
        if any(s.collapsed for s in summaries):
            flags.append(f"collapsed:{label}")
        requests = sum(s.requests for s in summaries)
        if requests and sum(sum(s.failures.values()) for s in summaries) / requests > FAILURES_LIMIT:
            flags.append(f"failures:{label}")
        if any(s.driver_busy > DRIVER_BUSY_LIMIT for s in summaries):
            flags.append(f"driver-bound:{label}")
    return flags
