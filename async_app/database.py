"""The database, reached with an `AsyncSession`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from shared import queries, seed, sqlite
from shared.models import Base
from shared.settings import Settings, get_settings

DRIVERS = {"sqlite": "aiosqlite", "postgresql": "psycopg"}


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Lend the sessions of a database that has its tables and its first posts."""
    url = make_url(settings.database_url)
    engine = create_async_engine(
        url.set(drivername=f"{url.drivername}+{settings.database_driver or DRIVERS[url.drivername]}"),
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", sqlite.prepare_connection)
    try:
        await fill_database(engine, settings)
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()


async def fill_database(engine: AsyncEngine, settings: Settings) -> None:
    """Create the tables that are missing, and the seed's rows where there is no user."""
    async with engine.begin() as connection:
        await connection.exec_driver_sql(queries.STARTUP_LOCK[engine.dialect.name])
        await connection.run_sync(Base.metadata.create_all)
        if await connection.scalar(queries.any_user()) is None:
            await connection.execute(queries.seed_users(), seed.users(settings.seed_users))
            await connection.execute(queries.seed_posts(), seed.posts(settings.seed_posts, settings.seed_users))


async def get_db(request: Request) -> AsyncIterator[AsyncSession]:
    """Lend a session to one request."""
    async with request.state.sessions() as session:
        yield session


if get_settings().loading == "lazy":
    sys.exit("BLOG_LOADING=lazy only works in sync_app: an AsyncSession cannot load post.author on the spot.")

# One limit for all routes: a request that gets its turn never waits for a connection.
Db = Annotated[AsyncSession, Depends(get_db, max_concurrency=get_settings().max_sessions)]
