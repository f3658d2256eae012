"""The experiment and its plan: cells, random but balanced order of trials, and default timing (pure).

The same seed draws the same plan. How long to measure, where the user does not say, follows from the plan alone and is
fixed before the run.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.experiment.load_machines import LoadMachines
from loadtests.experiment.loads import Load, OpenLoop
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import Side, SideLabel
from loadtests.system.connections import Trust

TIMEOUT_S = 60.0
"""How long an answer may take, to its last byte, where the user does not say."""
MIN_BLOCKS = 6
"""Fresh starts from which on a verdict is given."""
SINGLE_CELL_BLOCKS = 4
"""In a run with a budget and a single cell, so many starts are enough: there is nothing to correct for."""
ORDERS: tuple[tuple[SideLabel, SideLabel], tuple[SideLabel, SideLabel]] = (("a", "b"), ("b", "a"))
ServerName = Literal["a", "b", "control"]
"""A server of a block; the control is side a once more, in a process of its own."""


def label_of(name: ServerName) -> SideLabel:
    """Return which side a server runs."""
    return "b" if name == "b" else "a"


DriverName = Literal["httpx", "locust"]
CLOSED_SLICE_S = 0.05
"""Short turns: the shorter they are, the more alike is the machine that both sides meet."""
BUDGET_S = 240.0
"""How long a run may take, its report included, where the user does not say."""
PRECISION = 0.05
"""Half-width of an interval, as a share of the ratio, at which a cell is settled."""
CONTROL_LOAD = 1 / 3
"""The control cell's load: so far from the lowest to the highest, by rank."""
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
        rounds: how many turns each side has; 0 for as many as fit into the experiment's ``pairing_s``.
        control: whether it compares side a with itself, in a second process.
    """

    cell: Cell
    order: tuple[SideLabel, SideLabel]
    seed: int
    rounds: int = 0
    control: bool = False


Plan = tuple[tuple[Pairing, ...], ...]
"""Blocks, in the order they are run, each with its pairings in theirs."""


def make_plan(cells: Sequence[Cell], blocks: int, seed: int, control: Cell | None = None) -> Plan:
    """Draw the order: cells shuffled anew in each block, each side first in half of a cell's blocks.

    With an odd number of blocks the side that leads once more is drawn, cell by cell. The same arguments
    give the same plan. The control cell, if there is one, comes first in each block.
    """
    rng = random.Random(seed)
    orders = {}
    for cell in cells:
        leads = [ORDERS[i % 2] for i in range(blocks)]
        if blocks % 2:
            leads[-1] = rng.choice(ORDERS)
        rng.shuffle(leads)
        orders[cell] = leads
    plan = tuple(
        tuple(
            Pairing(cell, orders[cell][block], rng.randrange(2**32)) for cell in rng.sample(list(cells), k=len(cells))
        )
        for block in range(blocks)
    )
    return plan if control is None else tuple(with_control(block, control, rng) for block in plan)


def with_control(block: Sequence[Pairing], control: Cell, rng: random.Random, rounds: int = 0) -> tuple[Pairing, ...]:
    """Return a block with the control cell before all others.

    Only there have both of its servers done the same so far: afterwards side a has served all other cells, and its copy
    none.
    """
    return (Pairing(control, rng.choice(ORDERS), rng.randrange(2**32), rounds, control=True), *block)


def least_blocks(cells: int, budget_s: float | None) -> int:
    """Return from how many blocks on a verdict is given.

    Args:
        cells: of the run.
        budget_s: of the run, in seconds; None for a fixed design.
    """
    return SINGLE_CELL_BLOCKS if budget_s is not None and cells == 1 else MIN_BLOCKS


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
        machines: load machines that send the requests; None if this one does.
        observe: whether to look inside both sides' servers.
        budget_s: how long the run may take, its report included, in seconds; time goes where the answer is open, and
            ``blocks`` and ``pairing_s`` follow from it. None for a fixed design.
        precision: half-width of an interval, as a share of the ratio, at which a cell is settled.
        has_control: whether side a is compared with itself in every block, in a second process.
        timeout_s: how long an answer may take, and silence last, in seconds; None for the usual limits.
        database: ``sqlite``, ``postgres`` (a server of the run's own), or the URL of a PostgreSQL server that stands.
        cafile: a PEM file of the certificates that are trusted, where a side is an https URL; None for the system's.
        insecure: whether any certificate is.
        unequal: whether it is meant that the sides answer differently.
        ignored: places in their answers, and headers, that may differ; see ``analysis/same_answers.py``.
        unordered: lists in their answers whose order does not matter.
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
    machines: LoadMachines | None = None
    database: str = "sqlite"
    observe: bool = False
    budget_s: float | None = None
    precision: float = PRECISION
    has_control: bool = False

    @property
    def control(self) -> Cell | None:
        """The cell in which side a is compared with itself; None if there is none.

        It takes a request that works rather than waits and writes nothing, if there is one, under a moderate load.
        """
        if not self.has_control:
            return None
        scenario = min(self.scenarios, key=lambda each: (each.writes, each.wait_s > 0))
        return Cell(scenario, self.loads[int((len(self.loads) - 1) * CONTROL_LOAD + 0.5)])

    timeout_s: float | None = None
    cafile: str | None = None
    insecure: bool = False
    unequal: bool = False
    ignored: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()

    @property
    def trust(self) -> Trust:
        """Which certificates are trusted, by everything that asks a side."""
        return Trust(self.cafile, self.insecure)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every scenario under every load."""
        return tuple(Cell(scenario, load) for scenario in self.scenarios for load in self.loads)

    @property
    def least_blocks(self) -> int:
        """From how many blocks on a verdict is given."""
        return least_blocks(len(self.cells), self.budget_s)

    def plan(self) -> Plan:
        """Draw the order of trials of a fixed design; nothing is planned ahead where time goes where it is needed."""
        if self.budget_s is not None:
            return ()
        return make_plan(self.cells, self.blocks, self.seed, self.control)

    def side(self, name: ServerName) -> Side:
        """Return the side that a server runs."""
        if name == "control":
            return self.a.copy_on_free_port()
        return self.a if name == "a" else self.b


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
