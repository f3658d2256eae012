"""A path parameter that must be the id of something that there is: 1 is not."""

import asyncio
from uuid import UUID

from fastapi import FastAPI, HTTPException

ORDERS = {UUID("6f1c2f0e-9a51-4d0e-8a35-3c9f3d1f7b11"): "tea", UUID("0b7a6a3e-2f2b-4c53-9c0e-7f8f5f2f4b22"): "salt"}

app = FastAPI()


@app.get("/orders")
async def orders() -> list[UUID]:
    await asyncio.sleep(0.01)
    return list(ORDERS)


@app.get("/orders/{order_id}")
async def order(order_id: UUID) -> dict[str, str]:
    await asyncio.sleep(0.01)
    if order_id not in ORDERS:
        raise HTTPException(404, "there is no such order")
    return {"item": ORDERS[order_id]}
