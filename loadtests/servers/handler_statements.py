"""The SQL that a handler names, by running its queries on a small database in memory.

A handler names its queries (``queries.post(post_id)``); each is run, which shows what SQLAlchemy loads along with it.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import create_engine, event, insert
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.sql import ClauseElement

SAMPLES: Mapping[type, object] = {int: 1, float: 0.0, str: "x"}
"""Arguments to try a query with: of the one user and the one post that there are, and no time to wait."""
DIALECTS: Mapping[str, Callable[..., Dialect]] = {"sqlite": SQLiteDialect}
"""By the name of the database; PostgreSQL goes by several."""
EAGER = "selectinload(Post.author)"
"""As handlers write it."""
LAZILY = "-- and one statement more for each author that is looked at (loading=lazy)"
AT_THE_END = "-- and what db.commit() writes of the changes: an UPDATE or a DELETE"
_EXPANDING = re.compile(r"__\[POSTCOMPILE_(\w+)\]")


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
