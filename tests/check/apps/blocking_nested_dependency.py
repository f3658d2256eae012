"""A router's dependency whose own dependency sleeps on the loop."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI


async def tenant() -> str:
    time.sleep(0.03)  # blocks here
    return "ada"


async def allowed(name: Annotated[str, Depends(tenant)]) -> bool:
    return name == "ada"


router = APIRouter(prefix="/reports", dependencies=[Depends(allowed)])


@router.get("/today")
async def today() -> dict[str, int]:
    return {"orders": 3}


app = FastAPI()
app.include_router(router, prefix="/v1")


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
