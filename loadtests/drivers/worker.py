"""The process a driver runs in: ``python -m loadtests.drivers.worker``. In come jobs, out go recordings: ``wire``."""

import asyncio
import gc
from multiprocessing.connection import Connection

import click
import uvloop

from loadtests.drivers import pairing, wire
from loadtests.drivers.jobs import PairingJob
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
            wire.send(owner, runner.run(wire.beating(owner, pairing.drive(job))))


if __name__ == "__main__":
    main()
