"""Waiting for a server, but not for ever."""

import asyncio
from collections.abc import Callable

from loadtests.drivers.client import Client

POLL_S = 0.002


class Stalled(Exception):
    """The server stopped answering, or did not get done in time; the message is a sentence for the report."""


class Patience:
    """Waits that end in time whatever the server does."""

    def __init__(self, client: Client, *, stall_s: float, limit_s: float) -> None:
        """Set the limits.

        Args:
            client: whose answers count as progress.
            stall_s: give up when requests are in flight and nothing at all has been answered for so long.
            limit_s: give up one wait that takes longer than it should by so much, in seconds.
        """
        self._client = client
        self._stall_s = stall_s
        self._limit_s = limit_s

    async def until(self, done: Callable[[], bool], what: str, due: float | None = None) -> None:
        """Wait for ``done``.

        Args:
            done: polled every other millisecond.
            what: what is waited for, for the sentence.
            due: when it will come true by itself, in the samples' seconds, if that is known.

        Raises:
            Stalled: nothing is answered for too long, or it takes too long.
        """
        client = self._client
        answers, progress = client.answers, client.now()
        limit = (due or progress) + self._limit_s
        while not done():
            now = client.now()
            if client.answers > answers or not client.in_flight:
                answers, progress = client.answers, now
            if now - progress > self._stall_s:
                flight = len(client.in_flight)
                raise Stalled(f"nothing was answered for {self._stall_s:g} s, with {flight} requests in flight")
            if now > limit:
                raise Stalled(f"waited {self._limit_s:g} s in vain for {what}")
            await asyncio.sleep(POLL_S if due is None else min(POLL_S, max(0.0, due - now)))

    async def until_time(self, due: float, what: str) -> None:
        """Wait until an instant, in the samples' seconds; raises Stalled."""
        await self.until(lambda: self._client.now() >= due, what, due=due)
