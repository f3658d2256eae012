"""``bench worker``: make this machine one that sends load, for a run that another machine carries out."""

import os
import sys

import click

from loadtests.experiment.load_machines import parse_place

PROCESS = "loadtests.drivers.locust_worker_process"


@click.command(name="worker")
@click.argument("master", metavar="MASTER")
@click.option(
    "--name", default="", show_default=False, help="What the run calls it.  [default: the machine's host name]"
)
def worker_(master: str, name: str) -> None:
    """Send load from this machine, as the run on MASTER tells it to.

    MASTER is where `bench run --machines N --bind HOST` listens: HOST, or HOST:PORT. Start one worker on each load
    machine, before the run or up to five minutes after it, from the same commit of this project; or several, where one
    process can't send enough. It ends with the run.

    Whoever can reach that port can take part in the run, and the requests go there unencrypted, tokens included: use a
    network that you trust.
    """
    host, port = parse_place(master, "MASTER")
    # In place of this process: Locust replaces sockets and threads, which nothing else here is made for.
    command = [sys.executable, "-P", "-m", PROCESS, host, str(port), f"--name={name}"]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, our own module
