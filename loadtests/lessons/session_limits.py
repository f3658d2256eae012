"""Two FastAPI apps with the same eight routes and the same pool of 15 connections, whose limits on sessions differ.

In ``pasted`` each route has a ``Depends(get_db, max_concurrency=15)`` of its own; in ``shared`` all routes use one.
FastAPI keeps the limit with the ``Depends`` object, so that each route of ``pasted`` lets in 15 requests.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from sqlalchemy import create_engine, literal, select
from sqlalchemy.orm import Session

CONNECTIONS = 15
"""SQLAlchemy's defaults: a ``pool_size`` of 5 and a ``max_overflow`` of 10."""
PATHS = ("/posts", "/users", "/tags", "/likes", "/drafts", "/pages", "/files", "/dates")
"""So many that 15 requests to each are certain to occupy all 40 threads."""


@asynccontextmanager
async def _with_database(_: FastAPI) -> AsyncIterator[dict[str, object]]:
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'lesson.db'}")
        yield {"engine": engine}
        engine.dispose()


def get_db(request: Request) -> Iterator[Session]:
    """Lend a session to one request."""
    with Session(request.state.engine) as session:
        yield session


def _handler(session: Any) -> Callable[[Session], int]:  # noqa: ANN401 - what FastAPI's Depends returns
    def ask(db: Annotated[Session, session]) -> int:
        return db.scalars(select(literal(1))).one()

    return ask


pasted, shared = FastAPI(lifespan=_with_database), FastAPI(lifespan=_with_database)
_one_limit = Depends(get_db, max_concurrency=CONNECTIONS)
for path in PATHS:
    pasted.get(path)(_handler(Depends(get_db, max_concurrency=CONNECTIONS)))
    shared.get(path)(_handler(_one_limit))
