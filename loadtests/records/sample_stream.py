"""The file of a trial that is written while the trial goes on: frames, each complete in itself, of samples or counts.

A trial of hours has too many samples to be kept in memory, and may be killed before its end. So its samples are
appended about once a second, each time as a frame with a checksum: what was written stays readable whatever happens
next, and a reader stops at the first frame that is not whole. When the file has reached its limit, further requests are
only counted, by the second (``second_counts``). No frame is ever changed.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from loadtests.records.samples import Samples, moved
from loadtests.records.second_counts import ROW, Counts
from loadtests.records.second_counts import count as counted
from loadtests.records.trial_file import COLUMNS, pack, unpack

SUFFIX = ".stream"
MAGIC = b"bench stream 1\n"
HEAD = struct.Struct("<cII")
"""Kind, length of the body, and its checksum (CRC-32)."""
COUNT = struct.Struct("<II")
"""Of samples: how many, and the whole second that their times run from."""
ABOUT, SAMPLES, COUNTS, STATUS, END = b"A", b"S", b"C", b"T", b"E"
COMPRESSION = 1
MAX_BODY = 2**28
READING = np.dtype(
    [
        ("time_s", "<f8"),
        ("sent", "<u4"),
        ("ended", "<u4"),
        ("in_flight", "<u4"),
        ("driver_cpu_s", "<f8"),
        ("driver_rss", "<i8"),
        ("server_cpu_s", "<f8"),
        ("server_rss", "<i8"),
    ]
)
UNKNOWN = -1


@dataclass(frozen=True)
class Reading:
    """What was read at one instant, about once a second.

    Attributes:
        time_s: seconds from the beginning of the schedule.
        sent: requests sent so far.
        ended: requests that had ended by then, well or not.
        in_flight: requests that were unanswered then.
        driver_cpu_s: CPU time of the driver so far, in seconds.
        driver_rss: its resident memory in bytes.
        server_cpu_s: CPU time of the server's processes since they began, in seconds; NaN if it is not ours.
        server_rss: their resident memory in bytes; UNKNOWN where it was not read.
    """

    time_s: float
    sent: int
    ended: int
    in_flight: int
    driver_cpu_s: float
    driver_rss: int
    server_cpu_s: float
    server_rss: int


@dataclass(frozen=True)
class End:
    """How a trial ended, by its driver; a stream without it was broken off.

    Attributes:
        reached_s: how far the schedule was carried out, in seconds.
        stalled: a sentence if the driver gave up waiting for the server, else None.
        stopped: a sentence if the driver sent no more because too much was unanswered, else None.
        abandoned: requests that were cut off after the last arrival.
        raw_until_s: from this instant on requests were only counted, for the file had reached its limit; else None.
    """

    reached_s: float
    stalled: str | None
    stopped: str | None
    abandoned: int
    raw_until_s: float | None


Frame = Samples | Counts | Reading | End


class StreamWriter:
    """Appends to a trial's file; a context manager that owns it. Every method raises OSError if it can't be written."""

    def __init__(self, path: Path, about: Mapping[str, object], raw_bytes: int) -> None:
        """Begin a file.

        Args:
            path: of the new file.
            about: which trial it is, for its first frame.
            raw_bytes: how large it may grow before requests are only counted.
        """
        self._file = path.open("xb", buffering=0)
        self._raw_bytes = raw_bytes
        self._size = 0
        self.raw_until_s: float | None = None
        self._append(MAGIC + _frame(ABOUT, json.dumps(dict(about)).encode()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, samples: Samples, reading: Reading) -> None:
        """Append the requests that have ended since the last time, in the schedule's seconds, and what was read."""
        content = b""
        if len(samples):
            if self.raw_until_s is None and self._size >= self._raw_bytes:
                self.raw_until_s = reading.time_s
            if self.raw_until_s is None:
                content = _frame(SAMPLES, _dump_samples(samples))
            else:
                content = _frame(COUNTS, _dump_counts(counted(samples)))
        row = np.array([tuple(vars(reading).values())], READING)
        self._append(content + _frame(STATUS, row.tobytes()))

    def end(self, end: End) -> None:
        """Append how it ended."""
        self._append(_frame(END, json.dumps(vars(end)).encode()))

    def _append(self, content: bytes) -> None:
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with suppress(OSError):  # what follows a frame that is not whole would never be read
                self._file.truncate(self._size)
                self._file.seek(self._size)
            raise
        self._size += len(content)


def read_about(path: Path) -> dict[str, Any]:
    """Return which trial a file is of; raises ValueError if it is no such file, OSError if it can't be read."""
    for kind, body in _frames(path):
        if kind == ABOUT:
            about: dict[str, Any] = json.loads(body)
            return about
        break
    raise ValueError(f"{path} is no stream of samples")


def is_of(path: Path, run_id: str) -> bool:
    """Return whether a file is one of a run's, as far as it can be read."""
    try:
        return bool(read_about(path).get("run") == run_id)
    except (ValueError, OSError):
        return False


def read_ending(path: Path) -> tuple[Reading | None, End | None]:
    """Return what was read last and how the trial ended, None for what is not there; samples are passed over."""
    last, end = None, None
    for kind, body in _frames(path):
        if kind == STATUS:
            last = _load_reading(body)
        elif kind == END:
            end = End(**json.loads(body))
    return last, end


def read_stream(path: Path) -> Iterator[Frame]:
    """Yield what a file holds, frame by frame, and so in little memory; it ends where the file is whole no longer."""
    for kind, body in _frames(path):
        if kind == SAMPLES:
            yield _load_samples(body)
        elif kind == COUNTS:
            yield _load_counts(body)
        elif kind == STATUS:
            yield _load_reading(body)
        elif kind == END:
            yield End(**json.loads(body))


def _frame(kind: bytes, content: bytes) -> bytes:
    body = zlib.compress(content, COMPRESSION)
    return HEAD.pack(kind, len(body), zlib.crc32(body)) + body


def _frames(path: Path) -> Iterator[tuple[bytes, bytes]]:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
        while len(head := file.read(HEAD.size)) == HEAD.size:
            kind, length, checksum = HEAD.unpack(head)
            if length > MAX_BODY:
                return
            body = file.read(length)
            if len(body) < length or zlib.crc32(body) != checksum:
                return
            yield kind, zlib.decompress(body)


def _load_reading(body: bytes) -> Reading:
    [row] = np.frombuffer(body, READING)
    return Reading(*row.item())


def _dump_samples(samples: Samples) -> bytes:
    """Return samples as ``trial_file.pack`` has them, column after column, each behind a letter for its type.

    Their times run from the whole second in which the earliest was due: the first of them need no wide column then.
    """
    base_s = int(max(0.0, np.floor(samples.scheduled_s.min())))
    columns = pack(moved(samples, -base_s))
    parts = [COUNT.pack(len(samples), base_s)]
    for name in COLUMNS:
        column = columns[name]
        parts += [column.dtype.char.encode(), column.tobytes()]
    return b"".join(parts)


def _load_samples(body: bytes) -> Samples:
    length, base_s = COUNT.unpack_from(body)
    at, columns = COUNT.size, {}
    for name in COLUMNS:
        kind = np.dtype(body[at : at + 1].decode())
        columns[name] = np.frombuffer(body, kind, length, at + 1)
        at += 1 + length * kind.itemsize
    return moved(unpack(columns), base_s)


def _dump_counts(counts: Counts) -> bytes:
    """Return the columns of counts, each value as what it is more than the one before, byte by byte of all of them."""
    parts = []
    for name in ROW.names or ():
        column = counts.rows[name]
        apart = np.diff(column, prepend=column.dtype.type(0))
        parts.append(apart.view(np.uint8).reshape(len(apart), -1).T.tobytes())
    return b"".join(parts)


def _load_counts(body: bytes) -> Counts:
    length = len(body) // ROW.itemsize
    rows, at = np.empty(length, ROW), 0
    for name in ROW.names or ():
        kind = ROW[name]
        size = length * kind.itemsize
        apart = np.frombuffer(body, np.uint8, size, at).reshape(-1, length).T.copy().view(kind)[:, 0]
        rows[name] = np.cumsum(apart, dtype=kind)
        at += size
    return Counts(rows)
