"""Which comparisons with known answers are made, and in which order (pure)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadtests.experiment.catalogue import REPRESENTATIVE
from loadtests.experiment.loads import ClosedLoop, parse_users
from loadtests.experiment.options import USERS, parse_scenario
from loadtests.experiment.plan import Experiment, choose
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import parse_side
from loadtests.servers.reference import WAIT_S
from loadtests.validation.record import Study

KNOWN = "loadtests.servers.reference"
BASE = f"{KNOWN}:base"
BLOCKS = 6
"""As ``bench run`` has them by default."""
CELLS = 4
"""Comparisons in one rehearsal, over which Holm's correction spans."""
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


@dataclass(frozen=True)
class Rehearsal:
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
    return choose(loads, len(loads) * len(REPRESENTATIVE)).pairing_s


def effects_time_s() -> float:
    """Return the time of a cell in a block of ``bench run`` with as few cells as a rehearsal has, in seconds."""
    return choose([ClosedLoop(users) for users in CPU_USERS], CELLS).pairing_s


def alike(comparisons: int, *, blog: float, time_s: float, blocks: int, rng: random.Random) -> list[Rehearsal]:
    """Plan comparisons of a side with itself.

    Args:
        comparisons: at least so many.
        blog: share of the rehearsals that take the blog's builds, in turn, instead of the app with nothing but a
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
        planned.append(_rehearsal("alike", side, side, scenarios, ALIKE_USERS, blocks, time_s, rng))
    return planned


def additions(comparisons: int, *, time_s: float, blocks: int, rng: random.Random) -> list[Rehearsal]:
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
        _rehearsal(study, BASE, f"{KNOWN}:{study}", (scenario,), users, starts, time_s, rng)
        for _ in range(-(-comparisons // CELLS))
        for study, scenario, users, starts in kinds
    ]


def interleave(*queues: Sequence[Rehearsal]) -> list[Rehearsal]:
    """Merge several orders into one in which each is spread evenly, so that a machine's moods meet all alike."""
    keyed = [((i + 0.5) / len(queue), item) for queue in queues for i, item in enumerate(queue)]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _rehearsal(
    study: Study,
    a: str,
    b: str,
    scenarios: tuple[Scenario, ...],
    users: tuple[int, ...],
    blocks: int,
    time_s: float,
    rng: random.Random,
) -> Rehearsal:
    loads = tuple(ClosedLoop(number) for number in users)
    slice_s = min(choose(loads, len(loads) * len(scenarios)).slice_s, time_s / 2)
    return Rehearsal(
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
