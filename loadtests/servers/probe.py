"""Readiness and warm-up: single requests, outside of what is measured, that end in time whatever the server does.

To warm up is to send a little of everything, so that no trial pays for threads, connection pools and first calls.
"""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

from loadtests.experiment.scenario import Request

PIECE_BYTES = 65536
USERS = 8
"""How many ask at the same time; more than one, so that threads and database connections are made."""
ROUNDS = 3


class ProbeConnection:
    """A connection to one server; close it with ``close``."""

    def __init__(self, url: str, limit_s: float) -> None:
        """Prepare a connection.

        Args:
            url: base URL without a trailing slash.
            limit_s: how long an answer may take until its last byte, in seconds.
        """
        parts = urlsplit(url)
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = make(str(parts.hostname), parts.port, timeout=limit_s)
        self._base = parts.path
        self._limit_s = limit_s

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Send a request and let the answer pass; raises OSError or HTTPException if it is none, or too late."""
        self._connection.request(method, self._base + path, body=body, headers=headers or {})
        # The connection's own time limit starts anew with every byte.
        timer = threading.Timer(self._limit_s, _break, [self._connection.sock])
        timer.start()
        try:
            with self._connection.getresponse() as answer:  # closed, or the next request finds the connection busy
                while answer.read1(PIECE_BYTES):
                    pass
            if timer.finished.is_set():
                raise TimeoutError(f"no whole answer within {self._limit_s:g} s")
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _break(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def warm(urls: Sequence[str], requests: Sequence[Request], limit_s: float) -> None:
    """Send each request a few times to every server, to all of them at once.

    What comes back does not matter here: a server that errs or hangs will show it where it is measured.

    Args:
        urls: base URLs without a trailing slash.
        requests: what to send.
        limit_s: wait for an answer for so many seconds, and ask no more after as many.
    """
    if not urls:
        return
    with ThreadPoolExecutor(USERS * len(urls)) as users:
        for url in urls:
            for _ in range(USERS):
                users.submit(_visit, url, requests, limit_s)


def _visit(url: str, requests: Sequence[Request], limit_s: float) -> None:
    asker = ProbeConnection(url, limit_s)
    with contextlib.closing(asker), contextlib.suppress(OSError, http.client.HTTPException):
        deadline = time.monotonic() + limit_s
        for request in [*requests] * ROUNDS:
            if time.monotonic() > deadline:
                break
            headers = {"content-type": "application/json"} if request.json else {}
            asker.ask(request.method, request.path, request.json, headers)
