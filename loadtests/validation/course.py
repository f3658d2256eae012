"""Carry out the checks, one after another, and keep what each has found as soon as it is known."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from loadtests.runner.single_server import Stage
from loadtests.system.machine import Environment, machine_id
from loadtests.validation import agenda, queue, rivals, stall
from loadtests.validation.agenda import Rehearsal
from loadtests.validation.occasion import occasion
from loadtests.validation.record import Check, Comparisons, Known, Record, Validation
from loadtests.validation.rehearse import CALIBRATIONS_S, calibrate, rehearse
from loadtests.validation.sizes import Sizes
from loadtests.validation.watch import Watch


@dataclass(frozen=True)
class _Step:
    """A check that is carried out in one go."""

    check: Check
    title: str
    seconds: float
    measure: Callable[[Stage], Record]


class Course:
    """One validation; call ``run`` once, and ``found`` whenever something may have been found."""

    def __init__(self, sizes: Sizes, environment: Environment, *, quick: bool, seed: int) -> None:
        self._sizes = sizes
        self._environment = environment
        self._quick = quick
        self._records: dict[Check, Record] = {}
        self._complete = False
        rng = random.Random(seed)
        own, added = [], []
        if "aa" in sizes.checks:
            own = agenda.alike(sizes.comparisons, blog=sizes.blog, time_s=sizes.time_s, blocks=sizes.blocks, rng=rng)
        if "effects" in sizes.checks:
            added = agenda.additions(sizes.effects, time_s=sizes.effects_s, blocks=sizes.blocks, rng=rng)
        self._rehearsals = agenda.interleave(own, added)

    @property
    def seconds(self) -> float:
        """How long all of it takes, about."""
        calibration = CALIBRATIONS_S if "effects" in self._sizes.checks else 0.0
        alone = sum(step.seconds for step in self._steps())
        return alone + calibration + sum(rehearsal.seconds for rehearsal in self._rehearsals)

    def found(self) -> Validation:
        """Return what is known by now."""
        return Validation(
            machine=machine_id(self._environment),
            environment=self._environment,
            quick=self._quick,
            complete=self._complete,
            **self._records,
        )

    def run(self, stage: Stage, watch: Watch) -> None:
        """Carry out every check, the short ones first; what was found before an exception is kept."""
        for step in self._steps():
            watch.step(step.title, step.seconds)
            self._records[step.check] = step.measure(stage)
        self._rehearse(stage, watch)
        self._complete = True

    def _steps(self) -> list[_Step]:
        sizes = self._sizes
        steps = (
            _Step(
                "queue",
                "a queue that follows from theory",
                queue.OVERHEAD_S + sizes.queue_s,
                partial(queue.measure_queue, window_s=sizes.queue_s),
            ),
            _Step(
                "stall",
                "a server that is stopped now and then",
                stall.OVERHEAD_S + sizes.pace_s + 2 * sizes.stall_s,
                partial(stall.measure_stall, window_s=sizes.stall_s, pace_s=sizes.pace_s),
            ),
            _Step(
                "drivers",
                "other clients beside the driver",
                rivals.rivals_s(sizes.rounds, sizes.round_s),
                partial(rivals.measure_rivals, rounds=sizes.rounds, round_s=sizes.round_s),
            ),
        )
        return [step for step in steps if step.check in sizes.checks]

    def _rehearse(self, stage: Stage, watch: Watch) -> None:
        work_share: dict[int, float] = {}
        ceiling_rps: float | None = None
        spent: dict[Check, float] = {"aa": 0.0, "effects": 0.0}
        rows: dict[Check, list[Known]] = {"aa": [], "effects": []}
        if "effects" in self._sizes.checks:
            watch.step("how much of the server's time is the known work", CALIBRATIONS_S)
            work_share = calibrate(stage)
        for number, rehearsal in enumerate(self._rehearsals):
            watch.step(_title(rehearsal, number, len(self._rehearsals)), rehearsal.seconds)
            check: Check = "aa" if rehearsal.study == "alike" else "effects"
            began = time.monotonic()
            ceiling_rps, known = rehearse(stage, rehearsal, number, work_share, ceiling_rps)
            rows[check] += known
            spent[check] += time.monotonic() - began
            self._records[check] = Comparisons(
                occasion=occasion(stage, spent[check]),
                time_s=self._sizes.time_s if check == "aa" else self._sizes.effects_s,
                work_share=work_share if check == "effects" else {},
                rows=list(rows[check]),
            )


def _title(rehearsal: Rehearsal, number: int, count: int) -> str:
    experiment = rehearsal.experiment
    a, b = (side.spec.rpartition(":")[2] for side in (experiment.a, experiment.b))
    return f"rehearsal {number + 1} of {count}, {b} against {'itself' if a == b else a}"
