"""The database, reached with a `Session`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from shared import queries, seed, sqlite
from shared.models import Base
from shared.settings import Settings, get_settings

DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}


@contextmanager
def open_database(settings: Settings) -> Iterator[sessionmaker[Session]]:
    """Lend the sessions of a database that has its tables and its first posts."""
    url = make_url(settings.database_url)
    engine = create_engine(
        url.set(drivername=f"{url.drivername}+{settings.database_driver or DRIVERS[url.drivername]}"),
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", sqlite.prepare_connection)
    try:
        fill_database(engine, settings)
        yield sessionmaker(engine, expire_on_commit=False)
    finally:
        engine.dispose()


def fill_database(engine: Engine, settings: Settings) -> None:
    """Create the tables that are missing, and the seed's rows where there is no user."""
    with engine.begin() as connection:
        connection.exec_driver_sql(queries.STARTUP_LOCK[engine.dialect.name])
        Base.metadata.create_all(connection)
        if connection.scalar(queries.any_user()) is None:
            connection.execute(queries.seed_users(), seed.users(settings.seed_users))
            connection.execute(queries.seed_posts(), seed.posts(settings.seed_posts, settings.seed_users))


def get_db(request: Request) -> Iterator[Session]:
    """Lend a session to one request."""
    with request.state.sessions() as session:
        yield session


if get_settings().database_driver == "asyncpg":
    sys.exit("BLOG_DATABASE_DRIVER=asyncpg only works in async_app: a Session cannot await it.")

# One limit for all routes: who holds a connection never waits for a thread behind those who want one.
Db = Annotated[Session, Depends(get_db, max_concurrency=get_settings().max_sessions)]
