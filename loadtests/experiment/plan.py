"""The experiment and its plan: cells, random but balanced order of trials, and default timing (pure).

The same seed draws the same plan. How long to measure, where the user does not say, follows from the plan alone and is
fixed before the run.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.experiment.loads import Load, OpenLoop
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import Side, SideLabel

TIMEOUT_S = 60.0
"""How long an answer may take, to its last byte, where the user does not say."""
MIN_BLOCKS = 6
"""Fresh starts from which on a verdict is given."""
ORDERS: tuple[tuple[SideLabel, SideLabel], tuple[SideLabel, SideLabel]] = (("a", "b"), ("b", "a"))
DriverName = Literal["httpx", "locust"]
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
class Cell:
    """One question of the plan: a scenario under a load, asked of both sides."""

    scenario: Scenario
    load: Load

    def __str__(self) -> str:
        return f"{self.scenario.name} with {self.load}"


@dataclass(frozen=True)
class Pairing:
    """One cell in one block: both sides, one right after the other.

    Attributes:
        cell: what is asked.
        order: which side goes first.
        seed: for everything random in this pairing, the same for both sides.
    """

    cell: Cell
    order: tuple[SideLabel, SideLabel]
    seed: int


Plan = tuple[tuple[Pairing, ...], ...]
"""Blocks, in the order they are run, each with its pairings in theirs."""


def make_plan(cells: Sequence[Cell], blocks: int, seed: int) -> Plan:
    """Draw the order: cells shuffled anew in each block, each side first in half of a cell's blocks.

    With an odd number of blocks the side that leads once more is drawn, cell by cell. The same arguments
    give the same plan.
    """
    rng = random.Random(seed)
    orders = {}
    for cell in cells:
        leads = [ORDERS[i % 2] for i in range(blocks)]
        if blocks % 2:
            leads[-1] = rng.choice(ORDERS)
        rng.shuffle(leads)
        orders[cell] = leads
    return tuple(
        tuple(
            Pairing(cell, orders[cell][block], rng.randrange(2**32)) for cell in rng.sample(list(cells), k=len(cells))
        )
        for block in range(blocks)
    )


@dataclass(frozen=True)
class Experiment:
    """A designed comparison of two sides.

    Attributes:
        a: the side that ratios are divided by.
        b: the side they are about.
        scenarios: what is asked.
        loads: how it is asked.
        blocks: how many fresh starts, and so how many pairs behind each ratio.
        slice_s: length of the steady window in each slice, in seconds.
        pairing_s: how long the sides take turns in one cell of a block, in seconds.
        seed: everything random follows from it.
        start_limit_s: how long a side may take until it answers, in seconds.
        driver: what puts on the load.
        workers: Locust's worker processes; 0 or 1: one process sends all requests.
        observe: whether to look inside both sides' servers.
        timeout_s: how long an answer may take, and silence last, in seconds; None for the usual limits.
        database: ``sqlite``, ``postgres`` (a server of the run's own), or the URL of a PostgreSQL server that stands.
    """

    a: Side
    b: Side
    scenarios: tuple[Scenario, ...]
    loads: tuple[Load, ...]
    blocks: int
    slice_s: float
    pairing_s: float
    seed: int
    start_limit_s: float = 20.0
    driver: DriverName = "httpx"
    workers: int = 0
    database: str = "sqlite"
    observe: bool = False
    timeout_s: float | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every scenario under every load."""
        return tuple(Cell(scenario, load) for scenario in self.scenarios for load in self.loads)

    def plan(self) -> Plan:
        """Draw the order of trials."""
        return make_plan(self.cells, self.blocks, self.seed)

    def side(self, label: SideLabel) -> Side:
        """Return the side under a label."""
        return self.a if label == "a" else self.b


@dataclass(frozen=True)
class Timing:
    """How long a cell is measured.

    Attributes:
        slice_s: length of the steady window in each slice, in seconds.
        pairing_s: how long the sides take turns in one cell of a block, in seconds.
    """

    slice_s: float
    pairing_s: float


def default_timing(loads: Sequence[Load], cells: int) -> Timing:
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
