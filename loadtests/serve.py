"""The process a server runs in: ``python -m loadtests.serve APP``. Not meant to be called by hand.

A child of the harness that pins itself, then is plain uvicorn.
"""

import click
import uvicorn
from uvicorn.config import HTTPProtocolType, LoopFactoryType

from loadtests import affinity, lifeline, limits

BACKLOG = 4096
"""Connections that may wait to be accepted: more users than that is refused by ``loads``."""


@click.command()
@click.argument("app")
@click.option("--port", type=int, required=True)
@click.option("--loop", type=click.Choice(["uvloop", "asyncio"]), required=True)
@click.option("--http", type=click.Choice(["httptools", "h11"]), required=True)
@click.option("--workers", type=int, required=True)
@click.option("--cores", default="")
def main(app: str, port: int, loop: LoopFactoryType, http: HTTPProtocolType, workers: int, cores: str) -> None:
    """Serve APP on loopback until the owner ends."""
    lifeline.hold()
    limits.allow_open_files()
    affinity.pin(affinity.parse_cores(cores))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop=loop,
        http=http,
        workers=workers,
        backlog=BACKLOG,
        log_level="warning",
        access_log=False,
        app_dir=".",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
