"""Two FastAPI apps that read the same small file: in ``def``, and in ``async def`` with AnyIO or with plain ``open``.

Both routes of ``in_def`` are the same. The file is in the page cache, as a file that is read often always is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from fastapi import FastAPI, Request

SIZE = 64 * 1024
"""Bytes of the file."""


@asynccontextmanager
async def _with_file(_: FastAPI) -> AsyncIterator[dict[str, Path]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.bin"
        path.write_bytes(bytes(SIZE))
        yield {"path": path}


in_def, in_async_def = FastAPI(lifespan=_with_file), FastAPI(lifespan=_with_file)


@in_def.get("/anyio")
@in_def.get("/open")
def read(request: Request) -> int:
    """Read the file in a thread; return its size in bytes."""
    path: Path = request.state.path
    with path.open("rb") as file:
        return len(file.read())


@in_async_def.get("/anyio")
async def read_with_anyio(request: Request) -> int:
    """Read the file with AnyIO, which opens, reads and closes it in threads."""
    async with await anyio.open_file(request.state.path, "rb") as file:
        return len(await file.read())


@in_async_def.get("/open")
async def read_on_the_loop(request: Request) -> int:
    """Read the file on the event loop, which does nothing else meanwhile."""
    path: Path = request.state.path
    with path.open("rb") as file:
        return len(file.read())
