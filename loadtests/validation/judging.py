"""Whether a figure meets its target (pure)."""

import math
from dataclasses import dataclass
from typing import Literal

from loadtests.validation.proportions import Proportion

Status = Literal["met", "missed", "undecided"]
Unit = Literal["%", "ms", "×"]
Range = tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """One known answer, what was found, and whether that is good enough.

    Attributes:
        name: what it is about, in a few words.
        unit: of all its figures: shares from 0 to 1 are shown as %, seconds as ms.
        aim: between which values it must lie; infinite where there is no bound.
        truth: the known answer itself, if it is one value.
        found: what was measured.
        interval: of what was measured, 95 %; None where it has none.
        status: whether the target is met.
        note: what it rests on, in a few words.
    """

    name: str
    unit: Unit
    aim: Range
    truth: float | None
    found: float
    interval: Range | None
    status: Status
    note: str


def status_of(found: float, interval: Range | None, aim: Range, *, enough: bool = True) -> Status:
    """Judge a figure.

    *Met* is a figure inside its aim that rests on enough. *Missed* is one that chance can't bring there: outside of
    it, with its whole interval. Anything between is *undecided*.
    """
    low, high = aim
    inside = low <= found <= high
    if inside and enough:
        return "met"
    bottom, top = interval or (found, found)
    return "undecided" if bottom <= high and top >= low else "missed"


def of_share(name: str, share: Proportion, aim: Range, *, least: int, of: str, truth: float | None = None) -> Finding:
    """Judge how often something happened; nothing at all is undecided.

    Args:
        name: what happened.
        share: how often it did.
        aim: how often it must.
        least: how many there must be to call it met.
        of: what is counted, in the plural.
        truth: how often it should, if that is one value.
    """
    enough = share.total >= least
    found = 0.0 if share.share is None else share.share
    status = status_of(found, share.interval, aim, enough=enough) if share.total else "undecided"
    note = f"{share.hits} of {share.total} {of}" + ("" if enough else f"; {least} are needed to be sure")
    return Finding(name, "%", aim, truth, found, share.interval, status, note)


def of_figure(
    name: str,
    unit: Unit,
    found: float,
    aim: Range,
    *,
    note: str,
    truth: float | None = None,
    interval: Range | None = None,
) -> Finding:
    """Judge a figure; one whose interval is wider than its aim rests on too little to be met.

    Args:
        name: what it is about.
        unit: of all figures.
        found: what was measured.
        aim: between which values it must lie.
        note: what it rests on.
        truth: the known answer, if it is one value.
        interval: of what was measured, if it has one.
    """
    enough = interval is None or _narrow(interval, aim)
    status = status_of(found, interval, aim, enough=enough)
    return Finding(name, unit, aim, truth, found, interval, status, note)


def _narrow(interval: Range, aim: Range) -> bool:
    """Return whether an interval says enough: it is no wider than an aim with two ends, or inside one with one."""
    width = aim[1] - aim[0]
    return interval[0] >= aim[0] if math.isinf(width) else interval[1] - interval[0] <= width
