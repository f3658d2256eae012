"""Ten queries of 2 ms, one after another, in an `async def`: none is long, all together are."""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, sqlite3.Connection]]:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        connection.create_function("pg_sleep", 1, time.sleep)
        yield {"db": connection}


app = FastAPI(lifespan=lifespan)


@app.get("/basket")
async def basket(request: Request) -> dict[str, int]:
    total = 0
    for item in range(10):
        row = request.state.db.execute("select ?, pg_sleep(0.002)", (item,)).fetchone()  # blocks here
        total += row[0]
    return {"total": total}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
