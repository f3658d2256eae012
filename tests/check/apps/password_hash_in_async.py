"""A PIN that is kept hashed as passwords are, checked in an `async def`."""

import hashlib
import hmac
from typing import Annotated

from fastapi import FastAPI, Query

SALT = bytes(range(16))


def hashed(pin: str) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=SALT, n=2**14, r=8, p=1)  # blocks here


KEPT = hashed("2468")

app = FastAPI()


@app.get("/unlock")
async def unlock(pin: Annotated[str, Query(examples=["2468"])]) -> dict[str, bool]:
    return {"open": hmac.compare_digest(hashed(pin), KEPT)}


@app.get("/doors")
async def doors() -> list[str]:
    return ["front", "back"]
