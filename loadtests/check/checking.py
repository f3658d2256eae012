"""A check from its options to the record: start the app, ask its routes, judge them, and keep what was found."""

import http.client
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loadtests.check.asks import Plan, plan, wanted
from loadtests.check.cpu_costs import busy_share, measure_hop
from loadtests.check.exercise import Exerciser
from loadtests.check.figures import RouteFigures, figures
from loadtests.check.findings import startup_findings
from loadtests.check.gain import HopCost, gain
from loadtests.check.raw import RawApp, RawRoute, read_app
from loadtests.check.record import Check, RouteCheck
from loadtests.check.sentences import why_no_answer
from loadtests.check.started_app import StartedApp
from loadtests.check.verdicts import check_route
from loadtests.check.visit import Asked
from loadtests.experiment.message import Message
from loadtests.experiment.options import SQLITE
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import Side
from loadtests.records.json_files import write_json
from loadtests.servers.app_check import check_sides, openapi_of
from loadtests.servers.databases import check_database, check_reachable
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server, ServerFailed
from loadtests.system.cores import assign_cores, pinned
from loadtests.system.errors import Interrupted, RunError, UsageError

CHECK_FILE = "check.json"
USERS = 64
"""For whom the gains are: more than the 40 threads of `def` functions, so that these can be the limit."""
BUDGET_S = 120.0
ROUTES_LIMIT_S = 5.0
"""How long the app's process may take to write down its routes once it is ready."""
VERDICTS_FIRST = (
    "make-def",
    "move-out-of-loop",
    "give-room",
    "make-async",
    "make-dependency-async",
    "keep",
    "not-known",
)
"""Where gains are alike, what stands in the way of others comes first."""
Tell = Callable[[str], None]
"""Takes what is being done, in a few words."""


@dataclass(frozen=True)
class CheckOptions:
    """What is to be checked.

    Attributes:
        app: the side, as typed.
        users: whom the gains are for.
        budget_s: how long asking may take, in seconds.
        headers: sent with every request.
        writes: whether what changes something may be asked.
        offered: scenarios of a bench.toml.
        start_limit_s: how long the app may take to start, in seconds.
        database: for a build of the blog.
    """

    app: str
    users: int = USERS
    budget_s: float = BUDGET_S
    headers: tuple[tuple[str, str], ...] = ()
    writes: bool = False
    offered: tuple[Scenario, ...] = ()
    start_limit_s: float = 20.0
    database: str = SQLITE

    def side(self) -> Side:
        """Return the side; raises UsageError if it can't be looked into."""
        side = parse_side(self.app)
        if side.url is not None:
            raise UsageError(
                f"side {self.app!r}: a check inspects the app's process, so it must start the app; name the app"
            )
        if not side.starts_uvicorn:
            raise UsageError(f"side {self.app!r}: a check starts the app with uvicorn; leave out command and server")
        return replace(side, server=side.server.model_copy(update={"workers": 1, "port": None}))


@dataclass(frozen=True)
class Checked:
    """What came of a check.

    Attributes:
        check: the record.
        scenarios: by method and path of a route, what it was asked.
        interrupted: the signal that ended it early; None if none did.
    """

    check: Check
    scenarios: Mapping[tuple[str, str], Scenario]
    interrupted: Interrupted | None = None


def carry_out(options: CheckOptions, folder: Path, tell: Tell) -> Checked:
    """Start the app, ask its routes, and judge them.

    Args:
        options: what is to be checked.
        folder: where logs and databases go meanwhile; it is made, and removed in the end.
        tell: called with what is being done.

    Raises:
        UsageError: the app can't be had.
        RunError, ServerFailed: it does not start, or does not say which routes it has.
        Interrupted: before any route was asked.
    """
    side = options.side()
    check_database(options.database)
    check_reachable(options.database)
    tell("importing the app")
    (side,) = check_sides([side], options.start_limit_s).sides
    cores = assign_cores()
    hop = measure_hop()
    folder.mkdir(parents=True)
    try:
        with pinned(cores.driver), StartedApp(side, options.database, options.start_limit_s, folder, cores) as app:
            tell("starting the app")
            asking = Exerciser(app.start, app.seen, options.budget_s)
            raw = _routes(app.seen, asking.server)
            routes = wanted(raw.routes)
            document = _document(side, asking.server)
            todo = plan(routes, options.offered, document, options.headers, writes=options.writes)
            asked, interrupted = _ask(asking, todo, tell)
            busy = busy_share(asking.server, asked) if interrupted is None else 1.0
            rows = asking.requests([sent.id for each in asked for sent in each.sent if sent.id and not sent.error])
            raw = read_app(app.seen) or raw  # written again when a pool of connections was opened
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seen = figures(asked, rows)
    found = [_judged(route, raw, todo, asked, seen.get(route.index), options.users, hop, busy) for route in routes]
    few = (
        []
        if raw.known_threads is not None
        else [f"how many threads the app has is not known: {raw.threads} are assumed"]
    )
    notes = [*raw.notes, *few, *([f"{interrupted}: not all routes were tested"] if interrupted else [])]
    connections = raw.connections
    check = Check(
        app=options.app,
        folder=side.launch.dir,
        users=options.users,
        threads=raw.threads,
        connections=connections,
        versions=raw.versions,
        startup=startup_findings(raw),
        routes=tuple(sorted(found, key=_worth)),
        notes=tuple(notes),
    )
    by_index = {index: each.ask.scenario for each in asked for index in each.ask.routes}
    scenarios = {(route.method, route.path): by_index[route.index] for route in routes if route.index in by_index}
    return Checked(check, scenarios, interrupted)


def write(check: Check, folder: Path) -> Path:
    """Write check.json into a folder, which is made if need be; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CHECK_FILE, check)
    return folder / CHECK_FILE


def _document(side: Side, server: Server) -> dict[str, Any]:
    """Return the app's OpenAPI document, from where it usually is, else from the app itself; empty if it has none."""
    with closing(ProbeConnection(server.url, ROUTES_LIMIT_S, server.trust)) as connection:
        message = Message(urlsplit(server.url), Request("GET", "/openapi.json"))
        message.keeps_body = True
        with suppress(OSError, http.client.HTTPException, ValueError):
            found = json.loads(connection.exchange(message).body)
            if isinstance(found, dict) and "paths" in found:
                return found
    try:
        return openapi_of(side)
    except UsageError:  # no FastAPI app, or one that can't describe itself: its routes are asked without values
        return {}


def _routes(seen: Path, server: Server) -> RawApp:
    deadline = time.monotonic() + ROUTES_LIMIT_S
    while (raw := read_app(seen)) is None:
        server.check_alive("before it listed its routes")
        if time.monotonic() > deadline:
            raise RunError("the app does not list its routes: is it a FastAPI or Starlette app?")
        time.sleep(0.05)
    return raw


def _ask(asking: Exerciser, todo: Plan, tell: Tell) -> tuple[list[Asked], Interrupted | None]:
    """Ask everything; return what came of it, and the signal that ended it early."""
    asked: list[Asked] = []
    try:
        for each in asking.exercise(todo.asks, lambda what: tell(f"{what} ({len(asked) + 1} of {len(todo.asks)})")):
            asked.append(each)  # noqa: PERF402 - what was asked before a signal is kept
    except Interrupted as signal:
        if not asked:
            raise
        return asked, signal
    except ServerFailed as failure:
        if not asked:
            raise
        asked[-1].notes.append(f"the app {failure}; the routes after it were not tested")
    return asked, None


def _judged(
    route: RawRoute,
    raw: RawApp,
    todo: Plan,
    asked: Sequence[Asked],
    seen: RouteFigures | None,
    users: int,
    hop: HopCost,
    busy: float,
) -> RouteCheck:
    own = [each for each in asked if route.index in each.ask.routes]
    said = [note for each in own for note in each.notes]
    exception = next((each.exception for each in own if each.exception), "")
    guessed = frozenset(name for each in own for name in each.ask.guessed)
    if why := why_no_answer(seen, exception, guessed):
        said.insert(0, why)
    if route.index in todo.notes:
        said.append(todo.notes[route.index])
    elif not own:
        said.append("it was not tested")
    elif seen is None and not said:
        said.append(_answered_elsewhere(own))
    judged = check_route(route, seen, raw, "; ".join(dict.fromkeys(said)))
    if seen is None:
        return judged
    return judged.model_copy(update={"gain": gain(judged, route, seen, raw, users, hop, busy)})


def _answered_elsewhere(own: Sequence[Asked]) -> str:
    statuses = sorted({sent.status for each in own for sent in each.sent if sent.status is not None})
    if not statuses:
        return "no request was answered"
    return f"answered {', '.join(map(str, statuses))} before the route was reached"


def _worth(route: RouteCheck) -> tuple[bool, float, int, str, str]:
    """Return what sorts routes: those to change first, by what it brings."""
    stays = route.verdict in ("keep", "not-known")
    ratio = route.gain.ratio if route.gain is not None else 1.0
    return stays, -ratio, VERDICTS_FIRST.index(route.verdict), route.path, route.method
