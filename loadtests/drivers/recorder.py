"""Samples while they are being taken: columns that grow."""

import math
from array import array

import numpy as np

from loadtests.samples import Failure, Samples


class Recorder:
    """Appends requests as they end; cheap enough to be called for each."""

    def __init__(self) -> None:
        self._scheduled, self._sent, self._first_byte, self._ended = array("d"), array("d"), array("d"), array("d")
        self._status, self._failure, self._request = array("H"), array("B"), array("H")

    def __len__(self) -> int:
        return len(self._sent)

    def record(
        self,
        sent_s: float,
        ended_s: float,
        *,
        request: int,
        scheduled_s: float | None = None,
        first_byte_s: float = math.nan,
        status: int = 0,
        failure: Failure = Failure.NONE,
    ) -> None:
        """Add one request; see ``Samples`` for units. Without a schedule it was due when it was sent."""
        self._scheduled.append(sent_s if scheduled_s is None else scheduled_s)
        self._sent.append(sent_s)
        self._first_byte.append(first_byte_s)
        self._ended.append(ended_s)
        self._status.append(status)
        self._failure.append(failure)
        self._request.append(request)

    def cut_off(self, sent_s: float, *, request: int, scheduled_s: float | None = None) -> None:
        """Add a request that was still unanswered when time was up."""
        self.record(sent_s, math.nan, request=request, scheduled_s=scheduled_s, failure=Failure.CUT_OFF)

    def samples(self) -> Samples:
        """Return what was recorded."""
        return Samples(
            scheduled_s=np.array(self._scheduled),
            sent_s=np.array(self._sent),
            first_byte_s=np.array(self._first_byte),
            ended_s=np.array(self._ended),
            status=np.array(self._status, dtype=np.uint16),
            failure=np.array(self._failure, dtype=np.uint8),
            request=np.array(self._request, dtype=np.uint16),
        )
