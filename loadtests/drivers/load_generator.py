"""A load generator's process: ``python -m loadtests.drivers.load_generator``. For what comes and goes see ``job``."""

import asyncio
import gc
from itertools import chain
from multiprocessing.connection import Connection

import click
import uvloop

from loadtests.drivers import connection
from loadtests.drivers.job import Group, PairingJob, Target, send, send_heartbeats
from loadtests.drivers.loops import ClosedLoopTrial, OpenLoopTrial
from loadtests.drivers.phases import drive_pairing
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.scheduled import drive_schedule
from loadtests.drivers.trial import Trial
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.rate_schedule import RateSchedule
from loadtests.experiment.request import Request
from loadtests.experiment.sequence import Login
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.processes import begin_child

IdleConnections = dict[str, list[connection.Connection]]
"""By the base URL of the server that they are to."""
Logins = dict[tuple[int, tuple[Request, ...]], list[Login]]
"""What users of sequences have of requests that are sent once, by the server's start and the requests."""
SETTLE_S = 0.002


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
        idle: IdleConnections = {}
        logins: Logins = {}
        while True:
            try:
                job: PairingJob = owner.recv()
            except EOFError:
                return
            send(owner, runner.run(_with_heartbeats(owner, job, group, idle, logins)))


async def drive(
    job: PairingJob,
    group: Group | None = None,
    idle: IdleConnections | None = None,
    logins: Logins | None = None,
) -> dict[SideLabel, Recording]:
    """Drive a pairing on the running event loop.

    Args:
        job: the pairing.
        group: the load generators that drive it together; None: this one alone.
        idle: connections that are open already, by the server's base URL, and in the end those that are open then;
            None: they are closed.
        logins: of earlier jobs, and in the end of this one, too; None: each user logs in.
    """
    connections: IdleConnections = {} if idle is None else idle

    def make_trial(target: Target, job: PairingJob, group: Group, log: RequestLog) -> Trial:
        open_ = connections.setdefault(target.base_url, [])
        if isinstance(job.load, ClosedLoop):
            known = None
            if target.start and logins is not None:
                own = target.logins[group.number :: group.size]
                known = logins.setdefault((target.start, job.requests), list(own))
            return ClosedLoopTrial(target, job, job.load, group, log, open_, known)
        assert isinstance(job.load, OpenLoop)  # noqa: S101 - a schedule is no pairing
        return OpenLoopTrial(target, job, job.load, group, log, open_)

    try:
        if isinstance(job.load, RateSchedule):
            return await drive_schedule(job, job.load, group or Group(asyncio.sleep), connections)
        return await drive_pairing(job, make_trial, group or Group(asyncio.sleep))
    finally:
        if idle is None:
            for each in chain.from_iterable(connections.values()):
                each.close()


async def _with_heartbeats(
    owner: Connection, job: PairingJob, group: Group, idle: IdleConnections, logins: Logins
) -> dict[SideLabel, Recording]:
    beats = asyncio.create_task(send_heartbeats(owner, asyncio.sleep))
    await asyncio.sleep(SETTLE_S)  # what servers have closed between two jobs is noticed in the loop
    for url in [url for url, connections in idle.items() if not any(each.is_open for each in connections)]:
        del idle[url]
    oldest = min(target.start for target in job.targets.values())
    for key in [key for key in logins if key[0] < oldest]:  # of servers that are gone
        del logins[key]
    try:
        return await drive(job, group, idle, logins)
    finally:
        beats.cancel()


if __name__ == "__main__":
    main()
