"""A load generator's process with Locust's users: ``python -m loadtests.drivers.locust_generator``.

It drives the same pairings as ``load_generator``, by the same code, with greenlets in place of tasks. What waits there
for ``asyncio.sleep`` waits here for gevent's; so the coroutines of ``phases`` are never suspended, and
``greenlets.run`` calls them as functions.

Load generators of a group share nothing but barriers (``job.Group``), and a clock. Those on other machines are Locust's
workers: see ``locust_worker``.
"""

import gc
import logging
from multiprocessing.connection import Connection

import click
import gevent
import gevent.socket
from gevent import monkey

from loadtests.drivers.greenlets import run, sleep
from loadtests.system.processes import begin_child


@click.command()
@click.option("--fd", type=int, required=True, help="The pipe to the owner.")
@click.option("--cores", default="")
@click.option("--number", default=0, help="Of this load generator in its group, from 0.")
@click.option("--size", default=1, help="Load generators in the group.")
def main(fd: int, cores: str, number: int, size: int) -> None:
    """Drive pairings until the owner hangs up."""
    # A real thread, asleep in a real read, must be there before Locust replaces both by its own kind.
    begin_child(cores)
    # Locust does this when it is imported. With a second thread it must not happen inside an import, whose lock would
    # wait for itself: the main thread's identity changes.
    monkey.patch_all()
    from loadtests.drivers.job import Group, PairingJob, send, send_heartbeats  # noqa: PLC0415 - see above
    from loadtests.drivers.locust_users import LocustTrial  # noqa: PLC0415
    from loadtests.drivers.phases import drive_pairing  # noqa: PLC0415

    logging.basicConfig(level=logging.ERROR)  # the last line of a log is what a report quotes
    logging.getLogger("locust").setLevel(logging.ERROR)
    gc.freeze()  # what is imported stays
    with Connection(fd) as owner:
        group = Group(sleep, number, size, owner)
        while True:
            gevent.socket.wait_read(fd)
            try:
                job: PairingJob = owner.recv()
            except EOFError:
                return
            beats = gevent.spawn(run, send_heartbeats(owner, sleep))
            recordings = run(drive_pairing(job, LocustTrial, group))
            beats.kill()
            send(owner, recordings)


if __name__ == "__main__":
    main()
