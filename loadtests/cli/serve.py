"""``bench serve``: serve one side by itself, with the slow API beside it."""

import platform
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from loadtests.experiment.blog import DATABASE_DRIVER
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import HOST, LOOPBACK, Side
from loadtests.servers.agent import Agent, about
from loadtests.servers.agent_readings import AgentReadings
from loadtests.servers.app_check import CheckedSides, check_sides
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.server import EVERY_ADDRESS, Server
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError
from loadtests.system.owned_folder import owned_folder
from loadtests.system.resources import is_free_port

NOT_PINNED = Cores((), ())
SQLITE = "sqlite:///"


@click.command(name="serve")
@click.argument("side")
@click.option("--host", default=LOOPBACK, help="Address to listen at; 0.0.0.0 lets other machines in.")
@click.option("--port", default=8000, help="Port at that address.")
@click.option(
    "--agent",
    "agent_port",
    type=click.IntRange(1, 65535),
    help="Port of an agent beside it that tells a run on another machine what it uses: CPU time, memory, threads.",
)
@click.option("--database", "database_url", default="sqlite:///blog.db", help="Its database.")
def serve_(side: str, host: str, port: int, agent_port: int | None, database_url: str) -> None:
    """Serve SIDE on its own, to inspect it or to load it by hand.

    SIDE is written as for `bench run`: sync, async, package.module:app, with settings after commas. It also starts the
    slow external API that the blog calls.

    To have its CPU time in a run on another machine, start it with --host and --agent, and name the agent there:
    `bench run --a http://10.0.0.11:8000,agent=9000`.
    """
    serve(side, host, port, agent_port, database_url)


def serve(spec: str, host: str, port: int, agent_port: int | None, database_url: str) -> None:
    """Serve until interrupted; raises ServerFailed if the side does not start, or ends."""
    side = parse_side(spec)
    if side.url is not None:
        raise UsageError(f"side {spec!r} is a server that is already running")
    check_host(side, host)
    if not database_url.startswith((SQLITE, "postgresql://")):
        raise UsageError("--database: write sqlite:///FILE or postgresql://USER@HOST:PORT/NAME, without a driver")
    if database_url.startswith(SQLITE):  # the side is started in a folder of its own
        database_url = SQLITE + str(Path(database_url.removeprefix(SQLITE)).absolute())
    if database_url.startswith(SQLITE) and DATABASE_DRIVER in dict(side.knobs):
        raise UsageError(f"side {spec!r}: SQLite has no choice of drivers; add --database postgresql://…")
    side = replace(side, server=side.server.model_copy(update={"port": (port := side.server.port or port)}))
    if agent_port is not None and (agent_port == port or not is_free_port(agent_port, host)):
        raise UsageError(f"--agent {agent_port}: something else listens there; name another port")
    checked = check_sides([side])
    (side,) = checked.sides
    console = Console()
    console.print(f"starting {spec} …", highlight=False, markup=False)
    with owned_folder() as folder:
        log = folder / "serve" / "log"
        with (
            SlowApi(NOT_PINNED, log) as slow_api,
            Server(
                side, database_url=database_url, upstream_url=slow_api.url, cores=NOT_PINNED, log=log, host=host
            ) as server,
            ExitStack() as stack,
        ):
            server.wait_until_ready()
            everywhere = " and at this machine's other addresses" if host == EVERY_ADDRESS else ""
            beside = [f"its slow external API at {slow_api.url}"]
            if agent_port is not None:
                told = about(side, port, _python_of(side, checked))
                readings = AgentReadings(server.processes, server.observed)
                stack.enter_context(Agent(told, readings, host, agent_port))
                beside.append(f"its agent at port {agent_port}")
            where = f"{spec} at {server.url}{everywhere}, {', '.join(beside)}; Ctrl-C ends all"
            console.print(where, highlight=False, markup=False)
            while True:
                server.check_alive("while it served")
                time.sleep(0.2)


def _python_of(side: Side, checked: CheckedSides) -> str | None:
    """Return the version of a side's interpreter; None if it was not looked for."""
    if (installed := checked.installed.get(side.spec)) is not None:
        return installed.python
    return platform.python_version() if side.is_own_build and side.launch.python is None else None


def check_host(side: Side, host: str) -> None:
    """Raise UsageError if a side can't listen at an address: it is not this machine's, or its command has its own."""
    if not is_free_port(0, host):
        raise UsageError(
            f"--host {host}: that is no IPv4 address of this machine; write one of them, or {EVERY_ADDRESS} for all"
        )
    if host != LOOPBACK and side.launch.command is not None and HOST not in side.places:
        raise UsageError(
            f"side {side.spec!r}: its own command says where it listens; write {{host}} there for --host {host}, or"
            " leave out --host"
        )
