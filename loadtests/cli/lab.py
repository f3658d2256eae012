"""``bench lab``: two real servers under a load that viewers change on a web page."""

import logging
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from loadtests.cli.request_options import (
    B_REQUEST,
    CURL,
    OF_A_SEQUENCE,
    REQUEST,
    SEQUENCE,
    VALUES,
    RequestCommand,
    options_of,
    say_what_is_left_out,
)
from loadtests.cli.run import allow_remote_option, cafile_option, chosen_options, typed_options
from loadtests.experiment.catalogue import CATALOGUE
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.system.errors import RunError, UsageError
from loadtests.system.terminal import PipeConsole

if TYPE_CHECKING:
    from fastapi import FastAPI

    from loadtests.lab.scenarios import Offer

DEFAULTS = RunOptions()
START_LIMIT_S = 60.0
"""Longer than in a run: a class would rather wait than start again."""
READY_S = 20.0
"""How long the page's own server may take to listen."""
LEAVE_S = 1.0
"""How long the page's server may take to stop when the command ends, before viewers are cut off."""
TOKEN_BYTES = 18
PREFIX = "bench-lab-"
"""Of the temporary folder with databases and logs."""
NAME_A_REQUEST = (
    "name a request for your app, as in `bench lab --a main:app,dir=before --b main:app,dir=after /orders`; only the"
    " blog's two builds have scenarios to choose from"
)


@click.command(name="lab", cls=RequestCommand)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--a", default=DEFAULTS.a, metavar="SIDE", help="The app of the first lane.")
@click.option("--b", default=DEFAULTS.b, metavar="SIDE", help="The app of the second lane.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the page, on this machine.  [default: a free one]")
@click.option("--start-limit", default=START_LIMIT_S, help="Seconds a side may take to start answering.")
@allow_remote_option
@cafile_option
@click.option("--insecure", is_flag=True, help="Trust any certificate, if a side is an https URL.")
@options_of(*REQUEST, B_REQUEST, VALUES, CURL, SEQUENCE, *OF_A_SEQUENCE)
@click.pass_context
def lab_(context: click.Context, /, port: int | None, scenarios: tuple[str, ...], **options: object) -> None:
    """Load two servers side by side, and change the load on a web page while you watch.

    Starts both sides, and prints the address of a page. The page has controls for scenario, users, waiting time and
    more, and presets from the lessons. It is for teaching, and shows live figures, not a verdict. For a verdict, use
    `bench run`: the page shows the command. Your own app can be a side, with a request as SCENARIO. Write both as for
    `bench run`. Ctrl-C ends everything.
    """
    typed = {**typed_options(context, options), "scenarios": scenarios}
    chosen = chosen_options(None, typed, {**options, "users": "1", "control": False})
    say_what_is_left_out(scenarios)
    lab(chosen, port)


def lab(chosen: RunOptions, port: int | None) -> None:
    """Serve the page until interrupted; raises UsageError or RunError if something does not start."""
    from loadtests.lab.engine import LiveEngine
    from loadtests.lab.state import MOST_USERS
    from loadtests.lab.web import create_app
    from loadtests.runner.run import check_certificates, check_open_files
    from loadtests.servers.app_check import check_sides
    from loadtests.servers.endpoints import requests_of
    from loadtests.system.cores import assign_cores, pinned
    from loadtests.system.owned_folder import owned_folder
    from loadtests.system.resources import free_port, is_free_port, most_open_files

    if port is not None and not is_free_port(port):
        raise UsageError(f"--port {port}: it is already taken by another process; choose another, or leave it out")
    offers, experiment = asked(chosen)
    check_open_files((ClosedLoop(MOST_USERS),), most_open_files())
    check_certificates(experiment.trust, experiment.a, experiment.b)
    checked = check_sides((experiment.a, experiment.b), experiment.start_limit_s, requests_of(experiment))
    cores, token, port = assign_cores(), secrets.token_urlsafe(TOKEN_BYTES), port or free_port()
    console = PipeConsole()
    console.print("starting both servers …", highlight=False)
    with (
        owned_folder(PREFIX) as work,
        pinned(cores.driver),
        nothing_left(),
        LiveEngine(
            dict(zip(LABELS, checked.sides, strict=True)),
            offers,
            _code(experiment, checked.endpoints),
            cores=cores,
            work=work,
            certificates=experiment.trust,
            start_limit_s=experiment.start_limit_s,
        ) as engine,
        served(create_app(engine, token), port) as page,
    ):
        where = f"http://127.0.0.1:{port}/?token={token}"
        console.print(f"open {where}", highlight=False, markup=False, soft_wrap=True)
        console.print("live figures, not a verdict; Ctrl-C ends everything", highlight=False)
        while page.is_alive():
            engine.step()
    raise RunError("the page's server ended unexpectedly")


def asked(chosen: RunOptions) -> "tuple[list[Offer], Experiment]":
    """Return the scenarios to choose from, and an experiment that has them all; raises UsageError for wrong options."""
    from loadtests.lab.command import words_of_requests
    from loadtests.lab.controls import kind_of
    from loadtests.lab.scenarios import OFFERED, offer_of, offers_of_catalogue

    is_request = bool(chosen.typed or chosen.sequence or chosen.values)
    if not chosen.scenarios and not is_request:
        chosen = chosen.model_copy(update={"scenarios": OFFERED})
        experiment = chosen.experiment()
        if any(kind_of(side) == "own" for side in (experiment.a, experiment.b)):
            raise UsageError(NAME_A_REQUEST)
        return offers_of_catalogue(), experiment
    experiment = chosen.experiment()
    if journeys := [each.name for each in experiment.scenarios if each.journeys is not None]:
        raise UsageError(f"{journeys[0]} is a journey, which only Locust can run; the lab has its own load process")
    words = words_of_requests(
        chosen.scenarios, chosen.typed, sequence=chosen.sequence, values=None if not chosen.values else chosen.values
    )
    offers = []
    for scenario, own in zip(experiment.scenarios, words, strict=True):
        is_plain = scenario.name in CATALOGUE and len(own) == 1
        offers.append(offers_of_catalogue([scenario.name])[0] if is_plain else offer_of(scenario, own))
    return offers, experiment


def _code(experiment: Experiment, endpoints: Mapping[str, object]) -> dict[str, dict[SideLabel, str]]:
    """Return the handlers' source, by scenario and lane, as far as it is known."""
    from loadtests.servers.endpoints import handlers_of_apps
    from loadtests.servers.handlers import handlers_of

    found = handlers_of(experiment)
    for name, by_side in handlers_of_apps(experiment, endpoints).items():  # type: ignore[arg-type]
        found.setdefault(name, {}).update(by_side)
    return {
        name: {label: "\n".join(record.lines) for label, record in by_side.items()} for name, by_side in found.items()
    }


@contextmanager
def nothing_left() -> Iterator[None]:
    """End all children after the block, so that none writes into the folder that is then removed.

    That is one whose start was interrupted before its lane had it, or a side's own ``setup`` that goes on.
    """
    from loadtests.system.processes import stop_all

    try:
        yield
    finally:
        stop_all()


@contextmanager
def served(app: "FastAPI", port: int) -> Iterator[threading.Thread]:
    """Serve the page in a thread of its own until the end of the block; raises RunError if it does not listen.

    The main thread stays with the engine, and signals stay with it.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        loop="asyncio",
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="page", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + READY_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RunError(f"the page can't be served on port {port}")
            time.sleep(0.01)
        yield thread
    finally:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # cutting off viewers is no error
        server.should_exit = True
        thread.join(2 * LEAVE_S)
        server.force_exit = True
        thread.join(LEAVE_S)
