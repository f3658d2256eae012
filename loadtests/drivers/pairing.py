"""Both sides of a cell, taking turns in short slices.

A shared machine is faster and slower by turns, on every time scale. The shorter the turns, the more alike is the
machine that both sides meet: for the same total time, many short slices give a narrower interval than a long one.
"""

import gc
import random
import time
from collections.abc import Callable, Sequence

from loadtests.drivers.job import Group, PairingJob, Target
from loadtests.drivers.phases import OVERTIME, Rounds, rounds_of_closed_loop, rounds_of_open_loop
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.trial import Trial
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording

MakeTrial = Callable[[Target, PairingJob, Group, RequestLog], Trial]
"""Prepares one side under the load of the job."""


async def drive_pairing(job: PairingJob, make_trial: MakeTrial, group: Group) -> dict[SideLabel, Recording]:
    """Alternate the sides, a b b a …, for about ``job.pairing_s`` seconds; return each side's recording.

    Every side gets one slice at least. One that stalls gets no further slice. What follows the first round is planned
    when that is over. What a group's load generators must agree on, their clocks' zero and their rounds, is the first
    one's.
    """
    started_s, *_ = await group.barrier(time.perf_counter())
    trials = {label: make_trial(target, job, group, RequestLog(started_s)) for label, target in job.targets.items()}
    begun_s = time.perf_counter()
    order = list(trials)
    rng = random.Random(job.seed)
    gc.collect()
    gc.disable()  # a collection in mid-window would show up as latency of the server
    try:
        planned, to_come = False, Rounds(1)
        while to_come.rounds and any(trial.usable for trial in trials.values()):
            seed = rng.randrange(2**32)  # one for both sides, so that they meet the same arrivals
            for label in order:
                if trials[label].usable:
                    await trials[label].run_slice(seed)
            order.reverse()
            took_s = time.perf_counter() - begun_s
            if _overdue(job, took_s):
                to_come = Rounds(0)
            elif planned:
                to_come = Rounds(to_come.rounds - 1, to_come.window_s)
            else:
                to_come = _plan(job, took_s, [*trials.values()])
            planned = True
            to_come, *_ = await group.barrier(to_come)
            for trial in trials.values():
                trial.window_s = to_come.window_s
    finally:
        gc.enable()
        recordings = {label: await trial.finish() for label, trial in trials.items()}
    return recordings


def _plan(job: PairingJob, took_s: float, trials: Sequence[Trial]) -> Rounds:
    if not isinstance(job.load, ClosedLoop):
        return rounds_of_open_loop(job.pairing_s, job.slice_s)
    windows_s = [window for trial in trials for window in trial.windows_s]
    return rounds_of_closed_loop(job.pairing_s, took_s, windows_s, max(trial.lead_in_s for trial in trials))


def _overdue(job: PairingJob, took_s: float) -> bool:
    """Return whether a closed loop takes much longer than it was planned to; an open one ends by its rounds."""
    return isinstance(job.load, ClosedLoop) and 0 < OVERTIME * job.pairing_s < took_s
