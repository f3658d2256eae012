from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import Cell, make_plan
from loadtests.experiment.scenario_text import parse_scenario

CELLS = [Cell(parse_scenario(name), ClosedLoop(users)) for name in ("noop", "query") for users in (1, 64)]


@given(blocks=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_every_cell_is_tried_once_in_every_block(blocks: int, seed: int) -> None:
    plan = make_plan(CELLS, blocks, seed)
    assert len(plan) == blocks
    assert all(Counter(pairing.cell for pairing in block) == Counter(CELLS) for block in plan)


@given(blocks=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_each_side_leads_in_half_of_a_cells_blocks(blocks: int, seed: int) -> None:
    plan = make_plan(CELLS, blocks, seed)
    for cell in CELLS:
        leads = Counter(p.order[0] for block in plan for p in block if p.cell == cell)
        assert abs(leads["a"] - leads["b"]) == blocks % 2


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert make_plan(CELLS, 6, seed=1) == make_plan(CELLS, 6, seed=1)
    assert make_plan(CELLS, 6, seed=1) != make_plan(CELLS, 6, seed=2)


def test_cells_are_not_tried_in_the_same_order_in_every_block() -> None:
    orders = {tuple(pairing.cell for pairing in block) for block in make_plan(CELLS, 20, seed=0)}
    assert len(orders) > 5


@pytest.mark.parametrize("odd", [1, 7])
def test_with_an_odd_number_of_blocks_neither_side_always_leads_once_more(odd: int) -> None:
    leads = Counter()  # type: Counter[str]
    for seed in range(50):
        leads.update(p.order[0] for block in make_plan(CELLS, odd, seed) for p in block)
    assert 0.4 < leads["a"] / leads.total() < 0.6
