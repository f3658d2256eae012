"""What kind of verdict a comparison has: one rule for table, page, charts and docs (pure)."""

from typing import Literal

from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import Comparison

Kind = Literal["a", "b", "equivalent", "unconfirmed", "inconclusive", "driver-bound", "work-left", "collapsed"]
UNCONFIRMED = frozenset({"many-comparisons", "sign-flip"})
"""Flags of an interval that excludes 1 and yet is no verdict."""
NO_VERDICT = frozenset({"driver-bound", "work-left"})
"""Flags that take a cell out of the headlines: what was measured may be the load driver."""


def kind_of(comparison: Comparison) -> Kind:
    """Return how a comparison is to be shown."""
    if gave_up(comparison):
        return "collapsed"
    if why := no_verdict(comparison):
        return why
    if comparison.verdict == "inconclusive" and not UNCONFIRMED.isdisjoint(comparison.flags):
        return "unconfirmed"
    return comparison.verdict


def gave_up(comparison: Comparison) -> SideLabel | None:
    """Return the side that lost because it collapsed, if one did."""
    if comparison.verdict == "b" and "collapsed:a" in comparison.flags:
        return "a"
    if comparison.verdict == "a" and "collapsed:b" in comparison.flags:
        return "b"
    return None


def no_verdict(comparison: Comparison) -> Kind | None:
    """Return why a cell was taken out of the headlines; None if it was not."""
    names = {flag.partition(":")[0] for flag in comparison.flags} & NO_VERDICT
    return None if not names else "driver-bound" if "driver-bound" in names else "work-left"


def fell_behind(comparison: Comparison) -> list[SideLabel]:
    """Return the sides that could not keep up with the arrivals of an open loop, unless the cell was taken out."""
    if no_verdict(comparison):
        return []
    return [label for label in LABELS if f"overloaded:{label}" in comparison.flags]
