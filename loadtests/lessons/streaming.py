"""Two FastAPI apps that stream the same lines, one from a ``def`` and one from an ``async def`` generator.

Starlette takes each chunk of the ``def`` generator from a thread; the other one runs on the event loop.
"""

from collections.abc import AsyncIterator, Iterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

LINES = 100
"""Chunks of an answer."""


def lines() -> Iterator[str]:
    """Yield the lines of a table."""
    for number in range(LINES):
        yield f"{number},a row of a table\n"


async def lines_on_the_loop() -> AsyncIterator[str]:
    """Yield the same lines."""
    for line in lines():
        yield line


def_generator, async_generator = FastAPI(), FastAPI()


@def_generator.get("/table.csv")
async def table() -> StreamingResponse:
    """Stream from a ``def`` generator."""
    return StreamingResponse(lines(), media_type="text/csv")


@async_generator.get("/table.csv")
async def table_on_the_loop() -> StreamingResponse:
    """Stream from an ``async def`` generator."""
    return StreamingResponse(lines_on_the_loop(), media_type="text/csv")
