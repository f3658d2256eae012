"""The web server of the lab: the page and its files, the state as server-sent events, and requests for changes.

The engine decides everything, so all open pages show the same state.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict

from loadtests.experiment.sides import SideLabel
from loadtests.lab.gate import Gate
from loadtests.lab.state import PERIOD_S, Change, Engine, Snapshot
from loadtests.system.errors import UsageError

PAGE = Path(__file__).parent / "page"
LOOK_S = PERIOD_S / 5
"""How often each viewer's stream looks for a new state, in seconds."""


class Chosen(BaseModel):
    """The preset that was chosen."""

    model_config = ConfigDict(extra="forbid")

    name: str


class Guessed(BaseModel):
    """The option that the class agreed on."""

    model_config = ConfigDict(extra="forbid")

    guess: str


class ToRestart(BaseModel):
    """The lane to restart."""

    model_config = ConfigDict(extra="forbid")

    lane: SideLabel


class Invited(BaseModel):
    """An address that opens the page once."""

    address: str


def create_app(engine: Engine, token: str) -> FastAPI:
    """Return the lab's web app, to be served on loopback only.

    Its streams of events end when their viewers leave, so a server that shuts down needs a limit for its wait:
    uvicorn's ``timeout_graceful_shutdown``.

    Args:
        engine: what it shows and steers.
        token: for ``/?token=…``, which lets one browser in.
    """
    app = FastAPI(title="bench lab", openapi_url=None)
    app.add_middleware(Gate, token=token)
    app.mount("/page", StaticFiles(directory=PAGE))
    app.add_exception_handler(RequestValidationError, _say_what_is_wrong)
    app.add_exception_handler(UsageError, _say_why_not)

    async def watching() -> AsyncIterator[None]:
        with engine.viewer():
            yield

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/events", response_class=EventSourceResponse, dependencies=[Depends(watching)])
    async def events() -> AsyncIterator[ServerSentEvent]:
        hello = engine.hello()
        yield ServerSentEvent(event="hello", raw_data=hello.model_dump_json())
        seen = hello.history[-1].sequence if hello.history else 0
        while True:
            state = engine.state()
            if state.sequence != seen:
                seen = state.sequence
                yield ServerSentEvent(event="state", raw_data=state.model_dump_json())
            await asyncio.sleep(LOOK_S)

    @app.get("/alive", status_code=204)
    async def alive() -> None:
        """Answer; a page whose stream was cut asks whether its cookie still holds."""

    @app.post("/settings", status_code=204)
    async def settings(change: Change) -> None:
        engine.change(change)

    @app.post("/preset", status_code=204)
    async def preset(chosen: Chosen) -> None:
        engine.choose(chosen.name)

    @app.post("/reveal", status_code=204)
    async def reveal(guessed: Guessed) -> None:
        engine.reveal(guessed.guess)

    @app.post("/restart", status_code=204)
    async def restart(to_restart: ToRestart) -> None:
        engine.restart(to_restart.lane)

    @app.get("/snapshot.json")
    async def snapshot() -> Snapshot:
        return engine.snapshot()

    @app.post("/invite")
    async def invite(request: Request) -> Invited:
        gate: Gate = request.state.gate
        return Invited(address=str(request.base_url.replace(query=f"token={gate.invite()}")))

    return app


async def _say_what_is_wrong(_: Request, error: Exception) -> PlainTextResponse:
    """Answer 422 with one sentence on the first thing that is wrong."""
    errors: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    first = errors[0] if errors else {}
    name = ".".join(str(part) for part in first.get("loc", ())[1:]) or "the request"
    message = str(first.get("msg", "it can't be read"))
    given = first.get("input")
    shown = f" (it was {given!r:.60})" if isinstance(given, str | int | float) else ""
    return PlainTextResponse(f"{name}: {message[:1].lower()}{message[1:]}{shown}.", status_code=422)


async def _say_why_not(_: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(str(error), status_code=422)
