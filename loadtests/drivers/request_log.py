"""One side's requests: those in flight, and the record of those that have ended, whichever client sends them."""

import itertools
import math
import time

from loadtests.drivers.failure_examples import FailureExamples
from loadtests.records.samples import BodyBytes, Failure, Recorder, Samples


class RequestLog:
    """What a client tells of each request, and what the phases of a slice go by. All times are the samples' seconds.

    They stand still while the server is stopped: a request that is in flight then takes no longer for it.

    Attributes:
        started_s: the instant that all times are counted from, on ``time.perf_counter``.
        in_flight: what is unanswered, in the order in which it was sent: a serial number → when it was due, when it
            was sent, which request.
        slowest_s: the longest that an answer has taken, in seconds.
        pauses: when time stood still, and for how many seconds by the machine's clock.
        heard_s: when something of an answer came last, be it its end or a few bytes.
        examples: one failed request of each kind, kept by the client.
    """

    def __init__(self, started_s: float, recorder: Recorder | None = None) -> None:
        """Begin; what has ended goes to a recorder, its own if none is given."""
        self.started_s = started_s
        self.in_flight: dict[int, tuple[float, float, int]] = {}
        self.slowest_s = 0.0
        self.pauses: list[tuple[float, float]] = []
        self._paused_s = 0.0
        self._stands_at: float | None = None
        self.heard_s = 0.0
        self.examples = FailureExamples()
        self._recorder = Recorder() if recorder is None else recorder
        self._serial = itertools.count()

    @property
    def answers(self) -> int:
        """How many requests have ended, well or not."""
        return len(self._recorder)

    def now(self) -> float:
        """Return the time in the samples' seconds."""
        if self._stands_at is not None:
            return self._stands_at
        return time.perf_counter() - self.started_s - self._paused_s

    def at(self, instant_s: float) -> float:
        """Return the time in the samples' seconds at an earlier instant of ``time.perf_counter``."""
        seconds = instant_s - self.started_s
        for at_s, length_s in self.pauses:
            if seconds <= at_s:
                break
            seconds = max(at_s, seconds - length_s)
        return seconds if self._stands_at is None else min(seconds, self._stands_at)

    def pause(self, at_s: float) -> None:
        """Let time stand still from an instant of ``time.perf_counter`` on."""
        if self._stands_at is None:
            self._stands_at = at_s - self.started_s - self._paused_s

    def go_on(self, at_s: float) -> None:
        """Let time go on from an instant of ``time.perf_counter`` on."""
        if self._stands_at is not None:
            seconds = at_s - self.started_s - self._paused_s - self._stands_at
            self.pauses.append((self._stands_at, seconds))
            self._paused_s += seconds
            self._stands_at = None

    def send(self, request: int, due_s: float | None = None) -> int:
        """Note that a request is being sent; return its serial number.

        Args:
            request: which of the scenario's requests it is.
            due_s: when it was due; None if that is now.
        """
        serial, sent_s = next(self._serial), self.now()
        self.in_flight[serial] = sent_s if due_s is None else due_s, sent_s, request
        return serial

    def progress(self) -> None:
        """Note that some bytes of an answer have come: a server that sends them is alive."""
        self.heard_s = self.now()

    @property
    def oldest_s(self) -> float | None:
        """When the oldest request was sent that is unanswered; None if none is."""
        for _, sent_s, _ in self.in_flight.values():
            return sent_s
        return None

    def end(
        self,
        serial: int,
        ended_s: float,
        *,
        first_byte_s: float = math.nan,
        status: int = 0,
        failure: Failure = Failure.NONE,
        body_bytes: int = 0,
    ) -> bool:
        """Record the end of a request; return False if time was up in the meantime, and it is recorded as cut off."""
        known = self.in_flight.pop(serial, None)
        if known is None:
            return False
        due_s, sent_s, request = known
        self.slowest_s = max(self.slowest_s, ended_s - sent_s)
        self.heard_s = ended_s
        self._recorder.record(
            sent_s,
            ended_s,
            request=request,
            scheduled_s=due_s,
            first_byte_s=first_byte_s,
            status=status,
            failure=failure,
            body_bytes=body_bytes,
        )
        return True

    def cut_off(self) -> None:
        """Record all that is unanswered as cut off."""
        for due_s, sent_s, request in self.in_flight.values():
            self._recorder.cut_off(sent_s, scheduled_s=due_s, request=request)
        self.in_flight.clear()

    def samples(self) -> Samples:
        """Return every request that has ended or was cut off."""
        return self._recorder.samples()

    def good_bytes(self) -> tuple[BodyBytes, ...]:
        """Return how much good answers held, request by request."""
        return self._recorder.good_bytes()
