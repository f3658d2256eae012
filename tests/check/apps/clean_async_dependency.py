"""`async def` dependencies: one that awaits, one with `yield`, one that only looks at a header."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Header

app = FastAPI()


async def language(accept_language: Annotated[str, Header()] = "en") -> str:
    return accept_language.split(",")[0]


async def tenant() -> str:
    await asyncio.sleep(0.01)
    return "ada"


async def basket(name: Annotated[str, Depends(tenant)]) -> AsyncIterator[list[str]]:
    items = [f"tea for {name}"]
    yield items
    items.clear()


@app.get("/basket")
async def show(
    items: Annotated[list[str], Depends(basket)], lang: Annotated[str, Depends(language)]
) -> dict[str, str | list[str]]:
    return {"language": lang, "items": list(items)}
