"""The process of Locust's master: ``python -m loadtests.drivers.locust_master_process``; see ``locust_master``."""

import logging
import os
import signal
import sys
from multiprocessing.connection import Connection

import click
import gevent
from gevent import monkey

from loadtests.system.processes import begin_child


@click.command()
@click.option("--fd", type=int, required=True, help="The pipe to the owner.")
@click.option("--host", required=True, help="The address to listen on.")
@click.option("--port", type=int, required=True)
@click.option("--machines", type=int, required=True, help="How many workers are expected.")
def main(fd: int, host: str, port: int, machines: int) -> None:
    """Have workers drive jobs until the owner hangs up."""
    begin_child()
    monkey.patch_all()  # see locust_generator
    from locust.exception import RPCError  # noqa: PLC0415

    from loadtests.drivers.locust_master import Workers, serve  # noqa: PLC0415

    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # the last line of a log is what a report quotes
    logging.getLogger("locust").setLevel(logging.ERROR)
    try:
        workers = Workers(host, port, machines)
    except RPCError as error:
        why = str(error).removeprefix("Socket bind failure: ")
        sys.exit(f"it can't listen at {host}:{port} ({why}); give --bind a free port, or an address of this machine")

    def end() -> None:  # the owner is gone: the workers need not wait for a minute until they notice
        workers.end()
        os._exit(128 + signal.SIGTERM)

    gevent.signal_handler(signal.SIGTERM, end)
    with Connection(fd) as owner:
        serve(owner, workers)


if __name__ == "__main__":
    main()
