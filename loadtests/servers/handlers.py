"""Find the route functions that answer a scenario in each build, with their SQL, by reading the source.

No app is imported: routers are parsed as text. A handler names its queries (``queries.post(post_id)``); each is run
on a small database in memory, which shows what SQLAlchemy loads along with it.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, insert
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.sql import ClauseElement

from loadtests.experiment.plan import Experiment
from loadtests.experiment.request import Request
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.records.handler_record import HandlerRecord

_PARAMETER = re.compile(r"\{[^}]*\}")
Handlers = dict[str, dict[SideLabel, HandlerRecord]]
"""By scenario and side."""
SAMPLES: Mapping[type, object] = {int: 1, float: 0.0, str: "x"}
"""Arguments to try a query with: of the one user and the one post that there are, and no time to wait."""
DIALECTS: Mapping[str, Callable[..., Dialect]] = {"sqlite": SQLiteDialect}
"""By the name of the database; PostgreSQL goes by several."""
EAGER = "selectinload(Post.author)"
"""As handlers write it."""
LAZILY = "-- and one statement more for each author that is looked at (loading=lazy)"
AT_THE_END = "-- and what db.commit() writes of the changes: an UPDATE or a DELETE"
_EXPANDING = re.compile(r"__\[POSTCOMPILE_(\w+)\]")


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
    lines = [line for route in reached for line in (*route.lines, "", "")][:-2]
    files = dict.fromkeys("/".join(route.file.parts[-3:]) for route in reached)
    return HandlerRecord(files=list(files), lines=lines, statements=statements("\n".join(lines), database, lazy=lazy))


def statements(handler: str, database: str, *, lazy: bool = False) -> list[str]:
    """Return the SQL that a handler's source names, in its order, values left open; nothing if it names none.

    Args:
        handler: its source.
        database: ``sqlite``; anything else is PostgreSQL.
        lazy: whether posts come without their authors.
    """
    dialect = DIALECTS.get(database, PGDialect)(paramstyle="named")
    engine = _small_database()
    try:
        return list(_statements(ast.parse(handler), engine, dialect, lazy=lazy))
    finally:
        engine.dispose()


def _statements(handler: ast.AST, engine: Engine, dialect: Dialect, *, lazy: bool) -> Iterator[str]:
    nodes = list(ast.walk(handler))
    made = dict(filter(None, map(_model_assigned, nodes)))
    calls = sorted((n for n in nodes if isinstance(n, ast.Call)), key=lambda call: (call.lineno, call.col_offset))
    added = committed = False
    for call in calls:
        match call.func, call.args:
            case ast.Attribute(ast.Name("queries"), name), arguments:
                eager = any(ast.unparse(argument) == EAGER for argument in arguments)
                first, *loaded = _executed_for(name, engine, eager=eager)
                yield _as_sql(first, dialect)
                yield from [LAZILY] if loaded and lazy else [_as_sql(each, dialect) for each in loaded]
            case ast.Attribute(attr="add"), [ast.Name(variable)] if variable in made:
                added = True
                yield _insert(made[variable], dialect)
            case ast.Attribute(attr="commit"), _:
                committed = True
    if committed and not added:
        yield AT_THE_END


def _model_assigned(node: ast.AST) -> tuple[str, str] | None:
    """Return which variable is set to which model, as in ``post = Post(…)``."""
    from shared import models  # noqa: PLC0415 - not there without the blog

    match node:
        case ast.Assign([ast.Name(variable)], ast.Call(ast.Name(model))) if hasattr(models, model):
            return variable, model
    return None


def _small_database() -> Engine:
    from shared import models  # noqa: PLC0415 - not there without the blog
    from shared.sqlite import prepare_connection  # noqa: PLC0415

    engine = create_engine("sqlite://")
    event.listen(engine, "connect", prepare_connection)
    models.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(models.Post(title="x", content="x", author=models.User(username="x", email="x")))
        session.commit()
    return engine


def _executed_for(name: str, engine: Engine, *, eager: bool) -> list[ClauseElement]:
    """Return what is executed for a query: itself, and what loads along with it."""
    from shared import models, queries  # noqa: PLC0415 - not there without the blog

    query = getattr(queries, name)
    parameters = inspect.signature(query).parameters.values()
    arguments = [SAMPLES[each.annotation] for each in parameters if each.kind is not each.VAR_POSITIONAL]
    if eager:
        arguments.append(selectinload(models.Post.author))
    recorded: list[ClauseElement] = []

    def record(_connection: Any, statement: ClauseElement, *_: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
        recorded.append(statement)

    event.listen(engine, "before_execute", record)
    try:
        with Session(engine) as session:
            session.execute(query(*arguments)).all()
    finally:
        event.remove(engine, "before_execute", record)
    return recorded


def _insert(model: str, dialect: Dialect) -> str:
    from shared import models  # noqa: PLC0415 - not there without the blog

    table = getattr(models, model).__table__
    columns = [column.key for column in table.columns if not column.primary_key]
    return _tidy(str(insert(table).compile(dialect=dialect, column_keys=columns)))


def _as_sql(statement: ClauseElement, dialect: Dialect) -> str:
    return _tidy(str(statement.compile(dialect=dialect)))


def _tidy(sql: str) -> str:
    return "\n".join(line.rstrip() for line in _EXPANDING.sub(r":\1", sql).splitlines())
