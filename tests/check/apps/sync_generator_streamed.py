"""Plain generators as streams: a thread is taken for each of their lines."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


def powers(exponent: int) -> Iterator[str]:
    for number in range(100):
        yield f"{number},{number**exponent}\n"


@app.get("/squares.csv")
async def squares() -> StreamingResponse:
    return StreamingResponse(powers(2), media_type="text/csv")


@app.get("/cubes.csv")
def cubes() -> StreamingResponse:
    return StreamingResponse(powers(3), media_type="text/csv")
