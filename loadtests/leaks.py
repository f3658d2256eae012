"""Servers whose memory grows for as long as they are asked (pure)."""

from collections.abc import Iterable, Mapping, Sequence

from loadtests.summary import Summary

GROWTH_LEAST = 1.2
READINGS_LEAST = 4
"""With fewer in a block, a server that grows can't be told from one that is still warming up."""


def leak(blocks: Mapping[int, Iterable[Summary]]) -> str | None:
    """Return how a side leaks memory, or None if it doesn't.

    It leaks if the later half of every block made it a fifth larger. A server that warms up grows in the earlier
    half; one that a single cell makes large was not asked by that cell in the later half of every block.

    Args:
        blocks: the side's trials, by block.
    """
    grown = [halves for trials in blocks.values() if (halves := _later_half(_readings(trials))) is not None]
    if not grown or min(after / before for before, after in grown) < GROWTH_LEAST:
        return None
    before, after = max(grown, key=lambda halves: halves[1] / halves[0])
    return f"its memory grew from {before / 1e6:,.0f} to {after / 1e6:,.0f} MB in the later half of a block"


def _readings(trials: Iterable[Summary]) -> list[int]:
    return [size for _, size in sorted(reading for trial in trials for reading in trial.sizes)]


def _later_half(readings: Sequence[int]) -> tuple[int, int] | None:
    if len(readings) < READINGS_LEAST:
        return None
    middle = readings[len(readings) // 2 - 1]
    return (middle, readings[-1]) if middle > 0 else None
