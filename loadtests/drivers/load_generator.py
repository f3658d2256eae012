"""The process a driver runs in: ``python -m loadtests.drivers.load_generator``. In come jobs, out go recordings: ``wire``.

Both sides of a cell, taking turns in short slices.

A shared machine is faster and slower by turns, on every time scale. The shorter the turns, the more alike is the
machine that both sides meet: for the same total time, many short slices give a narrower interval than a long one.
"""

import asyncio
import gc
import random
import time
from multiprocessing.connection import Connection

import click
import uvloop

from loadtests.drivers.job import PairingJob, Target, beating, send
from loadtests.drivers.loops import ClosedLoopTrial, OpenLoopTrial
from loadtests.drivers.phases import OVERTIME, of_closed_loop, of_open_loop
from loadtests.drivers.trial import Trial
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system import resources
from loadtests.system.cores import parse_cores, pin
from loadtests.system.processes import exit_with_parent


@click.command()
@click.option("--fd", type=int, required=True, help="The pipe to the owner.")
@click.option("--cores", default="")
def main(fd: int, cores: str) -> None:
    """Drive pairings until the owner hangs up."""
    exit_with_parent()
    resources.allow_open_files()
    pin(parse_cores(cores))
    gc.freeze()  # what is imported stays; collecting it again before each slice would take longer than the lead-in
    with Connection(fd) as owner, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while True:
            try:
                job: PairingJob = owner.recv()
            except EOFError:
                return
            send(owner, runner.run(beating(owner, drive(job))))


async def drive(job: PairingJob) -> dict[SideLabel, Recording]:
    """Alternate the sides, a b b a …, for about ``job.pairing_s`` seconds; return each side's recording.

    Every side gets one slice at least. One that stalls gets no further slice. What follows the first round is planned
    by ``turns`` when that is over.
    """
    started = time.perf_counter()
    trials = {label: _trial(target, job, started) for label, target in job.targets.items()}
    order = list(trials)
    rng = random.Random(job.seed)
    planned = False
    gc.collect()
    gc.disable()  # a collection in mid-window would show up as latency of the server
    try:
        to_come = 1
        while to_come and any(trial.usable for trial in trials.values()) and not _overdue(job, started):
            seed = rng.randrange(2**32)  # one for both sides, so that they meet the same arrivals
            for label in order:
                if trials[label].usable:
                    await trials[label].run_slice(seed)
            order.reverse()
            to_come = to_come - 1 if planned else _plan(job, time.perf_counter() - started, [*trials.values()])
            planned = True
    finally:
        gc.enable()
        recordings = {label: await trial.finish() for label, trial in trials.items()}
    return recordings


def _trial(target: Target, job: PairingJob, started_s: float) -> Trial:
    if isinstance(job.load, ClosedLoop):
        return ClosedLoopTrial(target, job, job.load, started_s)
    return OpenLoopTrial(target, job, job.load, started_s)


def _plan(job: PairingJob, took_s: float, trials: list[Trial]) -> int:
    """Return how many rounds are to come after the first, and tell the trials how long their windows are then."""
    if isinstance(job.load, ClosedLoop):
        windows_s = [window for trial in trials for window in trial.windows_s]
        turns = of_closed_loop(job.pairing_s, took_s, windows_s, max(trial.lead_in_s for trial in trials))
    else:
        turns = of_open_loop(job.pairing_s, job.slice_s)
    for trial in trials:
        trial.window_s = turns.window_s
    return turns.rounds


def _overdue(job: PairingJob, started: float) -> bool:
    """Return whether a closed loop takes much longer than it was planned to; an open one ends by its rounds."""
    return isinstance(job.load, ClosedLoop) and 0 < OVERTIME * job.pairing_s < time.perf_counter() - started


if __name__ == "__main__":
    main()
