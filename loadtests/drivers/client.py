"""One side's client: it sends requests, judges the answers and records both.

The HTTP client that measures: httpx's interface over a connection pool that scales.
"""

import itertools
import math
import time

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from loadtests.drivers.job import PairingJob, Target
from loadtests.experiment.scenario import Request
from loadtests.records.samples import Failure, Recorder, Samples


class Client:
    """Connections to one server, which stay open between slices; close it with ``close``.

    Attributes:
        in_flight: what is unanswered, in the order in which it was sent: a serial number → when it was due, when it
            was sent, which request.
        slowest_s: the longest that an answer has taken, in seconds.
    """

    def __init__(self, target: Target, job: PairingJob, started_s: float) -> None:
        """Prepare a client.

        Args:
            target: the server.
            job: what to ask of it.
            started_s: the instant that all times are counted from, on ``time.perf_counter``.
        """
        self._started = started_s
        self._expected = job.requests
        self._transport = make_transport()
        self._requests = make_requests(target.base_url, job.requests)
        self._recorder = Recorder()
        self._serial = itertools.count()
        self.in_flight: dict[int, tuple[float, float, int]] = {}
        self.slowest_s = 0.0

    @property
    def answers(self) -> int:
        """How many requests have ended, well or not."""
        return len(self._recorder)

    def now(self) -> float:
        """Return the time in the samples' seconds."""
        return time.perf_counter() - self._started

    async def ask(self, turn: int, scheduled_s: float | None = None) -> bool:
        """Send a request and wait for its end; return whether the server took the connection at all.

        Args:
            turn: how many came before it: the scenario's requests are sent in turn.
            scheduled_s: when it was due, in the samples' seconds; None if that is when it is sent.
        """
        clock, start = time.perf_counter, self._started
        serial = next(self._serial)
        which = turn % len(self._expected)
        want = self._expected[which]
        status, first_byte, failure = 0, math.nan, Failure.NONE
        sent = clock() - start
        due = sent if scheduled_s is None else scheduled_s
        self.in_flight[serial] = due, sent, which
        try:
            response = await self._transport.handle_async_request(self._requests[which])
            first_byte = clock() - start
            status = response.status_code
            body = await response.aread()
            if status != want.status:
                failure = Failure.STATUS
            elif want.contains not in body:
                failure = Failure.BODY
        except httpx.ConnectError:
            failure = Failure.CONNECT
        except Exception:  # whatever a server's answer does to the client, it is a failed request
            failure = Failure.DISCONNECT
        ended = clock() - start
        if self.in_flight.pop(serial, None) is None:
            return False  # time was up in the meantime, and it is recorded as cut off
        self.slowest_s = max(self.slowest_s, ended - sent)
        self._recorder.record(
            sent, ended, request=which, scheduled_s=due, first_byte_s=first_byte, status=status, failure=failure
        )
        return failure != Failure.CONNECT

    def cut_off(self) -> None:
        """Record all that is unanswered as cut off."""
        for due, sent, which in self.in_flight.values():
            self._recorder.cut_off(sent, scheduled_s=due, request=which)
        self.in_flight.clear()

    async def close(self) -> Samples:
        """Close the connections; return every request, those that are unanswered as cut off."""
        self.cut_off()
        await self._transport.aclose()
        return self._recorder.samples()


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
