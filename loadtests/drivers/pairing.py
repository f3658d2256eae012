"""Both sides of a cell, taking turns in short slices.

A shared machine is faster and slower by turns, on every time scale. The shorter the turns, the more alike is the
machine that both sides meet: for the same total time, many short slices give a narrower interval than a long one.
"""

import gc
import random
import time

from loadtests.drivers.closed_loop import ClosedLoopTrial
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.open_loop import OpenLoopTrial
from loadtests.drivers.trial import Trial
from loadtests.loads import ClosedLoop
from loadtests.plan import Label
from loadtests.samples import Recording


async def drive(job: PairingJob) -> dict[Label, Recording]:
    """Alternate the sides, a b b a …, for about ``job.pairing_s`` seconds; return each side's recording.

    Every side gets one slice at least. One that stalls gets no further slice.
    """
    started = time.perf_counter()
    trials = {label: _trial(target, job, started) for label, target in job.targets.items()}
    order = list(trials)
    rng = random.Random(job.seed)
    gc.collect()
    gc.disable()  # a collection in mid-window would show up as latency of the server
    try:
        rounds = 0
        while rounds == 0 or _another_fits(job, started, rounds):
            seed = rng.randrange(2**32)  # one for both sides, so that they meet the same arrivals
            for label in order:
                if trials[label].usable:
                    await trials[label].run_slice(seed)
            order.reverse()
            rounds += 1
    finally:
        gc.enable()
        recordings = {label: await trial.finish() for label, trial in trials.items()}
    return recordings


def _trial(target: Target, job: PairingJob, started_s: float) -> Trial:
    if isinstance(job.load, ClosedLoop):
        return ClosedLoopTrial(target, job, job.load, started_s)
    return OpenLoopTrial(target, job, job.load, started_s)


def _another_fits(job: PairingJob, started: float, rounds: int) -> bool:
    elapsed = time.perf_counter() - started
    return elapsed * (rounds + 1) / rounds <= job.pairing_s
