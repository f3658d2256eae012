"""A model that is loaded by the first request, which blocks; all others find it there."""

import time
from functools import lru_cache

from fastapi import FastAPI

app = FastAPI()


@lru_cache
def model() -> dict[str, float]:
    time.sleep(0.5)  # blocks here
    return {"weight": 0.7}


@app.get("/predict")
async def predict() -> dict[str, float]:
    return {"score": model()["weight"] * 2}
