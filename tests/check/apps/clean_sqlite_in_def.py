"""`def` handlers with short queries of SQLite, each on a connection of its own."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import Depends, FastAPI, Request


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Path]]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "shop.db")
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("create table item (name text, price real)")
            connection.executemany("insert into item values (?, ?)", [(f"item {n}", n / 7) for n in range(500)])
        yield {"database": path}


app = FastAPI(lifespan=lifespan)


def connect(request: Request) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(request.state.database, check_same_thread=False)) as connection:
        yield connection


@app.get("/items")
def items(db: Annotated[sqlite3.Connection, Depends(connect)]) -> list[str]:
    return [name for (name,) in db.execute("select name from item order by price desc limit 20")]


@app.get("/items/count")
def count(db: Annotated[sqlite3.Connection, Depends(connect)]) -> int:
    return int(db.execute("select count(*) from item where price > 3").fetchone()[0])
