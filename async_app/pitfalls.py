"""Sync tools, opened for use on the event loop: the mistakes that the pitfall routes show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from shared import sqlite
from shared.settings import Settings, get_settings
from shared.upstream import LIMITS, TIMEOUT, read_answer

DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


@dataclass(frozen=True)
class Pitfalls:
    """A sync client and sync sessions: good tools in the wrong place."""

    sessions: sessionmaker[Session]
    client: httpx.Client

    def fetch(self, wait_ms: float) -> float:
        """Call the slow external API and block whoever calls this."""
        response = self.client.get("/", params={"wait_ms": wait_ms})
        return read_answer(response)


@contextmanager
def open_pitfalls(settings: Settings) -> Iterator[Pitfalls]:
    """Lend the sync tools; nothing connects before a pitfall route is called."""
    url = make_url(settings.database_url)
    engine = create_engine(
        url.set(drivername=DRIVERS[url.drivername]),
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", sqlite.prepare_connection)
    try:
        with httpx.Client(base_url=settings.upstream_url, limits=LIMITS, timeout=TIMEOUT, trust_env=False) as client:
            yield Pitfalls(sessionmaker(engine, expire_on_commit=False), client)
    finally:
        engine.dispose()


def get_blocking_db(request: Request) -> Iterator[Session]:
    """Lend a sync session to one request."""
    with request.state.pitfalls.sessions() as session:
        yield session


BlockingDb = Annotated[Session, Depends(get_blocking_db, max_concurrency=get_settings().max_sessions)]
