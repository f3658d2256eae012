"""An `AsyncSession`, awaited, as a dependency with `yield`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Sessions = async_sessionmaker()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with TemporaryDirectory() as folder:
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/shop.db")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        Sessions.configure(bind=engine)
        async with Sessions.begin() as session:
            session.add_all(Item(name=f"item {n}") for n in range(50))
        yield
        await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_db() -> AsyncIterator[AsyncSession]:
    async with Sessions() as session:
        yield session


Db = Annotated[AsyncSession, Depends(get_db)]


@app.get("/items")
async def items(db: Db) -> list[str]:
    return list(await db.scalars(select(Item.name).order_by(Item.number.desc()).limit(10)))


@app.get("/items/count")
async def count(db: Db) -> int:
    return await db.scalar(select(func.count()).select_from(Item)) or 0
