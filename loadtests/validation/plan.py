"""Which comparisons with known answers are made, and in which order (pure).

How much a validation measures: from the options of ``bench validate`` to a plan, checked before anything starts.

What the ratio of two known sides must be (pure).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from loadtests.experiment.blog import check_blog
from loadtests.experiment.catalogue import REPRESENTATIVE
from loadtests.experiment.loads import ClosedLoop, parse_users
from loadtests.experiment.options import USERS, parse_scenario
from loadtests.experiment.plan import Experiment, default_timing
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import parse_side
from loadtests.servers.reference import WAIT_S
from loadtests.system.errors import UsageError
from loadtests.validation.record import CHECKS, Check, Study

KNOWN = "loadtests.servers.reference"
BASE = f"{KNOWN}:base"
BLOCKS = 6
"""As ``bench run`` has them by default."""
CELLS = 4
"""Comparisons in one run, over which Holm's correction spans."""
EFFECTS_SHARE = 0.3
"""Comparisons for each addition, per comparison of a side with itself."""
START_S = 3.0
"""What starting both sides and the driver takes in each block, about."""
CPU = replace(parse_scenario("GET /cpu"), title="a known amount of CPU work")
WAIT = replace(parse_scenario("GET /wait"), title="a known wait", wait_s=WAIT_S)
ALIKE_USERS = (4, 16)
CPU_USERS = (4, 8, 12, 16)
"""Enough that the server's core is never idle."""
WAIT_USERS = (1, 2, 4, 8)
"""Few enough that its core never is what limits it."""
COMPARISONS = 40
QUICK_COMPARISONS = 4
QUICK_TIME_S = 0.4
MAX_COMPARISONS = 10_000
MIN_BLOCKS = 6
MAX_BLOCKS = 100
MAX_TIME_S = 60.0


@dataclass(frozen=True)
class KnownAnswerRun:
    """An ordinary small run whose outcome is known.

    Attributes:
        study: what was put there.
        experiment: the run.
    """

    study: Study
    experiment: Experiment

    @property
    def seconds(self) -> float:
        """How long it takes, about."""
        experiment = self.experiment
        return experiment.blocks * (START_S + len(experiment.cells) * experiment.pairing_s)


def default_time_s() -> float:
    """Return the time of a cell in a block of ``bench run`` without arguments, in seconds.

    How often it is wrong with that little holds for runs of fewer cells, which are measured for longer.
    """
    loads = parse_users(USERS)
    return default_timing(loads, len(loads) * len(REPRESENTATIVE)).pairing_s


def effects_time_s() -> float:
    """Return the time of a cell in a block of ``bench run`` with as few cells as a run has, in seconds."""
    return default_timing([ClosedLoop(users) for users in CPU_USERS], CELLS).pairing_s


def alike(comparisons: int, *, blog: float, time_s: float, blocks: int, rng: random.Random) -> list[KnownAnswerRun]:
    """Plan comparisons of a side with itself.

    Args:
        comparisons: at least so many.
        blog: share of the runs that take the blog's builds, in turn, instead of the app with nothing but a
            known amount of work, 0 to 1.
        time_s: for each cell and block, in seconds.
        blocks: fresh starts.
        rng: draws the seeds.
    """
    builds = ("async", "sync")
    theirs = (parse_scenario("get_post"), parse_scenario("query"))
    planned, taken = [], 0
    for number in range(-(-comparisons // CELLS)):
        if int((number + 1) * blog + 1e-9) > taken:
            side, scenarios = builds[taken % len(builds)], theirs
            taken += 1
        else:
            side, scenarios = BASE, (CPU, WAIT)
        planned.append(_known_answer_run("alike", side, side, scenarios, ALIKE_USERS, blocks, time_s, rng))
    return planned


def additions(comparisons: int, *, time_s: float, blocks: int, rng: random.Random) -> list[KnownAnswerRun]:
    """Plan comparisons of a side with one that does a little more, at least so many for each addition.

    Args:
        comparisons: at least so many for each addition.
        time_s: for each cell and block, in seconds.
        blocks: fresh starts; twice as many for the smallest addition.
        rng: draws the seeds.
    """
    kinds: tuple[tuple[Study, Scenario, tuple[int, ...], int], ...] = (
        ("cpu_10", CPU, CPU_USERS, blocks),
        ("wait_2", WAIT, WAIT_USERS, blocks),
        ("cpu_5", CPU, CPU_USERS, 2 * blocks),
    )
    return [
        _known_answer_run(study, BASE, f"{KNOWN}:{study}", (scenario,), users, starts, time_s, rng)
        for _ in range(-(-comparisons // CELLS))
        for study, scenario, users, starts in kinds
    ]


def interleave(*queues: Sequence[KnownAnswerRun]) -> list[KnownAnswerRun]:
    """Merge several orders into one in which each is spread evenly, so that a machine's moods meet all alike."""
    keyed = [((i + 0.5) / len(queue), item) for queue in queues for i, item in enumerate(queue)]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _known_answer_run(
    study: Study,
    a: str,
    b: str,
    scenarios: tuple[Scenario, ...],
    users: tuple[int, ...],
    blocks: int,
    time_s: float,
    rng: random.Random,
) -> KnownAnswerRun:
    loads = tuple(ClosedLoop(number) for number in users)
    slice_s = min(default_timing(loads, len(loads) * len(scenarios)).slice_s, time_s / 2)
    return KnownAnswerRun(
        study,
        Experiment(
            parse_side(a),
            parse_side(b),
            scenarios,
            loads,
            blocks=blocks,
            slice_s=slice_s,
            pairing_s=time_s,
            seed=rng.randrange(2**32),
        ),
    )


class ValidateOptions(BaseModel):
    """The options of ``bench validate``, as typed."""

    model_config = ConfigDict(frozen=True)

    comparisons: int | None = None
    blog: float = 0.25
    blocks: int = BLOCKS
    time_s: float | None = None
    quick: bool = False
    only: str | None = None
    seed: int = 0
    out: Path | None = None

    def sizes(self) -> "Sizes":
        """Check everything; raises UsageError."""
        comparisons = _given(self.comparisons, QUICK_COMPARISONS if self.quick else COMPARISONS)
        time_s = _given(self.time_s, QUICK_TIME_S if self.quick else default_time_s())
        if not 1 <= comparisons <= MAX_COMPARISONS:
            raise UsageError(f"--comparisons {comparisons}: must be from 1 to {MAX_COMPARISONS}")
        if not 0 <= self.blog <= 1:
            raise UsageError(f"--blog {self.blog:g}: must be a share from 0 to 1")
        if not MIN_BLOCKS <= self.blocks <= MAX_BLOCKS:
            raise UsageError(
                f"--blocks {self.blocks}: must be from {MIN_BLOCKS} to {MAX_BLOCKS}; fewer give no verdict"
            )
        if not 0 < time_s <= MAX_TIME_S:
            raise UsageError(f"--time {time_s:g}: must be more than 0 and at most {MAX_TIME_S:g} seconds")
        checks = self._checks()
        if "drivers" in checks or ("aa" in checks and self.blog > 0):
            check_blog("drivers, and aa without --blog 0")
        effects = max(1, round(comparisons * EFFECTS_SHARE))
        return Sizes(
            checks=checks,
            comparisons=comparisons,
            effects=effects,
            blog=self.blog,
            blocks=self.blocks,
            time_s=time_s,
            effects_s=self.time_s or (QUICK_TIME_S if self.quick else effects_time_s()),
            **(_QUICK if self.quick else _USUAL),
        )

    def _checks(self) -> tuple[Check, ...]:
        named = CHECKS if self.only is None else tuple(part.strip() for part in self.only.split(","))
        if unknown := [name for name in named if name not in CHECKS]:
            raise UsageError(f"--only {self.only}: {unknown[0]!r} is no check; there are: {', '.join(CHECKS)}")
        return tuple(check for check in CHECKS if check in named)


_Number = TypeVar("_Number", int, float)


def _given(value: _Number | None, default: _Number) -> _Number:
    return default if value is None else value


class Sizes(BaseModel):
    """How much of everything.

    Attributes:
        checks: those to carry out.
        comparisons: of a side with itself.
        effects: for each addition.
        blog: share of the former that take the blog's builds.
        blocks: fresh starts behind a comparison.
        time_s: seconds for each cell and block where a side is compared with itself.
        effects_s: the same where it is compared with one that does more.
        queue_s: how long the queue is measured.
        stall_s: how long the stalled server is measured, by each loop.
        pace_s: how long the pace is measured.
        rounds: turns of each client beside the others.
        round_s: how long a turn is.
    """

    model_config = ConfigDict(frozen=True)

    checks: tuple[Check, ...]
    comparisons: int
    effects: int
    blog: float
    blocks: int
    time_s: float
    effects_s: float
    queue_s: float
    stall_s: float
    pace_s: float
    rounds: int
    round_s: float


_USUAL = {"queue_s": 60.0, "stall_s": 30.0, "pace_s": 10.0, "rounds": 8, "round_s": 1.0}
_QUICK = {"queue_s": 10.0, "stall_s": 10.0, "pace_s": 3.0, "rounds": 3, "round_s": 1.0}


def of_more_cpu(more: float, work_share: float) -> float:
    """Return b ÷ a of throughput where b does more of the work, and the server's core is never idle.

    Throughput is then 1 ÷ CPU per request. What a server does besides the work is the same on both sides, so that a
    tenth more work is less than a tenth more CPU per request.

    Args:
        more: by how much b's work is more, 0.1 for a tenth.
        work_share: what share of a's CPU time is the work, 0 to 1.
    """
    return 1 / (1 + more * work_share)


def of_more_wait(more_s: float, users: int, throughput_rps: float) -> float:
    """Return b ÷ a of throughput in a closed loop where b waits longer, and nothing else limits it.

    Each user has one request in flight, so a request takes users ÷ throughput (Little's law), and b's takes
    ``more_s`` more.

    Args:
        more_s: by how much b waits longer, in seconds.
        users: of the closed loop.
        throughput_rps: a's, in requests/s.
    """
    took_s = users / throughput_rps
    return took_s / (took_s + more_s)
