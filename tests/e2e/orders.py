"""An app as many are: a login, orders that are placed with a body, and a list that wants a token."""

from itertools import count
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

PASSWORD = "a-secret-of-the-test"  # noqa: S105
app = FastAPI()
numbers = count(1)
members: set[str] = set()
guests: set[str] = set()


class Login(BaseModel):
    name: str
    password: str


class Order(BaseModel):
    item: str
    count: int = 1


@app.post("/login")
async def login(who: Login) -> dict[str, str]:
    if who.password != PASSWORD:
        raise HTTPException(401)
    return {"access_token": f"{PASSWORD}-of-{who.name}"}


@app.post("/orders", status_code=201)
async def place(order: Order) -> dict[str, int | str]:
    return {"id": next(numbers), "item": order.item}


@app.post("/members/{name}", status_code=201)
async def join(name: str) -> str:
    if name in members:
        raise HTTPException(409, "this name is taken")
    members.add(name)
    return name


@app.post("/guests/{name}", status_code=201)
def let_in(name: str, number: str) -> str:
    if name in guests or number in guests:
        raise HTTPException(409, "this guest is in")
    guests.update({name, number})
    return name


@app.get("/orders")
async def orders(authorization: Annotated[str | None, Header()] = None) -> list[str]:
    if authorization is None or not authorization.startswith(f"Bearer {PASSWORD}"):
        raise HTTPException(401)
    return ["tea"]
