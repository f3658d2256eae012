"""The HTTP client that measures: httpx's interface over a connection pool that scales."""

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from loadtests.experiment.scenario import Request


def make_transport() -> AiohttpTransport:
    """Return a transport without a connection limit: in a closed loop the users are the limit.

    It is called directly (``handle_async_request``), with no ``httpx.Client`` around it: redirects, cookies and
    header merging would cost more than the request. httpx's own pool would measure itself: it looks through
    all its connections for each request that waits.
    """

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, use_dns_cache=True, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    return AiohttpTransport(client=session)


def make_requests(base_url: str, requests: tuple[Request, ...]) -> list[httpx.Request]:
    """Build each request once; a transport may send it any number of times."""
    return [
        httpx.Request(
            request.method,
            base_url + request.path,
            content=request.json,
            headers={"user-agent": "bench"} | ({"content-type": "application/json"} if request.json else {}),
        )
        for request in requests
    ]
