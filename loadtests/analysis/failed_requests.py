"""Failed requests of a side by what came instead of a good answer: how many, with which status, in words (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from http import HTTPStatus

import numpy as np
import numpy.typing as npt

from loadtests.records.samples import Failure, FailureExample, Recording
from loadtests.records.summary import FailedRequests

MOST_KINDS = 50
"""The most frequent ones are told apart; a server may answer with another status each time."""
STATUS, CONNECT, CUT_OFF = (each.name.lower() for each in (Failure.STATUS, Failure.CONNECT, Failure.CUT_OFF))
REASONS = {
    STATUS: "another status",
    Failure.BODY.name.lower(): "wrong body",
    CONNECT: "no connection",
    Failure.DISCONNECT.name.lower(): "broken connection",
    CUT_OFF: "cut off",
}
"""What is said of each reason in `failures` where nothing more is known."""


def failed_of(recording: Recording, counted: npt.NDArray[np.bool_]) -> list[FailedRequests]:
    """Return what failed of a trial by request, reason and status, the most frequent first.

    Args:
        recording: the trial.
        counted: which of its requests count.
    """
    samples = recording.samples
    failed = counted & (samples.failure != Failure.NONE)
    if not failed.any():
        return []
    columns = samples.request[failed], samples.failure[failed], samples.status[failed]
    kinds, counts = np.unique(np.stack(columns, axis=1).astype(np.int64), axis=0, return_counts=True)
    examples = {(each.request, int(each.failure), each.status): each for each in recording.examples}
    found = [
        _described(recording, request, Failure(failure), status, int(count), examples.get((request, failure, status)))
        for (request, failure, status), count in zip(kinds.tolist(), counts, strict=True)
    ]
    return added_up([found])


def _described(
    recording: Recording, request: int, failure: Failure, status: int, count: int, example: FailureExample | None
) -> FailedRequests:
    asked, name = asked_of(recording, request), failure.name.lower()
    if example is None:
        return FailedRequests(asked, name, status, count)
    return FailedRequests(asked, name, status, count, example.body, example.location, example.reason)


def asked_of(recording: Recording, request: int) -> str:
    """Return what a request was by its index; empty where that was not noted."""
    return recording.requests[request] if request < len(recording.requests) else ""


def added_up(trials: Iterable[Sequence[FailedRequests]]) -> list[FailedRequests]:
    """Add up what failed alike, with the first example that there is; the most frequent first."""
    found: dict[tuple[str, str, int], FailedRequests] = {}
    for each in (each for trial in trials for each in trial):
        kind = (each.asked, each.failure, each.status)
        before = found.get(kind, replace(each, count=0))
        shown = before if before.body or before.location or before.reason else each
        found[kind] = replace(shown, count=before.count + each.count)
    return sorted(found.values(), key=lambda each: -each.count)[:MOST_KINDS]


def statuses_of(recording: Recording, counted: npt.NDArray[np.bool_]) -> dict[int, int]:
    """Return how many answers of a trial had which status, of those that had another one than they should."""
    samples = recording.samples
    wrong = samples.status[counted & (samples.failure == Failure.STATUS)]
    return {int(status): int(count) for status, count in zip(*np.unique(wrong, return_counts=True), strict=True)}


def status_name(status: int) -> str:
    """Return a status with its phrase, ``404 Not Found``, or alone where it has none."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def name_of(failed: FailedRequests) -> str:
    """Return what came instead of a good answer, in a few words."""
    if failed.failure == STATUS:
        return status_name(failed.status)
    if failed.failure == CONNECT and failed.reason:
        return failed.reason
    return REASONS[failed.failure]


def counted_in_words(failed: Sequence[FailedRequests]) -> str:
    """Write "700 × 500 Internal Server Error, 51 × 404 Not Found", the most frequent first."""
    counts: dict[str, int] = {}
    for each in failed:
        counts[name_of(each)] = counts.get(name_of(each), 0) + each.count
    return ", ".join(f"{count:,} × {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def in_full(failed: FailedRequests) -> str:
    """Write "188 × 307 Temporary Redirect to /shelf/" or "12 × 404 Not Found “…”": with what came of one of them."""
    said = f"{failed.count:,} × {name_of(failed)}"
    if failed.location:
        said += f" to {failed.location}"
    if failed.reason and failed.failure != CONNECT:
        said += f" ({failed.reason})"
    return f"{said} “{failed.body}”" if failed.body else said
