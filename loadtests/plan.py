"""The order of trials: random, balanced and repeatable (pure)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.loads import Load
from loadtests.scenario import Scenario

Label = Literal["a", "b"]
ORDERS: tuple[tuple[Label, Label], tuple[Label, Label]] = (("a", "b"), ("b", "a"))


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
    order: tuple[Label, Label]
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
