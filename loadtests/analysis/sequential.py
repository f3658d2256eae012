"""Where a run's time goes: each cell is measured until its interval is narrow enough, or time is up.

The first block is a pilot. Before each block follows, from the noise between a cell's slices and between its blocks,
how many turns the cell needs there for its interval to be narrow enough after the fewest blocks that are allowed. A
cell whose interval is narrow enough is settled and stops; the rest gets the time. When all are settled, what is left of
the budget goes on until their intervals are as narrow at the level that Holm's correction asks of the first verdict:
otherwise a run could end early with differences that it can't confirm.

What stops a cell is the width of its interval, never the ratio: looking at a width after each block spends no part of
the error rate, as looking at a ratio would. Source: Y. S. Chow and H. Robbins, On the Asymptotic Theory of Fixed-Width
Sequential Confidence Intervals for the Mean, Annals of Mathematical Statistics 36 (1965). How often such an interval
holds the true ratio after so few blocks was tried on recorded runs: docs/estimators.md.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from loadtests.analysis.comparison import ALPHA, block_log_ratio
from loadtests.analysis.flags import written
from loadtests.analysis.trial_summary import slice_rates
from loadtests.experiment.plan import ORDERS, Cell, Experiment, Pairing, with_control
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.samples import Recording

REPORT_S = 6.0
"""Time that is kept for the report, and for a cell that takes longer than planned."""
REPORT_CPU_S = 3.0
"""What the report computes of that: it takes as many times longer as the machine is slow."""
LATE_S = 1.0
"""A cell may end so long after measuring should, by what such a cell took before."""
MOST_ROUNDS = 32
"""Turns of a side in one block at the most: beyond, another block says more."""
START_SD = 0.01
"""Standard deviation of a log ratio from start to start that is assumed at least."""
HL_VARIANCE = math.pi / 3
"""Variance of a Hodges-Lehmann mean beside that of an ordinary one, of normal values."""
MARGIN = 0.85
"""How much narrower than asked for an interval is planned: half of all would come out wider than planned."""
WIDEST = 20.0
"""Where time is short, intervals are planned up to so many times as wide as asked for."""


@dataclass
class CellProgress:
    """What is known of a cell so far.

    Attributes:
        pairs: block → log ratios of the slices that stand side by side.
        ratios: block → log ratio of the whole block.
        failures: block → the sides that gave nothing there.
        fixed_s: what a block's trials take beside their rounds, in seconds.
        round_s: what a round takes, in seconds.
        told: whether it was told that the cell is settled.
    """

    pairs: dict[int, list[float]] = field(default_factory=dict)
    ratios: dict[int, float] = field(default_factory=dict)
    failures: dict[int, tuple[SideLabel, ...]] = field(default_factory=dict)
    fixed_s: float = 0.0
    round_s: float = 0.0
    told: bool = False

    @property
    def estimates(self) -> list[float]:
        """The log ratio of each block."""
        return [ratio for _, ratio in sorted(self.ratios.items())]

    @property
    def blocks(self) -> int:
        """In how many blocks it was measured, well or not."""
        return len(self.pairs.keys() | self.failures.keys())

    def half_width(self) -> float:
        """Return the half-width of the interval of the log ratio; infinite from fewer than two blocks."""
        return half_width(self.estimates)

    def settled(self, precision: float, least_blocks: int, comparisons: int = 1) -> bool:
        """Return whether nothing is left to learn: the interval is narrow enough, or one side gives nothing at all.

        Args:
            precision: half-width of the interval, as a share of the ratio.
            least_blocks: from how many blocks on a verdict is given.
            comparisons: the interval's error is divided by so many (Bonferroni).
        """
        if self.blocks < least_blocks:
            return False
        if self.failures:
            return not self.pairs and len(set(self.failures.values())) == 1
        return half_width(self.estimates, comparisons) <= math.log1p(precision)

    def rounds_for(self, log_width: float, blocks: int, comparisons: int = 1) -> int:
        """Return how many rounds each of so many blocks needs for an interval of that half-width, in logs."""
        within, between = self._variances()
        allowed = blocks * (log_width / _t(blocks, comparisons)) ** 2 - between
        if allowed <= 0:
            return MOST_ROUNDS
        return max(1, min(MOST_ROUNDS, math.ceil(within / allowed)))

    def _variances(self) -> tuple[float, float]:
        """Return the variance that one round adds to a block's log ratio, and what starts add whatever the rounds."""
        estimates = self.estimates
        mean_rounds = sum(map(len, self.pairs.values())) / len(self.pairs)
        observed = float(np.var(estimates, ddof=1)) if len(estimates) > 1 else 0.0
        residuals = [
            log - estimate for pairs, estimate in zip(self._ordered(), estimates, strict=True) for log in pairs
        ]
        freedom = len(residuals) - len(estimates)
        if freedom < len(estimates):  # one or two rounds in a block: what they differ by can't be told apart
            return max(observed * mean_rounds, START_SD**2), 0.0
        # Of a robust mean, whose variance follows the bulk of the values, not the few that lie far off.
        bulk = 1.4826 * float(np.median(np.abs(residuals))) * math.sqrt(len(residuals) / freedom)
        spread = math.sqrt(float(np.dot(residuals, residuals)) / freedom)
        within = HL_VARIANCE * max(bulk, spread / 2) ** 2
        blocks = len(estimates)
        beyond = (observed - within / mean_rounds) * (blocks - 1) / (blocks + 3)
        return within, max(beyond, START_SD**2)

    def _ordered(self) -> list[list[float]]:
        return [pairs for _, pairs in sorted(self.pairs.items())]


def half_width(logs: Sequence[float], comparisons: int = 1) -> float:
    """Return the half-width of Student's 95 % interval of the mean; infinite from fewer than two values.

    Args:
        logs: a value for each block.
        comparisons: of so many such intervals, 95 % of times all are to hold the truth (Bonferroni).
    """
    if len(logs) < 2:
        return math.inf
    return _t(len(logs), comparisons) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))


def _t(blocks: int, comparisons: int) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415 - see comparison.estimate

    return float(stdtrit(blocks - 1, 1 - ALPHA / comparisons / 2))


class SequentialSchedule:
    """Plans a run block by block; see the module."""

    def __init__(
        self,
        experiment: Experiment,
        pending: Iterable[tuple[int, tuple[Pairing, ...]]] = (),
        *,
        slowness: float = 1.0,
    ) -> None:
        """Begin.

        Args:
            experiment: has a budget.
            pending: blocks of an interrupted run that are to be completed first, with their numbers.
            slowness: how many times longer computing takes than it would on a machine that does nothing else.
        """
        assert experiment.budget_s is not None  # noqa: S101 - a fixed design needs no schedule
        self._experiment = experiment
        self._least = experiment.least_blocks
        self._report_s = REPORT_S + (slowness - 1) * REPORT_CPU_S
        self._ends_s = experiment.budget_s - self._report_s
        self._pending = list(pending)
        self._rng = random.Random(experiment.seed)
        self._cells = {cell: CellProgress() for cell in experiment.cells}
        self._control = CellProgress()
        self._leads: dict[Cell, int] = {}
        self._blocks = 0
        self._overhead_s = 0.0
        self._began_s = 0.0
        self._measured_s = 0.0
        self._news: list[str] = []

    def next_block(self, seconds: float) -> tuple[int, tuple[Pairing, ...]] | None:
        """Return the number of the next block, from 0, and its pairings; None if the run is over.

        Args:
            seconds: how long the run has gone on, earlier sittings included.
        """
        if self._pending:
            number, pairings = self._pending.pop(0)
            self._blocks = max(self._blocks, number + 1)
            self._began_s, self._measured_s = seconds, 0.0
            return number, pairings
        if self._blocks and self._measured_s:
            self._overhead_s = max(0.0, seconds - self._began_s - self._measured_s)
        rounds = self._plan(self._ends_s - seconds)
        if self._blocks == 1:
            self._warn_if_short(seconds)
        if not rounds:
            return None
        number = self._blocks
        self._blocks += 1
        self._began_s, self._measured_s = seconds, 0.0
        shuffled = self._rng.sample(list(rounds), k=len(rounds))
        if self._blocks == self._least and self._ends_s - seconds < self._block_s(rounds):
            # Time ends in the last block that a verdict needs: as many cells as possible are to have it.
            shuffled.sort(key=lambda cell: self._cost(self._cells[cell], rounds[cell]))
        pairings = tuple(
            Pairing(cell, self._order(cell), self._rng.randrange(2**32), rounds[cell]) for cell in shuffled
        )
        if self._experiment.control is not None:
            # As thorough as the cells that it vouches for, and no more.
            wanted = min(self._rounds(self._control, 1.0, 1), max(rounds.values()))
            pairings = with_control(pairings, self._experiment.control, self._rng, wanted)
        return number, pairings

    def saw(
        self, block: int, pairing: Pairing, recordings: Mapping[SideLabel, Recording], took_s: float | None
    ) -> None:
        """Take into account what was measured of a cell in a block.

        Args:
            block: its number, from 0.
            pairing: as it was planned.
            recordings: of both sides.
            took_s: how long it took, in seconds; None if that is not known any more.
        """
        self._blocks = max(self._blocks, block + 1)
        self._measured_s += took_s or 0.0
        progress = self._control if pairing.control else self._cells[pairing.cell]
        rates = {label: slice_rates(recordings[label]) for label in LABELS if label in recordings}
        nothing = tuple(label for label in LABELS if not any(rates.get(label, ())))
        if nothing:
            progress.failures[block] = nothing
        else:
            both = list(zip(rates["a"], rates["b"], strict=False))
            pairs = [math.log(b / a) for a, b in both if a > 0 and b > 0]
            if pairs:
                progress.pairs[block] = pairs
                whole = math.log(np.mean(rates["b"]) / np.mean(rates["a"]))
                progress.ratios[block] = block_log_ratio(both, whole)
        self._note_cost(progress, recordings, took_s)
        if not pairing.control and not progress.told and progress.settled(self._experiment.precision, self._least):
            progress.told = True
            self._news.append(self._sentence(pairing.cell, progress))

    def has_time(self, seconds: float, pairing: Pairing) -> bool:
        """Return whether a cell may still be begun when the run has gone on for so long.

        Of its first time nobody knows how long it takes.
        """
        progress = self._control if pairing.control else self._cells[pairing.cell]
        ends_s = seconds + self._cost(progress, max(1, pairing.rounds))
        return seconds < self._ends_s and ends_s < self._ends_s + LATE_S

    def news(self) -> tuple[str, ...]:
        """Return the cells that were settled since the last time, a sentence each."""
        news, self._news = tuple(self._news), []
        return news

    @property
    def settled(self) -> int:
        """How many cells are settled."""
        return sum(progress.told for progress in self._cells.values())

    def _plan(self, left_s: float) -> dict[Cell, int]:
        """Return the cells to measure in the next block, and for how many rounds each; none if the run is over."""
        if not self._blocks:
            return dict.fromkeys(self._cells, 1)
        to_come = max(1, self._least - self._blocks)
        open_, comparisons = self._open(1), 1
        if not open_:
            comparisons = len(self._cells)
            open_ = self._open(comparisons)
        available_s = left_s / to_come - self._overhead_s - self._cost(self._control, 1)
        if not open_ or left_s <= self._overhead_s:
            return {}
        blocks = max(self._least, self._blocks + 1)
        least = dict.fromkeys(open_, 1)
        if self._total(open_, least) > available_s:
            return self._cheapest(open_, available_s) if self._blocks >= self._least else least
        narrow, wide = 1.0, WIDEST
        rounds = {cell: self._rounds(each, narrow, blocks, comparisons) for cell, each in open_.items()}
        if self._total(open_, rounds) <= available_s:
            return rounds
        for _ in range(20):
            middle = math.sqrt(narrow * wide)
            rounds = {cell: self._rounds(each, middle, blocks, comparisons) for cell, each in open_.items()}
            narrow, wide = (middle, wide) if self._total(open_, rounds) > available_s else (narrow, middle)
        return {cell: self._rounds(each, wide, blocks, comparisons) for cell, each in open_.items()}

    def _open(self, comparisons: int) -> dict[Cell, CellProgress]:
        """Return the cells whose interval is not narrow enough, at the level of one among so many comparisons."""
        precision = self._experiment.precision
        return {
            cell: each for cell, each in self._cells.items() if not each.settled(precision, self._least, comparisons)
        }

    def _warn_if_short(self, seconds: float) -> None:
        """Say after the pilot that the budget is too short for a verdict, if it is."""
        block_s = (
            self._overhead_s + self._cost(self._control, 1) + self._total(self._cells, dict.fromkeys(self._cells, 1))
        )
        fitting = 1 + max(0, int((self._ends_s - seconds) / block_s)) if block_s else self._least
        if fitting < self._least:
            needed = math.ceil((seconds + (self._least - 1) * block_s + self._report_s) / 60 * 1.1)
            self._news.append(
                f"only {fitting} of the {self._least} blocks that a verdict needs fit into the budget: use --budget"
                f" {needed}m, or fewer scenarios or users"
            )

    def _cheapest(self, cells: Mapping[Cell, CellProgress], available_s: float) -> dict[Cell, int]:
        """Return as many cells as fit, those first that are nearest to being settled."""
        chosen: dict[Cell, int] = {}
        for cell, each in sorted(cells.items(), key=lambda item: item[1].half_width()):
            cost_s = self._cost(each, 1)
            if cost_s <= available_s:
                chosen[cell] = 1
                available_s -= cost_s
        return chosen

    def _rounds(self, progress: CellProgress, times_wider: float, blocks: int, comparisons: int = 1) -> int:
        if not progress.pairs:
            return 1
        planned = MARGIN * times_wider * math.log1p(self._experiment.precision)
        return progress.rounds_for(planned, max(blocks, self._least), comparisons)

    def _block_s(self, rounds: Mapping[Cell, int]) -> float:
        """Return how long a block with these cells takes, its start included, in seconds."""
        return self._overhead_s + self._cost(self._control, 1) + self._total(self._cells, rounds)

    def _total(self, cells: Mapping[Cell, CellProgress], rounds: Mapping[Cell, int]) -> float:
        return sum(self._cost(each, rounds[cell]) for cell, each in cells.items() if cell in rounds)

    def _cost(self, progress: CellProgress, rounds: int) -> float:
        return progress.fixed_s + rounds * progress.round_s

    def _note_cost(
        self, progress: CellProgress, recordings: Mapping[SideLabel, Recording], took_s: float | None
    ) -> None:
        rounds = max((len(recording.slices) for recording in recordings.values()), default=0)
        if took_s is None or not rounds:
            progress.fixed_s = max(progress.fixed_s, took_s or 0.0)
            return
        if rounds == 1:
            progress.fixed_s, progress.round_s = 0.0, took_s
            return
        progress.round_s = sum(
            (recording.slices[-1].closed_s - recording.slices[0].closed_s) / (len(recording.slices) - 1)
            for recording in recordings.values()
            if len(recording.slices) > 1
        )
        progress.fixed_s = max(0.0, took_s - rounds * progress.round_s)

    def _order(self, cell: Cell) -> tuple[SideLabel, SideLabel]:
        """Return which side goes first: either one once in every two blocks of a cell."""
        lead = self._leads.pop(cell, None)
        if lead is None:
            lead = self._rng.randrange(2)
            self._leads[cell] = 1 - lead
        return ORDERS[lead]

    def _sentence(self, cell: Cell, progress: CellProgress) -> str:
        estimates = progress.estimates
        if not estimates:
            return f"settled: {cell}: one side does not answer"
        middle, width = float(np.mean(estimates)), half_width(estimates)
        ratio, low, high = (written(math.exp(log)) for log in (middle, middle - width, middle + width))
        return f"settled: {cell}: {ratio} × ({low} to {high})"
