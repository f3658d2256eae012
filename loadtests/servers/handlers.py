"""Find the route functions that answer a scenario in each build, with their SQL, by reading the source.

No app is imported: routers are parsed as text.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from loadtests.experiment.plan import Experiment
from loadtests.experiment.request import Request
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.records.handler_record import HandlerRecord

_PARAMETER = re.compile(r"\{[^}]*\}")
Handlers = dict[str, dict[SideLabel, HandlerRecord]]
"""By scenario and side."""


@dataclass(frozen=True)
class Route:
    """A path with its handler.

    Attributes:
        method: HTTP method.
        path: with its router's prefix, as FastAPI knows it: ``/api/posts/{post_id}``.
        file: where the handler stands.
        lines: its source, decorators included.
    """

    method: str
    path: str
    file: Path
    lines: tuple[str, ...]

    def answers(self, request: Request) -> bool:
        """Whether a request is one of this route's."""
        pattern = "[^/]+".join(re.escape(part) for part in _PARAMETER.split(self.path))
        return request.method == self.method and re.fullmatch(pattern, request.path.partition("?")[0]) is not None


def routes(build: Path) -> list[Route]:
    """Return a build's routes in the order in which they are tried; raises OSError or SyntaxError.

    Args:
        build: its folder, with ``main.py`` and ``routers/``.
    """
    return [
        route
        for router, prefix in _included_routers(build / "main.py")
        for route in _routes_of_router(build / "routers" / f"{router}.py", prefix)
    ]


def _included_routers(main: Path) -> Iterator[tuple[str, str]]:
    """Yield the routers that an app includes, each with its prefix."""
    for node in ast.walk(ast.parse(main.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(ast.Attribute(attr="include_router"), [ast.Attribute(ast.Name(router), "router")], keywords):
                given = {keyword.arg: keyword.value for keyword in keywords}
                prefix = given.get("prefix")
                yield router, str(prefix.value) if isinstance(prefix, ast.Constant) else ""


def _routes_of_router(file: Path, prefix: str) -> Iterator[Route]:
    source = file.read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(ast.Attribute(ast.Name("router"), method), [ast.Constant(str(path)), *_]):
                    first = node.decorator_list[0].lineno
                    lines = source.splitlines()[first - 1 : node.end_lineno]
                    yield Route(method.upper(), prefix + path, file, tuple(lines))


def handlers_of(experiment: Experiment) -> Handlers:
    """Return the handlers that the scenarios' requests reach; of other apps and commits nothing is known."""
    found: Handlers = {}
    for label in LABELS:
        side = experiment.side(label)
        known = _workload_routes(side)
        for scenario in experiment.scenarios:
            if reached := _routes_reached(scenario.requests_of(label), known):
                record = _record(reached, experiment.database, lazy=side.settings().get("loading") == "lazy")
                found.setdefault(scenario.name, {})[label] = record
    return found


def _workload_routes(side: Side) -> list[Route]:
    if not side.is_own_build:
        return []
    spec = find_spec(str(side.app).partition(".")[0])  # of a package by itself: that does not import it
    folders = spec.submodule_search_locations if spec else None
    # What only readers want is no reason not to measure.
    with suppress(OSError, SyntaxError):
        return routes(Path(folders[0])) if folders else []
    return []


def _routes_reached(requests: Sequence[Request], known: Sequence[Route]) -> list[Route]:
    """Return the routes of some requests, each once, in the order of the requests."""
    first = (next((route for route in known if route.answers(request)), None) for request in requests)
    return list(dict.fromkeys(route for route in first if route is not None))


def _record(reached: Sequence[Route], database: str, *, lazy: bool) -> HandlerRecord:
    from loadtests.servers.handler_statements import statements  # noqa: PLC0415 - SQLAlchemy, for the blog alone

    lines = [line for route in reached for line in (*route.lines, "", "")][:-2]
    files = dict.fromkeys("/".join(route.file.parts[-3:]) for route in reached)
    return HandlerRecord(files=list(files), lines=lines, statements=statements("\n".join(lines), database, lazy=lazy))
