"""A file of many megabytes, read in an `async def`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI, Request

LINE = b"tea,12.50,2026-01-01\n"


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Path]]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "sales.csv")
        path.write_bytes(LINE * 2_000_000)
        yield {"sales": path}


app = FastAPI(lifespan=lifespan)


@app.get("/sales/size")
async def size(request: Request) -> dict[str, int]:
    content = request.state.sales.read_bytes()  # blocks here
    return {"bytes": len(content)}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
