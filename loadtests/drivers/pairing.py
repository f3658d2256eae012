"""Both sides of a cell, taking turns in short slices.

A shared machine is faster and slower by turns, on every time scale. The shorter the turns, the more alike is the
machine that both sides meet: for the same total time, many short slices give a narrower interval than a long one.
"""

import gc
import time

from loadtests.drivers.closed_loop import ClosedLoopTrial
from loadtests.drivers.jobs import PairingJob
from loadtests.plan import Label
from loadtests.samples import Recording


async def drive(job: PairingJob) -> dict[Label, Recording]:
    """Alternate the sides, a b b a …, for about ``job.pairing_s`` seconds; return each side's recording.

    Every side gets one slice at least. One that stalls gets no further slice.
    """
    started = time.perf_counter()
    trials = {label: ClosedLoopTrial(target, job, started) for label, target in job.targets.items()}
    order = list(trials)
    gc.collect()
    gc.disable()  # a collection in mid-window would show up as latency of the server
    try:
        rounds = 0
        while rounds == 0 or _another_fits(job, started, rounds):
            for label in order:
                if trials[label].stalled is None:
                    await trials[label].run_slice()
            order.reverse()
            rounds += 1
    finally:
        gc.enable()
        recordings = {label: await trial.finish() for label, trial in trials.items()}
    return recordings


def _another_fits(job: PairingJob, started: float, rounds: int) -> bool:
    elapsed = time.perf_counter() - started
    return elapsed * (rounds + 1) / rounds <= job.pairing_s
