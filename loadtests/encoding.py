"""The columns of a trial as they lie on disk: times as small integers, a fifth of the size they have in memory (pure).

Most of a time's 64 bits say nothing: the clock is read to 100 ns at best, and the interesting part is how far two
instants of one request are apart. So each instant is a count of ticks from another that is close to it, in the
smallest integers that hold the column.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from loadtests.samples import Samples, Seconds

TICKS_PER_S = 10_000_000
"""A tick is 100 ns, about as long as reading the clock takes."""
SIZES = (np.int8, np.int16, np.int32, np.int64)
COLUMNS = ("scheduled", "lag", "head", "body", "status", "failure", "request")

Ticks = npt.NDArray[np.signedinteger]


def on_tick(seconds: float) -> float:
    """Return an instant as the samples of a trial have it when they are read back, in seconds."""
    return float(np.round(seconds * TICKS_PER_S) / TICKS_PER_S)


def pack(samples: Samples) -> dict[str, npt.NDArray[np.integer]]:
    """Return the columns to save, by COLUMNS.

    ``scheduled`` counts ticks from the request before, ``lag`` from scheduled to sent, ``head`` from sent to the first
    byte, and ``body`` from there (without an answer, from sent) to the end. What is NaN in the samples is the lowest
    value of its column's type; scheduled and sent never are.
    """
    scheduled, sent = _ticks(samples.scheduled_s), _ticks(samples.sent_s)
    first, ended = _ticks(samples.first_byte_s), _ticks(samples.ended_s)
    no_answer, no_end = np.isnan(samples.first_byte_s), np.isnan(samples.ended_s)
    return {
        "scheduled": _small(np.diff(scheduled, prepend=0)),
        "lag": _small(sent - scheduled),
        "head": _small(first - sent, no_answer),
        "body": _small(ended - np.where(no_answer, sent, first), no_end),
        "status": samples.status,
        "failure": samples.failure,
        "request": samples.request,
    }


def unpack(columns: Mapping[str, npt.NDArray[np.integer]]) -> Samples:
    """Return the samples that ``pack`` made these columns of; raises ValueError if they are none such."""
    if len({columns[name].shape for name in COLUMNS}) != 1 or columns["lag"].ndim != 1:
        raise ValueError("columns of unequal length")
    scheduled = np.cumsum(columns["scheduled"], dtype=np.int64)
    sent = scheduled + columns["lag"]
    first, no_answer = _after(sent, columns["head"])
    ended, no_end = _after(np.where(no_answer, sent, first), columns["body"])
    return Samples(
        scheduled_s=_seconds(scheduled),
        sent_s=_seconds(sent),
        first_byte_s=_seconds(first, no_answer),
        ended_s=_seconds(ended, no_end),
        status=columns["status"].astype(np.uint16, copy=False),
        failure=columns["failure"].astype(np.uint8, copy=False),
        request=columns["request"].astype(np.uint16, copy=False),
    )


def _ticks(seconds: Seconds) -> npt.NDArray[np.int64]:
    return np.round(np.nan_to_num(seconds, nan=0.0) * TICKS_PER_S).astype(np.int64)


def _seconds(ticks: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_] | None = None) -> Seconds:
    seconds = ticks / TICKS_PER_S
    if unknown is not None:
        seconds[unknown] = np.nan
    return seconds


def _small(ticks: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_] | None = None) -> Ticks:
    """Return the same in the smallest type that holds it, its lowest value kept for what is unknown."""
    if unknown is not None:
        ticks = np.where(unknown, 0, ticks)
    low, high = (int(ticks.min()), int(ticks.max())) if len(ticks) else (0, 0)
    size = next(size for size in SIZES if np.iinfo(size).min < low and high <= np.iinfo(size).max)
    small: Ticks = ticks.astype(size)
    if unknown is not None:
        small[unknown] = np.iinfo(size).min
    return small


def _after(
    start: npt.NDArray[np.int64], ticks: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return instants so many ticks after ``start``, and which of them are unknown."""
    unknown: npt.NDArray[np.bool_] = ticks == np.iinfo(ticks.dtype).min
    return start + ticks, unknown
