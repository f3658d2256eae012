"""A SQLAlchemy `Session` in an `async def`."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/shop.db")
        event.listen(engine, "connect", lambda connection, _: connection.create_function("pg_sleep", 1, time.sleep))
        Sessions.configure(bind=engine)
        yield
        engine.dispose()


app = FastAPI(lifespan=lifespan)


def get_db() -> Iterator[Session]:
    with Sessions() as session:
        yield session


@app.get("/orders")
async def orders(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
    db.execute(select(func.pg_sleep(0.05))).all()  # blocks here
    return {"orders": 3}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
