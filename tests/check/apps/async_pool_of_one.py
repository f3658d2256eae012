"""One connection for all requests of an `AsyncSession`."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

Sessions = async_sessionmaker()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with TemporaryDirectory() as folder:
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/shop.db", pool_size=1, max_overflow=0)
        pool = engine.sync_engine
        event.listen(pool, "connect", lambda connection, _: connection.create_function("pg_sleep", 1, time.sleep))
        Sessions.configure(bind=engine)
        yield
        await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_db() -> AsyncIterator[AsyncSession]:
    async with Sessions() as session:
        yield session


@app.get("/orders")
async def orders(db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, int]:
    await db.execute(select(func.pg_sleep(0.05)))
    return {"orders": 3}
