"""A pydantic validator that asks another service: it runs on the loop, whatever the handler is."""

import os
from typing import Annotated

import requests
from fastapi import FastAPI, Query
from pydantic import BaseModel, Field, field_validator

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


class Address(BaseModel):
    postcode: str = Field(examples=["8001"])

    @field_validator("postcode")
    @classmethod
    def exists(cls, postcode: str) -> str:
        answer = requests.get(f"{UPSTREAM_URL}/{postcode}", params={"wait_ms": 30}, timeout=10)  # blocks here
        if answer.status_code != 200:
            raise ValueError("there is no such postcode")
        return postcode


app = FastAPI()


@app.get("/delivery")
async def delivery(address: Annotated[Address, Query()]) -> dict[str, str]:
    return {"to": address.postcode}


@app.get("/pickup")
def pickup(address: Annotated[Address, Query()]) -> dict[str, str]:
    return {"near": address.postcode}
