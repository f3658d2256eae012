"""A build inside the test's own process, for tests that must look at its insides."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.settings import get_settings


@asynccontextmanager
async def in_process(
    build: str, folder: Path, upstream_url: str, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Run a build's lifespan around a client that calls the app directly."""
    monkeypatch.setenv("BLOG_DATABASE_URL", f"sqlite:///{folder / build}.db")
    monkeypatch.setenv("BLOG_UPSTREAM_URL", upstream_url)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    try:
        app = importlib.import_module(f"{build}_app.main").app
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Any, receive: Any, send: Any) -> None:
                await app(scope | {"state": dict(state)}, receive, send)

            transport = httpx.ASGITransport(with_state)
            async with httpx.AsyncClient(transport=transport, base_url="http://blog") as client:
                yield client
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
