"""What kind of verdict a comparison has: one rule for table, page, charts and docs (pure).

A difference whose whole interval lies within ± 10 % is no reason to prefer a side, however sure it is. In summary.json
such a comparison has the verdict of the better side and the flag ``small``; to a reader it is no meaningful difference,
with the lead beside it.
"""

from typing import Literal

from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import Comparison

Kind = Literal["a", "b", "equivalent", "unconfirmed", "inconclusive", "driver-bound", "work-left", "collapsed"]
UNCONFIRMED = frozenset({"many-comparisons", "sign-flip"})
"""Flags of an interval that excludes 1 and yet is no verdict."""
NO_VERDICT = frozenset({"driver-bound", "work-left"})
"""Flags that take a cell out of the headlines: what was measured may be the load driver."""
SMALL = "small"
"""The flag of a difference that is sure, and whose whole interval lies within the margin."""
ALIKE = "no meaningful difference"


def kind_of(comparison: Comparison) -> Kind:
    """Return how a comparison is to be shown."""
    if gave_up(comparison):
        return "collapsed"
    if why := no_verdict(comparison):
        return why
    if comparison.verdict == "inconclusive" and not UNCONFIRMED.isdisjoint(comparison.flags):
        return "unconfirmed"
    return "equivalent" if is_alike(comparison) else comparison.verdict


def is_alike(comparison: Comparison) -> bool:
    """Return whether the whole interval of a comparison lies within the margin, be it sure that it is not 1 or not."""
    return comparison.verdict == "equivalent" or (comparison.verdict in LABELS and SMALL in comparison.flags)


def winner(comparison: Comparison) -> SideLabel | None:
    """Return the side that is better: by more than the margin, or because the other one gave up or failed."""
    found = (label for label in LABELS if comparison.verdict == label and not is_alike(comparison))
    return next(found, None)


def lead(comparison: Comparison) -> tuple[SideLabel, float] | None:
    """Return the side that is surely ahead within the margin, and by how much; None if neither is.

    How much is the better side's figure ÷ the other one's, less 1: 0.01 is 1 % more throughput, -0.01 is a response
    time that is 1 % shorter.
    """
    if comparison.ratio is None or comparison.verdict not in LABELS or not is_alike(comparison):
        return None
    return ("b", comparison.ratio - 1) if comparison.verdict == "b" else ("a", 1 / comparison.ratio - 1)


def alike_in_words(comparison: Comparison, a: str, b: str) -> str:
    """Write "no meaningful difference (async +1 %)", or no lead where none is sure; ``a`` and ``b`` are names."""
    ahead = lead_in_words(comparison, a, b)
    return f"{ALIKE} ({ahead})" if ahead else ALIKE


def lead_in_words(comparison: Comparison, a: str, b: str) -> str:
    """Write "async +1 %", or "async −1 %" where less is better; nothing where no lead within the margin is sure."""
    ahead = lead(comparison)
    if ahead is None:
        return ""
    label, share = ahead
    percent = 100 * abs(share)
    digits = 0 if percent >= 0.95 else 1 if percent >= 0.095 else 2
    return f"{a if label == 'a' else b} {'−' if share < 0 else '+'}{percent:.{digits}f} %"


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
