"""Three FastAPI apps that write a post and answer with the post and its author, each in a different way.

In ``expired`` all objects expire with the commit, which is SQLAlchemy's default. In ``refreshed`` they do not, and
``refresh`` loads the author, as in the tutorial's chapter. In ``kept`` the author is already loaded, as in the builds.
Each has the same route twice: ``/sync`` and ``/async``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

Way = Literal["expired", "refreshed", "kept"]


class _Base(DeclarativeBase):
    pass


class _User(_Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]


class _Post(_Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[_User] = relationship()


class _Author(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    username: str


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    title: str
    author: _Author


def _prepare_connection(connection: DBAPIConnection, _record: object) -> None:
    """Make commits not wait for the disk: the apps are compared by their number of statements."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


@asynccontextmanager
async def _with_databases(_: FastAPI) -> AsyncIterator[dict[str, object]]:
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'sync.db'}")
        async_engine = create_async_engine(f"sqlite+aiosqlite:///{Path(folder) / 'async.db'}")
        for each in (engine, async_engine.sync_engine):
            event.listen(each, "connect", _prepare_connection)
        _Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(_User(id=1, username="ada"))
            session.commit()
        async with AsyncSession(async_engine) as async_session:
            await (await async_session.connection()).run_sync(_Base.metadata.create_all)
            async_session.add(_User(id=1, username="ada"))
            await async_session.commit()
        try:
            yield {"engine": engine, "async_engine": async_engine}
        finally:
            engine.dispose()
            await async_engine.dispose()


def _app(way: Way) -> FastAPI:
    app = FastAPI(lifespan=_with_databases)

    @app.post("/sync")
    def create_post(request: Request) -> _Shown:
        with Session(request.state.engine, expire_on_commit=way == "expired") as db:
            author = db.get_one(_User, 1)
            post = _Post(title="One of many", author=author) if way == "kept" else _Post(title="One of many", user_id=1)
            db.add(post)
            db.commit()
            if way == "refreshed":
                db.refresh(post, attribute_names=["author"])
            return _Shown.model_validate(post)

    @app.post("/async")
    async def create_post_async(request: Request) -> _Shown:
        async with AsyncSession(request.state.async_engine, expire_on_commit=way == "expired") as db:
            author = cast("_User", await db.get_one(_User, 1))
            post = _Post(title="One of many", author=author) if way == "kept" else _Post(title="One of many", user_id=1)
            db.add(post)
            await db.commit()
            if way == "refreshed":
                await db.refresh(post, attribute_names=["author"])
            return _Shown.model_validate(post)

    return app


expired, refreshed, kept = _app("expired"), _app("refreshed"), _app("kept")
