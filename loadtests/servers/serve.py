"""The process of a side: serve an app with uvicorn, or only try to import it. Not meant to be called by hand.

``python -m loadtests.servers.serve run APP …`` and ``… try-import APP``.
"""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.system.processes import begin_child

if TYPE_CHECKING:
    from uvicorn.config import HTTPProtocolType, LoopFactoryType

    from loadtests.experiment.sides import Collector

BACKLOG = 4096
"""Connections that may wait to be accepted: more users than that is refused by ``loads``."""

KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than any side has to wait for its turn."""


@click.group()
def main() -> None:
    """Serve an app, or try its import."""


@main.command()
@click.argument("app")
def try_import(app: str) -> None:
    """Exit with 0 if APP is there, else with its import's last word on standard error."""
    begin_child()
    sys.path.insert(0, "")
    module, _, attribute = app.partition(":")
    try:
        getattr(importlib.import_module(module), attribute)
    except SystemExit as error:
        sys.exit(f"it exits when it is imported ({error.code})")
    except Exception as error:  # an app's import may raise anything
        sys.exit(f"{type(error).__name__}: {error}".splitlines()[0])


@main.command()
@click.argument("app")
@click.option("--port", type=int, required=True)
@click.option("--loop", type=click.Choice(["uvloop", "asyncio"]), required=True)
@click.option("--http", type=click.Choice(["httptools", "h11"]), required=True)
@click.option("--workers", type=int, required=True)
@click.option("--gc", "collector", type=click.Choice(["default", "freeze"]), required=True)
@click.option("--cores", default="")
@click.option("--observe", type=click.Path(path_type=Path))
def run(
    app: str,
    port: int,
    loop: "LoopFactoryType",
    http: "HTTPProtocolType",
    workers: int,
    collector: "Collector",
    cores: str,
    observe: Path | None,
) -> None:
    """Serve APP on loopback until the owner ends."""
    from loadtests.servers.uvicorn_config import Config, run_uvicorn  # noqa: PLC0415 - no import of an app needs it

    begin_child(cores)
    sys.path.insert(0, ".")
    config = Config(
        app,
        host="127.0.0.1",
        port=port,
        loop=loop,
        http=http,
        workers=workers,
        backlog=BACKLOG,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.collector = collector
    config.observe = observe
    run_uvicorn(config)


if __name__ == "__main__":
    main()
