"""ASGI apps, as sides for the tests, that answer quickly and well, but not as they should."""

import json

from fastapi import APIRouter, FastAPI, HTTPException

app = FastAPI()
shelf = APIRouter(prefix="/shelf")


@shelf.get("/")  # the path ends in a slash: /shelf is answered with 307
async def books() -> list[str]:
    return ["Emma", "Dune"]


@app.get("/members")
async def members() -> None:
    raise HTTPException(401, "sign in first")


@app.get("/limited")
async def limited() -> None:
    raise HTTPException(429, "slow down")


app.include_router(shelf)

full, mixed = FastAPI(), FastAPI()
ROWS = [{"id": n, "title": f"Row {n}", "text": "lorem " * 40} for n in range(200)]
FULL_BYTES = len(json.dumps(ROWS, separators=(",", ":")))


@mixed.get("/full")
@full.get("/{table}")
async def rows() -> list[dict[str, object]]:
    return ROWS


@mixed.get("/empty")
async def no_rows() -> list[dict[str, object]]:
    return []


@mixed.get("/wrong")
async def failure() -> dict[str, str]:
    return {"error": "relation rows does not exist"}
