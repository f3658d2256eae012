"""Plan a validation: options, the runs with known answers and their order, and the true ratios (pure).

Everything is checked before anything starts.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from loadtests.experiment.blog import check_blog
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.options import RunOptions, parse_precision
from loadtests.experiment.plan import BUDGET_S, LEAST_S, MIN_BLOCKS, PRECISION, Experiment, default_timing
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.reference import WAIT_S
from loadtests.system.errors import UsageError
from loadtests.validation.record import CHECKS, Check, Study

REFERENCE_MODULE = "loadtests.servers.reference"
BASE = f"{REFERENCE_MODULE}:base"
CELLS = 4
"""Comparisons in one run, all under Holm's correction."""
EFFECTS_SHARE = 0.3
"""Number of comparisons for each addition ÷ number of comparisons of a side with itself."""
START_S = 3.0
"""Estimated time to start both sides and the driver in each block."""
CPU = replace(parse_scenario("GET /cpu"), title="a known amount of CPU work")
WAIT = replace(parse_scenario("GET /wait"), title="a known wait", wait_s=WAIT_S)
ALIKE_USERS = (4, 16)
CPU_USERS = (4, 8, 12, 16)
"""Enough users to keep the server's core busy all the time."""
WAIT_USERS = (1, 2, 4, 8)
"""Few enough users that the server's core is never the limit."""
COMPARISONS = 40
QUICK_COMPARISONS = 4
QUICK_TIME_S = 0.4
MAX_COMPARISONS = 10_000
MAX_BLOCKS = 100
MAX_TIME_S = 60.0
USUAL_SIZES = {"queue_s": 60.0, "stall_s": 30.0, "pace_s": 10.0, "rounds": 8, "round_s": 1.0}
QUICK_SIZES = {"queue_s": 10.0, "stall_s": 10.0, "pace_s": 3.0, "rounds": 3, "round_s": 1.0}
"""Sizes that no option sets."""
_Number = TypeVar("_Number", int, float)


class ValidateOptions(BaseModel):
    """The options of ``bench validate``, as typed."""

    model_config = ConfigDict(frozen=True)

    comparisons: int | None = None
    blog: float = 0.25
    precision: str = RunOptions().precision
    blocks: int | None = None
    time_s: float | None = None
    quick: bool = False
    only: str | None = None
    seed: int = 0
    out: Path | None = None

    def sizes(self) -> "Sizes":
        """Return the sizes of all checks; raises UsageError."""
        comparisons = _given(self.comparisons, QUICK_COMPARISONS if self.quick else COMPARISONS)
        if not 1 <= comparisons <= MAX_COMPARISONS:
            raise UsageError(f"--comparisons {comparisons}: must be from 1 to {MAX_COMPARISONS}")
        if not 0 <= self.blog <= 1:
            raise UsageError(f"--blog {self.blog:g}: must be a share from 0 to 1")
        checks = self._checks()
        if "drivers" in checks or ("aa" in checks and self.blog > 0):
            check_blog("drivers, and aa without --blog 0")
        effects = max(1, round(comparisons * EFFECTS_SHARE))
        return Sizes(
            checks=checks,
            comparisons=comparisons,
            effects=effects,
            blog=self.blog,
            design=self._design(),
            **(QUICK_SIZES if self.quick else USUAL_SIZES),
        )

    def _design(self) -> "Design":
        """Return how each comparison is made; raises UsageError."""
        if self.blocks is None and self.time_s is None and not self.quick:
            return Design(budget_s=BUDGET_S, precision=parse_precision(self.precision))
        blocks = MIN_BLOCKS if self.blocks is None else self.blocks
        time_s = _given(self.time_s, QUICK_TIME_S if self.quick else LEAST_S)
        if not MIN_BLOCKS <= blocks <= MAX_BLOCKS:
            raise UsageError(f"--blocks {blocks}: must be from {MIN_BLOCKS} to {MAX_BLOCKS}; fewer give no verdict")
        if not 0 < time_s <= MAX_TIME_S:
            raise UsageError(f"--time {time_s:g}: must be more than 0 and at most {MAX_TIME_S:g} seconds")
        return Design(blocks=blocks, time_s=time_s)

    def _checks(self) -> tuple[Check, ...]:
        named = CHECKS if self.only is None else tuple(part.strip() for part in self.only.split(","))
        if unknown := [name for name in named if name not in CHECKS]:
            raise UsageError(f"--only {self.only}: {unknown[0]!r} is not a check; choose one of: {', '.join(CHECKS)}")
        return tuple(check for check in CHECKS if check in named)


def _given(value: _Number | None, default: _Number) -> _Number:
    return default if value is None else value


class Design(BaseModel):
    """How each comparison is made: as by ``bench run`` with a budget, or by a fixed number of blocks.

    Attributes:
        budget_s: how long a run may take, in seconds; None for a fixed design.
        precision: half-width of an interval at which a cell is settled.
        blocks: fresh starts of a fixed design, and what a run with a budget takes at least.
        time_s: seconds for each cell and block of a fixed design; of a run with a budget about so many.
    """

    model_config = ConfigDict(frozen=True)

    budget_s: float | None = None
    precision: float = PRECISION
    blocks: int = MIN_BLOCKS
    time_s: float = LEAST_S


class Sizes(BaseModel):
    """How much each check measures.

    Attributes:
        checks: those to carry out.
        comparisons: number of comparisons of a side with itself.
        effects: number of comparisons for each addition.
        blog: share of ``comparisons`` that use the blog's builds.
        design: how each comparison is made.
        queue_s: seconds for which the queue is measured.
        stall_s: seconds for which each loop measures the server that is paused.
        pace_s: seconds for which the server that is not paused is measured.
        rounds: turns of each client.
        round_s: seconds of a turn.
    """

    model_config = ConfigDict(frozen=True)

    checks: tuple[Check, ...]
    comparisons: int
    effects: int
    blog: float
    design: Design
    queue_s: float
    stall_s: float
    pace_s: float
    rounds: int
    round_s: float


@dataclass(frozen=True)
class KnownAnswerRun:
    """An ordinary small run with a known true ratio.

    Attributes:
        study: the known difference between the sides.
        experiment: the plan of the run.
    """

    study: Study
    experiment: Experiment

    @property
    def seconds(self) -> float:
        """The estimated duration of the run."""
        experiment = self.experiment
        return experiment.blocks * (START_S + len(experiment.cells) * experiment.pairing_s)


def alike(comparisons: int, *, blog: float, design: Design, rng: random.Random) -> list[KnownAnswerRun]:
    """Plan comparisons of a side with itself.

    Args:
        comparisons: at least so many.
        blog: share of the runs, 0 to 1, that use the blog's builds, in turn, instead of the reference server.
        design: how each comparison is made.
        rng: draws the seeds.
    """
    builds = ("async", "sync")
    blog_scenarios = (parse_scenario("get_post"), parse_scenario("query"))
    planned, taken = [], 0
    for number in range(-(-comparisons // CELLS)):
        if int((number + 1) * blog + 1e-9) > taken:
            side, scenarios = builds[taken % len(builds)], blog_scenarios
            taken += 1
        else:
            side, scenarios = BASE, (CPU, WAIT)
        planned.append(_known_answer_run("alike", side, side, scenarios, ALIKE_USERS, design, rng))
    return planned


def additions(comparisons: int, *, design: Design, rng: random.Random) -> list[KnownAnswerRun]:
    """Plan comparisons of a side with one that does a known amount more.

    Args:
        comparisons: at least so many for each addition.
        design: how each comparison is made.
        rng: draws the seeds.
    """
    kinds: tuple[tuple[Study, Scenario, tuple[int, ...]], ...] = (
        ("cpu_10", CPU, CPU_USERS),
        ("wait_2", WAIT, WAIT_USERS),
        ("cpu_5", CPU, CPU_USERS),
    )
    return [
        _known_answer_run(study, BASE, f"{REFERENCE_MODULE}:{study}", (scenario,), users, design, rng)
        for _ in range(-(-comparisons // CELLS))
        for study, scenario, users in kinds
    ]


def _known_answer_run(
    study: Study,
    a: str,
    b: str,
    scenarios: tuple[Scenario, ...],
    users: tuple[int, ...],
    design: Design,
    rng: random.Random,
) -> KnownAnswerRun:
    loads = tuple(ClosedLoop(number) for number in users)
    slice_s = min(default_timing(loads, len(loads) * len(scenarios)).slice_s, design.time_s / 2)
    return KnownAnswerRun(
        study,
        Experiment(
            parse_side(a),
            parse_side(b),
            scenarios,
            loads,
            blocks=design.blocks,
            slice_s=slice_s,
            pairing_s=design.time_s,
            seed=rng.randrange(2**32),
            budget_s=design.budget_s,
            precision=design.precision,
        ),
    )


def interleave(*queues: Sequence[KnownAnswerRun]) -> list[KnownAnswerRun]:
    """Merge lists of runs so that each is spread evenly, and drift of the machine affects all of them alike."""
    keyed = [((i + 0.5) / len(queue), item) for queue in queues for i, item in enumerate(queue)]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def ratio_of_more_cpu(more: float, work_share: float) -> float:
    """Return the true b ÷ a of throughput where b does more CPU work, and the server's core is always busy.

    Throughput is then 1 ÷ CPU time per request. The server's own CPU time is the same on both sides, so a tenth more
    work is less than a tenth more CPU time per request.

    Args:
        more: how much more work b does, 0.1 for a tenth.
        work_share: share of a's CPU time that is the work, 0 to 1.
    """
    return 1 / (1 + more * work_share)


def ratio_of_more_wait(more_s: float, users: int, throughput_rps: float) -> float:
    """Return the true b ÷ a of throughput in a closed loop where b waits longer, and nothing else limits it.

    Each user has one request in flight, so a request takes users ÷ throughput (Little's law), and b's takes
    ``more_s`` more.

    Args:
        more_s: how much longer b waits, in seconds.
        users: of the closed loop.
        throughput_rps: a's, in requests/s.
    """
    took_s = users / throughput_rps
    return took_s / (took_s + more_s)
