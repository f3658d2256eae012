"""Raw samples of a trial: requests, slices, and observations from inside a server. Never a statistic.

Requests are columns with a row each; ``Recorder`` collects them. Observations are rows that each process of a server
writes to a file many times a second; ``collect_observations`` cuts out those of one trial.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loadtests.inside.rows import FIELDS, SUFFIX
from loadtests.inside.rows import UNKNOWN as UNKNOWN_COUNT

Seconds = npt.NDArray[np.float64]
ROW = np.dtype([(name, {"d": "<f8", "f": "<f4", "h": "<i2"}[kind]) for name, kind in FIELDS])
COUNTS = tuple(name for name, kind in FIELDS if kind == "h")
Rows = npt.NDArray[np.void]
UNKNOWN = UNKNOWN_COUNT
"""A count that this server does not have, or that could not be read."""
WORK_LEFT = 0.25
"""Cores that a server keeps busy without a request in flight, beyond what it does without load, for it to have left
work behind its answers."""


class Failure(IntEnum):
    """Why a request did not succeed."""

    NONE = 0
    STATUS = 1
    """Another status than the scenario expects."""
    BODY = 2
    """The right status, but not the body of a good answer."""
    CONNECT = 3
    """The server took no connection."""
    DISCONNECT = 4
    """The connection broke, or what came over it was no answer that HTTP allows."""
    CUT_OFF = 5
    """Unfinished when the trial's time was up."""


@dataclass(frozen=True)
class FailureExample:
    """A failed request, the first of its kind in a trial: what came instead of a good answer.

    Attributes:
        request: which of the scenario's requests it was, by index.
        failure: why it did not succeed.
        status: HTTP status, 0 without an answer.
        body: how the answer's body begins, on one line; empty if it has none, or the status alone was known.
        location: where a redirection points to; empty if it is none.
        reason: what else is known, in words: why no connection was had, what a good body would have held; may be empty.
    """

    request: int
    failure: Failure
    status: int = 0
    body: str = ""
    location: str = ""
    reason: str = ""


@dataclass(frozen=True)
class BodyBytes:
    """How much the good answers to one request held.

    Attributes:
        request: which of the scenario's requests it is, by index.
        answers: how many there were.
        total: bytes of all their bodies together, as they were sent: compressed, if they were. Locust tells them
            unpacked.
    """

    request: int
    answers: int
    total: int


@dataclass(frozen=True)
class LoadMachine:
    """A load machine's part in a trial.

    Its clock was compared with that of the machine that merges the samples, just before the trial and just after it.

    Attributes:
        name: what its worker calls itself, the host name unless told otherwise; a number follows where several do so.
        requests: how many of the trial's requests it sent.
        clock_offset_s: what was added to its clock to have the merging machine's, in seconds.
        clock_uncertainty_s: how far that may be from the truth, either way, in seconds.
        clock_moved_s: by how much more the clocks were found apart after the trial than the two comparisons'
            uncertainty explains, in seconds; 0 where it explains all, None where it was gone after the trial.
    """

    name: str
    requests: int
    clock_offset_s: float
    clock_uncertainty_s: float
    clock_moved_s: float | None


@dataclass(frozen=True)
class Samples:
    """The requests of one trial, in columns of equal length, ordered as they ended.

    Attributes:
        scheduled_s: when the request was due, in seconds since the driver started the trial. In a closed loop
            this is when it was sent.
        sent_s: when it was handed to the transport.
        first_byte_s: when the answer's head had arrived; NaN without an answer.
        ended_s: when the answer was complete, or the failure known; NaN if it was cut off.
        status: HTTP status, 0 without an answer.
        failure: a ``Failure``.
        request: which of the scenario's requests it was, by index.
    """

    scheduled_s: Seconds
    sent_s: Seconds
    first_byte_s: Seconds
    ended_s: Seconds
    status: npt.NDArray[np.uint16]
    failure: npt.NDArray[np.uint8]
    request: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.sent_s)

    def __repr__(self) -> str:
        return f"<Samples: {len(self)} requests, {np.count_nonzero(self.failure)} failed>"


@dataclass(frozen=True)
class Slice:
    """One turn of a side: the steady window in it, and what was used in that window.

    Attributes:
        opened_s: when the window opened, in the samples' seconds.
        closed_s: when it closed.
        drained_s: when the last request of the turn had been answered.
        server_cpu_s: CPU time of all the server's processes inside the window; None if that is not known.
        driver_cpu_s: CPU time of the driver inside the window.
        driver_peak: the driver's share of a core in the busiest second of the window, 0 to 1; over the whole window
            if that is shorter.
        rss_bytes: resident memory of all the server's processes at the window's end; None if that is not known.
    """

    opened_s: float
    closed_s: float
    drained_s: float
    server_cpu_s: float | None
    driver_cpu_s: float
    driver_peak: float
    rss_bytes: int | None = None


@dataclass(frozen=True)
class Timeline:
    """Rows of ``ROW``, ordered by time.

    Columns:
        time_s: seconds since the trial was started, as the samples have it.
        cpu_s: CPU time of the server's worker processes since they began, in seconds.
        lag_s: how long a callback that was ready waited for the event loop, in seconds; of the slowest worker.
        in_flight: requests between their arrival at the app and the end of their answer.
        threads: AnyIO's thread tokens in use.
        threads_waiting: who waits for one.
        connections: database connections checked out of SQLAlchemy's pools.
        connections_waiting: who waits for one, in the pool.
        threads_blocked: those of them who hold a thread meanwhile.
        turns_waiting: requests that wait until FastAPI lets them into a dependency with ``max_concurrency``.

    A count is ``UNKNOWN`` where the server has no such thing.
    """

    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Timeline: {len(self)} instants>"

    def inside(self, spans: Sequence[tuple[float, float]]) -> "Timeline":
        """Return the instants inside of some spans of time, each from its begin to its end in seconds."""
        times = self.rows["time_s"]
        kept = np.zeros(len(times), bool)
        for begin, end in spans:
            kept |= (times >= begin) & (times < end)
        return Timeline(self.rows[kept])

    def known(self, name: str) -> bool:
        """Whether a count was ever read."""
        return bool((self.rows[name] != UNKNOWN).any())

    def mean(self, name: str) -> float | None:
        """Return the mean of a column over the instants at which it is known; None if there are none."""
        column = self.rows[name]
        if name in COUNTS:
            column = column[column != UNKNOWN]
        return float(column.mean(dtype=float)) if len(column) else None


@dataclass(frozen=True)
class Recording:
    """What a driver hands back for one trial: the samples of all its slices.

    Attributes:
        samples: every request, lead-ins and drains included.
        started_s: when the driver started the trial, on the machine's monotonic clock.
        slices: the trial's turns, in order; empty if none came to its end.
        rss_bytes: most resident memory of the server that was seen; None if that is not known.
        threads: most threads of the server that were seen; None if that is not known.
        stalled: a sentence if the driver gave up waiting for the server, else None.
        abandoned: requests of an open loop that were cut off, because the server was still busy with them long after
            the last arrival.
        timeline: what was seen inside the server meanwhile; None if nobody looked.
        busy_after: how many cores the server kept busy just after its last answer; None if that is not known.
        busy_before: the same before any load; None if that is not known.
        pauses: when the trial's clock stood still, because the server was stopped for the other side's turn: the
            instant in the samples' seconds, and how long by the machine's clock.
        requests: what the samples mean by a request's index: ``GET /posts/3``; empty where that was not noted.
        examples: one failed request of each kind.
        good_bytes: how much good answers held, request by request; empty where that was not counted.
        next_row: the row of a values file behind the last one that its requests have used, from 0; it is not kept in
            the trial's file.
        machines: those that sent the requests, where load machines did; empty where this machine sent them itself.
    """

    samples: Samples
    started_s: float
    slices: tuple[Slice, ...]
    rss_bytes: int | None
    threads: int | None
    stalled: str | None
    abandoned: int = 0
    timeline: Timeline | None = None
    busy_after: float | None = None
    busy_before: float | None = None
    pauses: tuple[tuple[float, float], ...] = ()
    requests: tuple[str, ...] = ()
    examples: tuple[FailureExample, ...] = ()
    good_bytes: tuple[BodyBytes, ...] = ()
    next_row: int = 0
    machines: tuple[LoadMachine, ...] = ()

    @property
    def leaves_work(self) -> bool:
        """Whether the server went on working when every request had been answered."""
        return self.busy_after is not None and self.busy_after - (self.busy_before or 0.0) > WORK_LEFT


def merge_observations(workers: Sequence[Rows]) -> Rows:
    """Return the rows of several worker processes as those of one server.

    At each instant at which the busiest observer took a row, counts and CPU times of the latest rows are added up,
    and the longest lag is taken.
    """
    workers = [rows for rows in workers if len(rows)]
    if len(workers) < 2:
        return workers[0] if workers else np.empty(0, ROW)
    begun = max(rows["time_s"][0] for rows in workers)
    grid = max(workers, key=len)
    grid = grid[grid["time_s"] >= begun]
    merged = np.zeros(len(grid), ROW)
    merged["time_s"] = grid["time_s"]
    latest = [rows[np.searchsorted(rows["time_s"], grid["time_s"], side="right") - 1] for rows in workers]
    merged["cpu_s"] = sum(rows["cpu_s"] for rows in latest)
    merged["lag_s"] = np.max([rows["lag_s"] for rows in latest], axis=0)
    for name in COUNTS:
        columns = np.array([rows[name] for rows in latest], int)
        known = columns != UNKNOWN
        merged[name] = np.where(known.any(axis=0), np.where(known, columns, 0).sum(axis=0), UNKNOWN)
    return merged


def moved(samples: Samples, seconds: float) -> Samples:
    """Return samples with all their times so many seconds later."""
    return Samples(
        scheduled_s=samples.scheduled_s + seconds,
        sent_s=samples.sent_s + seconds,
        first_byte_s=samples.first_byte_s + seconds,
        ended_s=samples.ended_s + seconds,
        status=samples.status,
        failure=samples.failure,
        request=samples.request,
    )


class Recorder:
    """Appends requests as they end; cheap enough to be called for each."""

    def __init__(self) -> None:
        self._taken = 0
        self._bytes_taken: dict[int, BodyBytes] = {}
        self._begin()

    def _begin(self) -> None:
        self._scheduled, self._sent, self._first_byte, self._ended = array("d"), array("d"), array("d"), array("d")
        self._status, self._failure, self._request = array("H"), array("B"), array("H")
        self._body_bytes = array("Q")

    def __len__(self) -> int:
        return self._taken + len(self._sent)

    def take(self) -> Samples:
        """Return what was recorded since the last time, and keep it no longer: only its number and its bytes."""
        samples = self.samples()
        self._bytes_taken = {each.request: each for each in self.good_bytes()}
        self._taken += len(samples)
        self._begin()
        return samples

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
        body_bytes: int = 0,
    ) -> None:
        """Add one request; see ``Samples`` for units. Without a schedule it was due when it was sent.

        Of the bodies of good answers only sums are kept: see ``good_bytes``.
        """
        self._scheduled.append(sent_s if scheduled_s is None else scheduled_s)
        self._sent.append(sent_s)
        self._first_byte.append(first_byte_s)
        self._ended.append(ended_s)
        self._status.append(status)
        self._failure.append(failure)
        self._request.append(request)
        self._body_bytes.append(body_bytes)

    def cut_off(self, sent_s: float, *, request: int, scheduled_s: float | None = None) -> None:
        """Add a request that was still unanswered when time was up."""
        self.record(sent_s, math.nan, request=request, scheduled_s=scheduled_s, failure=Failure.CUT_OFF)

    def samples(self) -> Samples:
        """Return what was recorded and not taken."""
        return Samples(
            scheduled_s=np.array(self._scheduled),
            sent_s=np.array(self._sent),
            first_byte_s=np.array(self._first_byte),
            ended_s=np.array(self._ended),
            status=np.array(self._status, dtype=np.uint16),
            failure=np.array(self._failure, dtype=np.uint8),
            request=np.array(self._request, dtype=np.uint16),
        )

    def good_bytes(self) -> tuple[BodyBytes, ...]:
        """Return how much good answers held, request by request."""
        good = np.array(self._failure, np.uint8) == Failure.NONE
        which, sizes = np.array(self._request, np.int64)[good], np.array(self._body_bytes, np.float64)[good]
        answers, totals = np.bincount(which), np.bincount(which, weights=sizes)
        found = dict(self._bytes_taken)
        for request in np.flatnonzero(answers).tolist():
            before = found.get(request, BodyBytes(request, 0, 0))
            found[request] = BodyBytes(
                request, before.answers + int(answers[request]), before.total + int(totals[request])
            )
        return tuple(found[request] for request in sorted(found))


def collect_observations(
    folder: Path, started_s: float, ended_s: float, pauses: Sequence[tuple[float, float]] = ()
) -> Timeline | None:
    """Return what was seen between two instants of the machine's monotonic clock; None if nothing was.

    Args:
        folder: where each process of the server has a file.
        started_s: when the trial was started; its timeline counts from there, in seconds.
        ended_s: when it ended.
        pauses: when the trial's clock stood still, and for how long; see ``Recording``.
    """
    workers = [rows_of(path.read_bytes()) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return timeline_of(workers, started_s, ended_s, pauses)


def rows_of(content: bytes) -> Rows:
    """Return the rows in a file's content, without what was not yet written whole."""
    return np.frombuffer(content[: len(content) // ROW.itemsize * ROW.itemsize], ROW)


def timeline_of(
    workers: Sequence[Rows], started_s: float, ended_s: float, pauses: Sequence[tuple[float, float]] = ()
) -> Timeline | None:
    """Return what each of a server's processes has seen as one timeline; for the rest see ``collect_observations``.

    Args:
        workers: rows of each process, their times by the machine's monotonic clock.
        started_s: when the trial was started.
        ended_s: when it ended.
        pauses: see ``Recording``.
    """
    inside = [rows[(rows["time_s"] >= started_s) & (rows["time_s"] <= ended_s)] for rows in workers]
    merged = merge_observations(inside).copy()
    if not len(merged):
        return None
    merged["time_s"] -= started_s
    merged["time_s"] -= stood_still(merged["time_s"], pauses)
    return Timeline(merged)


def stood_still(since_s: Seconds, pauses: Sequence[tuple[float, float]]) -> Seconds:
    """Return for how long a trial's clock had stood still at each instant, in seconds.

    Args:
        since_s: the instants, in seconds since the trial was started by the machine's clock.
        pauses: see ``Recording``.
    """
    stood_s = np.zeros(len(since_s))
    for at_s, length_s in pauses:
        stood_s += np.clip(since_s - stood_s - at_s, 0.0, length_s)
    return stood_s
