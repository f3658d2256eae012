"""Warm servers up: ask for a little of everything, so that no trial pays for threads, pools and first calls."""

import contextlib
import http.client
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from loadtests.asking import Asker
from loadtests.experiment.scenario import Request

USERS = 8
"""How many ask at the same time; more than one, so that threads and database connections are made."""
ROUNDS = 3


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
    asker = Asker(url, limit_s)
    with contextlib.closing(asker), contextlib.suppress(OSError, http.client.HTTPException):
        deadline = time.monotonic() + limit_s
        for request in [*requests] * ROUNDS:
            if time.monotonic() > deadline:
                break
            headers = {"content-type": "application/json"} if request.json else {}
            asker.ask(request.method, request.path, request.json, headers)
