"""The process of a worker: ``python -m loadtests.drivers.locust_worker_process HOST PORT``; see ``locust_worker``."""

import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import click
import gevent
from gevent import monkey

from loadtests.system.errors import SIGNALS, BenchError
from loadtests.system.resources import allow_open_files

if TYPE_CHECKING:
    from loadtests.drivers.locust_worker import Worker

INTERRUPTED = 130


@click.command()
@click.argument("host")
@click.argument("port", type=int)
@click.option("--name", default="")
def main(host: str, port: int, name: str) -> None:
    """Drive what the master at HOST:PORT asks for, until it ends."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)  # while Locust is imported there is nothing to clean up
    allow_open_files()
    monkey.patch_all()  # see locust_generator
    from loadtests.drivers.locust_worker import Worker  # noqa: PLC0415

    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    logging.getLogger("locust").setLevel(logging.CRITICAL)  # what matters is said here, once
    worker = Worker(host, port, name)
    for each in SIGNALS:
        if each != signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN:  # nohup stays what it is
            gevent.signal_handler(each, _interrupt, worker)
    print(f"waiting for a master at {host}:{port}; Ctrl-C ends this worker", flush=True)  # noqa: T201
    try:
        worker.connect()
        print(f"connected to the master at {host}:{port}", flush=True)  # noqa: T201
        worker.work()
        print("the run is over", flush=True)  # noqa: T201
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(error.exit_status)


def _interrupt(worker: "Worker") -> None:
    """End in a greenlet of its own: an exception would be raised in whichever greenlet runs."""
    with contextlib.suppress(Exception):  # the master may be gone
        worker.end()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
