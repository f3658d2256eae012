"""How long to measure where the user does not say: fixed before the run, from the plan alone (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.loads import Load, OpenLoop

CLOSED_SLICE_S = 0.1
"""Short turns: the shorter they are, the more alike is the machine that both sides meet."""
BLOCK_S = 22.0
"""What all cells of a block may take together, where there are many of them."""
LEAST_S = 0.8
MOST_S = 4.0
"""A cell of a closed loop is measured at least and at most so long in a block."""
OPEN_SLICE_S = 1.0
OPEN_LEAST_S = 2.0
OPEN_MOST_S = 10.0
"""A side of an open loop is measured at least and at most so long in a block."""
P99_REQUESTS = 450
"""Arrivals that make sure of the 368 which a 99th percentile needs."""
OPEN_SLICE_OVERHEAD_S = 0.6
"""Lead-in, lead-out and drain of an open loop's slice, about."""


@dataclass(frozen=True)
class Timing:
    """How long a cell is measured.

    Attributes:
        slice_s: length of the steady window in each slice, in seconds.
        pairing_s: how long the sides take turns in one cell of a block, in seconds.
    """

    slice_s: float
    pairing_s: float


def choose(loads: Sequence[Load], cells: int) -> Timing:
    """Return the default timing of a plan.

    In a closed loop a run of few cells measures each of them for longer: starting servers takes the same time
    anyway. In an open loop a side's windows hold enough arrivals for a 99th percentile in each block.

    Args:
        loads: at least one, all of one kind.
        cells: how many cells the plan has.
    """
    rates = [load.rate for load in loads if isinstance(load, OpenLoop)]
    if not rates:
        return Timing(CLOSED_SLICE_S, min(MOST_S, max(LEAST_S, round(BLOCK_S / cells, 1))))
    side_s = min(OPEN_MOST_S, max(OPEN_LEAST_S, P99_REQUESTS / min(rates)))
    slices = round(side_s / OPEN_SLICE_S + 0.499)
    return Timing(OPEN_SLICE_S, 2 * slices * (OPEN_SLICE_S + OPEN_SLICE_OVERHEAD_S))
