"""The slow external API, reached with one shared `httpx.AsyncClient`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from httpx_aiohttp import AiohttpTransport

from shared.settings import Settings
from shared.upstream import LIMITS, TIMEOUT, read_answer


class Upstream:
    """The slow external API: each call takes as long as it is asked to wait."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def fetch(self, wait_ms: float) -> float:
        """Call once; return the milliseconds that the API says it waited."""
        response = await self.client.get("/", params={"wait_ms": wait_ms})
        return read_answer(response)

    async def fetch_all(self, wait_ms: float, calls: int) -> list[float]:
        """Make independent calls at the same time."""
        return await asyncio.gather(*[self.fetch(wait_ms) for _ in range(calls)])

    async def fetch_in_threads(self, wait_ms: float, calls: int) -> list[float]:
        """Make independent calls at the same time: the loop needs no threads for it."""
        return await self.fetch_all(wait_ms, calls)


@asynccontextmanager
async def open_upstream(settings: Settings) -> AsyncIterator[Upstream]:
    """Lend the one client that all requests share."""
    transport = {"aiohttp": AiohttpTransport, "httpcore": httpx.AsyncHTTPTransport}[settings.upstream_transport]
    async with httpx.AsyncClient(
        base_url=settings.upstream_url,
        transport=transport(limits=LIMITS, trust_env=False),
        timeout=TIMEOUT,
        trust_env=False,
    ) as client:
        yield Upstream(client)
