"""A user's seat: it sends when its side has the turn, stamps its requests, and keeps the board up to date."""

import math
import random
import time
from typing import Any

import gevent
from gevent.event import Event
from locust import FastHttpUser
from locust.contrib.fasthttp import ErrorResponse, FastHttpSession, ResponseContextManager

from loadtests.drivers.locust.board import Board
from loadtests.drivers.locust.failures import why
from loadtests.records.samples import Recorder

EVERY_STATUS = frozenset(range(1000))


class Bench:
    """Where the users of one side sit, in one process.

    Attributes:
        side: the side's number on the board.
        board: the board.
        started_s: the instant that recorded times count from.
        spread_s: users who waited for the turn go on within so many seconds.
        recorder: the samples.
        closed: no more requests, ever.
        seats: those that are taken.
    """

    def __init__(self, side: int, board: Board, started_s: float, spread_s: float, rng: random.Random) -> None:
        self.side = side
        self.board = board
        self.started_s = started_s
        self.spread_s = spread_s
        self.recorder = Recorder()
        self.closed = False
        self.seats: list[Seat] = []
        self._rng = rng
        self._call = Event()

    def call(self) -> None:
        """Wake all who wait for the turn."""
        call, self._call = self._call, Event()
        call.set()

    def wait(self) -> None:
        """Wait to be called, then a random while, so that users do not march in step."""
        self._call.wait()
        gevent.sleep(self._rng.uniform(0, self.spread_s))

    def close(self) -> None:
        """Record what is unanswered as cut off; whoever still wants to send something ends."""
        self.closed = True
        for seat in self.seats:
            if seat.sent_s is not None:
                self.recorder.cut_off(seat.sent_s - self.started_s, request=seat.request)
        self.call()


class Seat:
    """One user's place on the bench, and row on the board."""

    def __init__(self, bench: Bench, row: int) -> None:
        self._bench = bench
        self._row = row
        self.sent_s: float | None = None
        self.request = 0
        bench.seats.append(self)

    def take_turn(self, request: int) -> None:
        """Return when a request may be sent; from then on it counts as sent. Ends the user if there is no more turn."""
        bench, board = self._bench, self._bench.board
        while True:
            if bench.closed:
                raise gevent.GreenletExit
            board.come(self._row)
            # First say that it is sent, then look: so the conductor can't take the turn away and miss the request.
            now = time.perf_counter()
            board.send(self._row, now)
            if board.may_send(self._row):
                self.sent_s, self.request = now, request
                return
            board.take_back(self._row)
            bench.wait()

    def answered(self, took_s: float, first_byte_s: float, status: int, error: BaseException | None) -> None:
        """Record the end of the request; times are in seconds since it was sent."""
        if self.sent_s is None or self._bench.closed:
            return
        sent, self.sent_s = self.sent_s - self._bench.started_s, None
        self._bench.recorder.record(
            sent,
            sent + took_s,
            request=self.request,
            first_byte_s=sent + first_byte_s,
            status=status,
            failure=why(error),
        )
        self._bench.board.answer(self._row, took_s)


class SeatedSession(FastHttpSession):
    """Locust's HTTP client, on a seat."""

    def __init__(self, user: FastHttpUser, seat: Seat, index: dict[tuple[str, str], int]) -> None:
        """Make a client for ``user``; ``index`` gives each request's number by its method and its name."""
        super().__init__(
            base_url=user.host,
            request_event=user.environment.events.request,
            user=user,
            # The conductor gives up long before this: a time-out here would end a request that is still unanswered.
            network_timeout=None,
            connection_timeout=None,
            max_redirects=0,
            max_retries=0,
            concurrency=1,
        )
        self.client.cookiejar = None
        # Which status is right, the scenario knows.
        self.client.valid_response_codes = EVERY_STATUS  # type: ignore[misc]  # a class's, as far as it is declared
        self._seat = seat
        self._index = index

    def request(self, method: str, url: str, name: str | None = None, **options: Any) -> ResponseContextManager:  # type: ignore[override]  # noqa: ANN401 - whatever Locust's takes
        """Send a request when its side has the turn."""
        self._seat.take_turn(self._index.get((method, name or url), len(self._index)))
        options["context"] = {"seat": self._seat}
        try:
            return super().request(method, url, name, **options)
        except Exception as error:  # whatever a server's answer does to the client, it is a failed request
            return self._broken(method, url, name, error, options["context"])

    def _broken(
        self, method: str, url: str, name: str | None, error: Exception, context: dict[str, Any]
    ) -> ResponseContextManager:
        request = self.client._make_request(self._build_url(url), method=method)
        took_s = time.perf_counter() - (self._seat.sent_s or 0.0)
        meta = {
            "request_type": method,
            "name": name or url,
            "context": context,
            "response": ErrorResponse(request, error),
            "exception": error,
            "response_length": 0,
            "response_time": took_s * 1000,
        }
        return ResponseContextManager(meta["response"], self.request_event, meta, catch_response=True)


def on_request(*, response_time: float, response: Any, exception: BaseException | None, context: Any, **_: Any) -> None:  # noqa: ANN401 - Locust's
    """Listen to Locust's request event; ``response_time`` is in milliseconds, with all the digits of perf_counter."""
    status = response.status_code
    head = response.elapsed.total_seconds() if status and response.elapsed is not None else math.nan
    context["seat"].answered(response_time / 1000, head, status, exception)
