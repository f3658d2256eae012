"""The HTTP client that measures: httpx's interface over a connection pool that scales."""

import math

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from loadtests.drivers.request_log import RequestLog
from loadtests.experiment.scenario import Request
from loadtests.records.samples import Failure


class Client:
    """Connections to one server, which stay open between slices; it judges the answers; close it with ``close``."""

    def __init__(self, base_url: str, requests: tuple[Request, ...], log: RequestLog) -> None:
        """Prepare a client.

        Args:
            base_url: where the server listens.
            requests: what to ask of it.
            log: is told of every request.
        """
        self._expected = requests
        self._log = log
        self._transport = _transport()
        self._requests = [_prepared(base_url, request) for request in requests]

    async def ask(self, turn: int, due_s: float | None = None) -> bool:
        """Send a request and wait for its end; return whether the server took the connection at all.

        Args:
            turn: how many came before it: the scenario's requests are sent in turn.
            due_s: when it was due, in the samples' seconds; None if that is when it is sent.
        """
        log = self._log
        which = turn % len(self._expected)
        want = self._expected[which]
        status, first_byte_s, failure = 0, math.nan, Failure.NONE
        serial = log.send(which, due_s)
        try:
            response = await self._transport.handle_async_request(self._requests[which])
            first_byte_s = log.now()
            status = response.status_code
            parts = []
            async for part in response.aiter_bytes():
                log.progress()
                parts.append(part)
            body = b"".join(parts)
            if status != want.status:
                failure = Failure.STATUS
            elif want.contains not in body:
                failure = Failure.BODY
        except httpx.ConnectError:
            failure = Failure.CONNECT
        except Exception:  # whatever a server's answer does to the client, it is a failed request
            failure = Failure.DISCONNECT
        in_time = log.end(serial, log.now(), first_byte_s=first_byte_s, status=status, failure=failure)
        return in_time and failure != Failure.CONNECT

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def _transport() -> AiohttpTransport:
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


def _prepared(base_url: str, request: Request) -> httpx.Request:
    """Build a request once; a transport may send it any number of times."""
    return httpx.Request(
        request.method,
        base_url + request.path,
        content=request.json,
        headers={"user-agent": "bench"} | ({"content-type": "application/json"} if request.json else {}),
    )
