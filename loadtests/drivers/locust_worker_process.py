"""The process of a worker: ``python -m loadtests.drivers.locust_worker_process HOST PORT``; see ``locust_worker``."""

import logging
import signal
import sys

import click
from gevent import monkey

from loadtests.system.errors import BenchError
from loadtests.system.resources import allow_open_files

INTERRUPTED = 130


@click.command()
@click.argument("host")
@click.argument("port", type=int)
@click.option("--name", default="")
def main(host: str, port: int, name: str) -> None:
    """Drive what the master at HOST:PORT asks for, until it ends."""
    allow_open_files()
    monkey.patch_all()  # see locust_generator
    from loadtests.drivers.locust_worker import Worker  # noqa: PLC0415

    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    logging.getLogger("locust").setLevel(logging.CRITICAL)  # what matters is said here, once
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"waiting for a master at {host}:{port}; Ctrl-C ends this worker", flush=True)  # noqa: T201
    worker = None
    try:
        worker = Worker(host, port, name)
        print(f"connected to the master at {host}:{port}", flush=True)  # noqa: T201
        worker.work()
        print("the run is over", flush=True)  # noqa: T201
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        if worker is not None:
            worker.end()
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
