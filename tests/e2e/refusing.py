"""ASGI apps, as sides for the tests, that answer quickly and well, but not as they should."""

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
