"""A `def` dependency that only looks at a header, under an `async def` handler."""

from typing import Annotated

from fastapi import Depends, FastAPI, Header

app = FastAPI()


def language(accept_language: Annotated[str, Header()] = "en") -> str:
    return accept_language.split(",")[0]


@app.get("/greeting")
async def greeting(lang: Annotated[str, Depends(language)]) -> dict[str, str]:
    return {"language": lang, "text": "hello"}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
