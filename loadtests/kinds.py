"""What became of a comparison, in a word: a verdict, or the reason why there is none (pure)."""

from collections.abc import Mapping
from typing import Literal

from loadtests.analysis.flags import NO_VERDICT
from loadtests.records.outcome import Comparison, SideLabel

Kind = Literal["a", "b", "equivalent", "unconfirmed", "inconclusive", "limited", "collapsed"]

WORDS: Mapping[Kind, str] = {
    "equivalent": "no difference",
    "unconfirmed": "not confirmed",
    "inconclusive": "not decided",
    "limited": "client-bound",
}
"""What is said where neither side is better."""
UNCONFIRMED = frozenset({"many-comparisons", "sign-flip"})
"""Flags of an interval that excludes 1 and yet is no verdict."""


def gave_up(comparison: Comparison) -> SideLabel | None:
    """Return the side that lost because it collapsed, if one did."""
    if comparison.verdict == "b" and "collapsed:a" in comparison.flags:
        return "a"
    if comparison.verdict == "a" and "collapsed:b" in comparison.flags:
        return "b"
    return None


def limited(comparison: Comparison) -> bool:
    """Whether the cell was taken out of the headlines, because the client may have been the limit."""
    return any(flag.partition(":")[0] in NO_VERDICT for flag in comparison.flags)


def fell_behind(comparison: Comparison) -> list[SideLabel]:
    """Return the sides that could not keep up with the arrivals of an open loop, unless the client was the limit."""
    if limited(comparison):
        return []
    sides: tuple[SideLabel, SideLabel] = ("a", "b")
    return [label for label in sides if f"overloaded:{label}" in comparison.flags]


def kind_of(comparison: Comparison) -> Kind:
    """Return how a comparison is to be shown."""
    if gave_up(comparison):
        return "collapsed"
    if limited(comparison):
        return "limited"
    if comparison.verdict == "inconclusive" and not UNCONFIRMED.isdisjoint(comparison.flags):
        return "unconfirmed"
    return comparison.verdict


def word(comparison: Comparison, names: Mapping[SideLabel, str]) -> str:
    """Return in a few words what became of a comparison, whatever its metric."""
    if gone := gave_up(comparison):
        return f"{names[gone]} collapsed"
    kind = kind_of(comparison)
    if kind in ("a", "b"):
        slightly = "slightly " if "small" in comparison.flags else ""
        return f"{names['a' if kind == 'a' else 'b']} {slightly}better"
    if kind == "inconclusive" and comparison.ratio is None:
        return "too few requests" if "too-few-samples" in comparison.flags else "not compared"
    return WORDS[kind]
