"""A load generator's process: ``python -m loadtests.drivers.load_generator``. For what comes and goes see ``job``."""

import asyncio
import gc
from multiprocessing.connection import Connection

import click
import uvloop

from loadtests.drivers.job import Group, PairingJob, Target, send, send_heartbeats
from loadtests.drivers.loops import ClosedLoopTrial, OpenLoopTrial
from loadtests.drivers.phases import drive_pairing
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.trial import Trial
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.processes import begin_child


@click.command()
@click.option("--fd", type=int, required=True, help="The pipe to the owner.")
@click.option("--cores", default="")
@click.option("--number", default=0, help="Of this load generator in its group, from 0.")
@click.option("--size", default=1, help="Load generators in the group.")
def main(fd: int, cores: str, number: int, size: int) -> None:
    """Drive pairings until the owner hangs up."""
    begin_child(cores)
    gc.freeze()  # what is imported stays; collecting it again before each slice would take longer than the lead-in
    with Connection(fd) as owner, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        group = Group(asyncio.sleep, number, size, owner)
        while True:
            try:
                job: PairingJob = owner.recv()
            except EOFError:
                return
            send(owner, runner.run(_with_heartbeats(owner, job, group)))


async def drive(job: PairingJob, group: Group | None = None) -> dict[SideLabel, Recording]:
    """Drive a pairing on the running event loop; alone unless there is a group."""
    return await drive_pairing(job, _trial, group or Group(asyncio.sleep))


async def _with_heartbeats(owner: Connection, job: PairingJob, group: Group) -> dict[SideLabel, Recording]:
    beats = asyncio.create_task(send_heartbeats(owner, asyncio.sleep))
    try:
        return await drive(job, group)
    finally:
        beats.cancel()


def _trial(target: Target, job: PairingJob, group: Group, log: RequestLog) -> Trial:
    if isinstance(job.load, ClosedLoop):
        return ClosedLoopTrial(target, job, job.load, group, log)
    return OpenLoopTrial(target, job, job.load, group, log)


if __name__ == "__main__":
    main()
