"""Routes behind a log-in, and one that is open."""

import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer

USERS = {"token-of-ada": "ada"}

app = FastAPI()


async def user(token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]) -> str:
    if token not in USERS:
        raise HTTPException(401, "that token is not valid")
    return USERS[token]


@app.get("/me")
async def me(name: Annotated[str, Depends(user)]) -> dict[str, str]:
    return {"name": name}


@app.get("/open")
async def open_to_all() -> dict[str, str]:
    await asyncio.sleep(0.01)
    return {"status": "ok"}
