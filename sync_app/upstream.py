"""The slow external API, reached with one shared `httpx.Client`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from shared.settings import Settings
from shared.upstream import LIMITS, TIMEOUT, read_answer


class Upstream:
    """The slow external API: each call takes as long as it is asked to wait."""

    def __init__(self, client: httpx.Client, threads: ThreadPoolExecutor) -> None:
        self.client = client
        self.threads = threads

    def fetch(self, wait_ms: float) -> float:
        """Call once; return the milliseconds that the API says it waited."""
        response = self.client.get("/", params={"wait_ms": wait_ms})
        return read_answer(response)

    def fetch_all(self, wait_ms: float, calls: int) -> list[float]:
        """Make independent calls, one after another."""
        return [self.fetch(wait_ms) for _ in range(calls)]

    def fetch_in_threads(self, wait_ms: float, calls: int) -> list[float]:
        """Make independent calls at the same time, each in a thread."""
        return list(self.threads.map(self.fetch, [wait_ms] * calls))


@contextmanager
def open_upstream(settings: Settings) -> Iterator[Upstream]:
    """Lend the one client that all requests share."""
    with (
        ThreadPoolExecutor(settings.fan_out_threads, thread_name_prefix="upstream") as threads,
        httpx.Client(base_url=settings.upstream_url, limits=LIMITS, timeout=TIMEOUT, trust_env=False) as client,
    ):
        yield Upstream(client, threads)
