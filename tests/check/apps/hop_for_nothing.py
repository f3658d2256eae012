"""Handlers that return what is at hand: the `def` one takes a thread for it."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/version")
def version() -> dict[str, str]:
    return {"version": "1.4.2"}


@app.get("/limits")
async def limits() -> dict[str, int]:
    return {"users": 100}
