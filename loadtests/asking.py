"""Single requests, outside of what is measured, that end in time whatever the server does."""

import http.client
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

PIECE_BYTES = 65536


class Asker:
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
