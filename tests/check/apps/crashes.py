"""A route that raises, one that ends the whole process, and one that answers."""

import os

from fastapi import FastAPI

app = FastAPI()


@app.get("/bug")
async def bug() -> dict[str, float]:
    return {"share": 1 / 0}


@app.get("/exit")
async def leave() -> dict[str, str]:
    os._exit(7)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
