"""A process Locust runs in: ``python -m loadtests.drivers.locust.child``. Not meant to be called by hand."""

from pathlib import Path

import click
from gevent import monkey

from loadtests.system import resources
from loadtests.system.cores import parse_cores, pin
from loadtests.system.processes import exit_with_parent


@click.command()
@click.option("--role", type=click.Choice(["conductor", "worker"]), required=True)
@click.option("--number", default=0, help="Of a worker, from 0.")
@click.option("--workers", type=int, required=True, help="How many there are; 0: the conductor has the users.")
@click.option("--port", type=int, required=True, help="Where the conductor listens to workers.")
@click.option("--board", type=click.Path(path_type=Path), required=True)
@click.option("--fd", default=-1, help="The conductor's pipe to its owner.")
@click.option("--cores", default="")
def main(role: str, number: int, workers: int, port: int, board: Path, fd: int, cores: str) -> None:
    """Drive, or be one of the workers, until the owner ends."""
    # A real thread, asleep in a real read, must be there before Locust replaces both by its own kind.
    exit_with_parent()
    resources.allow_open_files()
    pin(parse_cores(cores))
    # Locust does this when it is imported. With a second thread it must not happen inside an import, whose lock would
    # wait for itself: the main thread's identity changes.
    monkey.patch_all()
    from loadtests.drivers.locust import stage  # noqa: PLC0415 - see above

    if role == "worker":
        stage.work(board, number=number, workers=workers, port=port)
    else:
        stage.conduct(board, workers=workers, port=port, fd=fd)


if __name__ == "__main__":
    main()
