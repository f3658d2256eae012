"""What is to be measured: everything that was asked for, checked and in one place."""

from dataclasses import dataclass

from loadtests.drivers.choice import DriverName
from loadtests.loads import Load
from loadtests.plan import Cell, Label, Plan, make_plan
from loadtests.scenario import Scenario
from loadtests.sides import Side


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

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every scenario under every load."""
        return tuple(Cell(scenario, load) for scenario in self.scenarios for load in self.loads)

    def plan(self) -> Plan:
        """Draw the order of trials."""
        return make_plan(self.cells, self.blocks, self.seed)

    def side(self, label: Label) -> Side:
        """Return the side under a label."""
        return self.a if label == "a" else self.b
