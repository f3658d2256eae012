"""Where a run's time goes: simulated runs, whose cells are as noisy and as slow as the test says."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from loadtests.analysis.sequential import LATE_S, REPORT_CPU_S, REPORT_S, SequentialSchedule, half_width
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import MIN_BLOCKS, Cell, Experiment, Pairing
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.samples import Recording
from tests.made_up_samples import recording

START_S = 3.0
SLICE_S = 0.06


@dataclass(frozen=True)
class World:
    """How a cell behaves: standard deviations of a pair's and a start's log ratio, and the seconds of a trial.

    Attributes:
        pair_sd: of one pair of slices.
        start_sd: of one start.
        ratio: the true one; None where side b gives no answer.
        fixed_s: of a cell, whatever its rounds.
    """

    pair_sd: float
    start_sd: float = 0.005
    ratio: float | None = 1.0
    fixed_s: float = 0.5


def slices(rates: list[float]) -> Recording:
    """Return a trial of one user whose slices have these rates."""
    spans = []
    for number, rate in enumerate(rates):
        count = max(1, round(SLICE_S * rate))
        spans += [(number * SLICE_S + i / rate, number * SLICE_S + (i + 1) / rate) for i in range(count)]
    windows = [(number * SLICE_S, number * SLICE_S + round(SLICE_S * rate) / rate) for number, rate in enumerate(rates)]
    return recording(spans, *windows)


def experiment(scenarios: tuple[str, ...], users: str, budget: str) -> Experiment:
    return RunOptions(scenarios=scenarios, users=users, budget=budget, control=False).experiment()


class Simulation:
    """A run that never happened."""

    def __init__(self, planned: Experiment, worlds: Mapping[Cell, World], seed: int = 1) -> None:
        self.schedule = SequentialSchedule(planned)
        self.worlds = worlds
        self.rng = random.Random(seed)
        self.seconds = 1.0
        self.blocks: Counter[Cell] = Counter()
        self.rounds: Counter[Cell] = Counter()
        self.news: list[str] = []

    def run(self) -> None:
        while (block := self.schedule.next_block(self.seconds)) is not None:
            number, pairings = block
            self.seconds += START_S
            for pairing in pairings:
                if not self.schedule.has_time(self.seconds, pairing):
                    continue
                self.measure(number, pairing)

    def measure(self, number: int, pairing: Pairing) -> None:
        world, rounds = self.worlds[pairing.cell], max(4, pairing.rounds)
        start = self.rng.gauss(0, world.start_sd)
        ratios = [math.exp(start + self.rng.gauss(0, world.pair_sd)) for _ in range(rounds)]
        recordings: dict[SideLabel, Recording] = {
            "a": slices([1000.0] * rounds),
            "b": slices([1000.0 * world.ratio * ratio for ratio in ratios]) if world.ratio else recording([]),
        }
        took_s = world.fixed_s + 2 * rounds * SLICE_S
        self.seconds += took_s
        self.schedule.saw(number, pairing, recordings, took_s)
        self.news += self.schedule.news()
        self.blocks[pairing.cell] += 1
        self.rounds[pairing.cell] += rounds


def simulated(planned: Experiment, *worlds: World, seed: int = 1) -> Simulation:
    run = Simulation(planned, dict(zip(planned.cells, worlds, strict=True)), seed)
    run.run()
    return run


def test_quiet_cells_stop_after_the_fewest_blocks_and_the_run_ends() -> None:
    planned = experiment(("get_post",), "1,8,32", "4m")
    run = simulated(planned, World(0.01), World(0.02), World(0.01, ratio=3.0))
    assert set(run.blocks.values()) == {planned.least_blocks}
    assert run.schedule.settled == 3
    assert len(run.news) == 3
    assert run.seconds < 60


def test_a_run_of_several_cells_goes_on_until_they_can_be_told_apart_after_holms_correction() -> None:
    """Else it ends with most of its budget unspent, and "not confirmed among so many comparisons"."""
    planned = experiment(("get_post",), "1,8,32,128", "4m")
    run = simulated(planned, *[World(0.03, start_sd=0.03)] * 4)
    widths = [half_width(progress.estimates, comparisons=4) for progress in run.schedule._cells.values()]
    assert run.schedule.settled == 4
    assert max(widths) <= math.log1p(planned.precision)
    assert max(run.blocks.values()) > planned.least_blocks
    assert run.seconds < 120


def test_a_noisy_cell_gets_the_time_that_quiet_ones_leave() -> None:
    planned = experiment(("get_post",), "1,8,32,128", "90s")
    run = simulated(planned, World(0.01), World(0.01), World(0.01), World(0.25))
    *quiet, noisy = planned.cells
    assert all(run.blocks[cell] == planned.least_blocks for cell in quiet)
    assert run.rounds[noisy] > 2 * max(run.rounds[cell] for cell in quiet)


@pytest.mark.parametrize("seconds", [40, 120, 240])
def test_a_run_never_takes_longer_than_its_budget(seconds: int) -> None:
    planned = experiment(("get_post", "hash"), "1,8,32,128", f"{seconds}s")
    run = simulated(planned, *[World(0.4, start_sd=0.1)] * 8)
    assert run.seconds <= seconds - REPORT_S + LATE_S
    assert not run.schedule.settled


def test_a_cell_that_would_not_end_in_time_is_not_begun() -> None:
    """Slow answers make cells of ten seconds; another, quick one may still have its turn."""
    planned = experiment(("get_post",), "1,8", "60s")
    slow, quick = planned.cells
    schedule = SequentialSchedule(planned)
    answers = {label: slices([1000.0]) for label in LABELS}
    pairings = {cell: Pairing(cell, ("a", "b"), 1, 1) for cell in planned.cells}
    ends_s = 60 - REPORT_S
    assert schedule.has_time(ends_s - 0.1, pairings[slow])  # nobody knows yet
    schedule.saw(0, pairings[slow], answers, 10.0)
    schedule.saw(0, pairings[quick], answers, 0.4)
    assert schedule.has_time(ends_s - 10.0, pairings[slow])
    assert not schedule.has_time(ends_s - 10.0 + 1.1, pairings[slow])
    assert schedule.has_time(ends_s - 0.1, pairings[quick])
    assert not schedule.has_time(ends_s + 0.1, pairings[quick])


def test_on_a_slow_machine_more_time_is_kept_for_the_report() -> None:
    planned = experiment(("get_post",), "1", "60s")
    [cell] = planned.cells
    pairing = Pairing(cell, ("a", "b"), 1, 1)
    kept_s = REPORT_S + 3 * REPORT_CPU_S
    assert SequentialSchedule(planned, slowness=4.0).has_time(60 - kept_s - 0.1, pairing)
    assert not SequentialSchedule(planned, slowness=4.0).has_time(60 - kept_s + 0.1, pairing)


def test_a_side_that_gives_nothing_is_settled_and_costs_no_more_time() -> None:
    planned = experiment(("get_post",), "1,8", "4m")
    run = simulated(planned, World(0.01, ratio=None), World(0.01))
    assert run.blocks[planned.cells[0]] == planned.least_blocks
    assert run.schedule.settled == 2


def test_each_side_leads_in_half_of_a_cells_blocks() -> None:
    planned = experiment(("get_post",), "1,8", "2m")
    schedule = SequentialSchedule(planned)
    leads: Counter[tuple[Cell, SideLabel]] = Counter()
    for number in range(MIN_BLOCKS):
        block = schedule.next_block(float(number))
        assert block is not None
        for pairing in block[1]:
            leads[pairing.cell, pairing.order[0]] += 1
            noisy = [1000.0 * math.exp(random.Random(number).gauss(0, 0.3)) for _ in range(4)]
            schedule.saw(number, pairing, {"a": slices([1000.0] * 4), "b": slices(noisy)}, 1.0)
    assert set(leads.values()) == {MIN_BLOCKS // 2}


def test_the_control_is_measured_in_every_block_and_is_no_cell() -> None:
    planned = replace(experiment(("get_post", "query"), "1,8,32", "4m"), has_control=True)
    schedule = SequentialSchedule(planned)
    block = schedule.next_block(0.0)
    assert block is not None
    (control,) = [pairing for pairing in block[1] if pairing.control]
    assert control.cell == Cell(planned.scenarios[0], ClosedLoop(8))
    assert len(block[1]) == len(planned.cells) + 1


def test_an_interrupted_run_completes_its_last_block_first() -> None:
    planned = experiment(("get_post",), "1,8", "4m")
    schedule = SequentialSchedule(planned)
    first = schedule.next_block(0.0)
    assert first is not None
    number, (done, missing) = first
    again = SequentialSchedule(planned, [(number, (missing,))])
    again.saw(number, done, {"a": slices([1000.0] * 4), "b": slices([900.0] * 4)}, None)
    assert again.next_block(5.0) == (0, (missing,))
    following = again.next_block(10.0)
    assert following is not None
    assert following[0] == 1
    assert {pairing.cell for pairing in following[1]} == set(planned.cells)


def test_a_budget_that_is_too_short_for_a_verdict_is_told_after_the_pilot() -> None:
    planned = experiment(("get_post", "hash"), "1,8,32,128", "30s")
    run = simulated(planned, *[World(0.01)] * 8)
    assert run.blocks.total() < MIN_BLOCKS * 8
    assert any("--budget 2m" in sentence for sentence in run.news)


def test_a_budget_that_the_pilot_uses_up_is_told_too() -> None:
    planned = experiment(("get_post", "hash"), "1,8,32,128", "30s")
    run = simulated(planned, *[World(0.01, fixed_s=3.0)] * 8)
    assert max(run.blocks.values()) == 1
    assert [sentence for sentence in run.schedule.news() if "only 1 of the 6 blocks" in sentence] != []
