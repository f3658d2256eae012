"""An answer of 5,000 rows: the handler is quick, turning them into JSON on the loop is not."""

from datetime import date
from decimal import Decimal

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Buyer(BaseModel):
    name: str
    born: date


class Sale(BaseModel):
    number: int
    item: str
    price: Decimal
    buyer: Buyer
    tags: list[str]


ADA = Buyer(name="Ada", born=date(1815, 12, 10))
SALES = [
    Sale(number=number, item=f"item {number}", price=Decimal(number) / 4, buyer=ADA, tags=["new", "gift", "heavy"])
    for number in range(5_000)
]


@app.get("/sales")
async def sales() -> list[Sale]:
    return SALES


@app.get("/sales/first")
async def first() -> Sale:
    return SALES[0]
