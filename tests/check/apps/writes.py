"""Routes that write, and block: not asked unless that is allowed; `/written` says whether they were."""

import time

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
written: list[str] = []


class Order(BaseModel):
    item: str = "tea"
    count: int = 1


@app.post("/orders", status_code=201)
async def place(order: Order) -> Order:
    time.sleep(0.03)  # blocks here
    written.append(order.item)
    return order


@app.delete("/orders", status_code=204)
async def cancel() -> None:
    written.append("cancelled")


@app.get("/written")
async def show() -> list[str]:
    return written
