"""How large the good answers of both sides are, and where that says that they are not the same (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.analysis.failed_requests import asked_of
from loadtests.records.samples import Recording
from loadtests.records.summary import AnswerSize

DIFFER_SHARE = 0.1
DIFFER_BYTES = 32
"""Sides differ if one sends more than the other by both: a time or an id may be written longer by a few bytes."""

MOST_TOLD = 3
"""Requests that are told in words."""


@dataclass(frozen=True)
class Difference:
    """A request to which the sides send good answers of different size: bytes of their bodies, on average."""

    asked: str
    a: float
    b: float


def sizes_of(recording: Recording) -> list[AnswerSize]:
    """Return how large the good answers of a trial were, by request."""
    return [
        AnswerSize(asked_of(recording, each.request), each.answers, each.total / each.answers)
        for each in recording.good_bytes
    ]


def pooled(trials: Iterable[Sequence[AnswerSize]]) -> list[AnswerSize]:
    """Take several trials together, request by request."""
    found: dict[str, AnswerSize] = {}
    for each in (each for trial in trials for each in trial):
        before = found.get(each.asked, AnswerSize(each.asked, 0, 0.0))
        answers = before.answers + each.answers
        total = before.answers * before.mean_bytes + each.answers * each.mean_bytes
        found[each.asked] = AnswerSize(each.asked, answers, total / answers)
    return list(found.values())


def differences(a: Sequence[AnswerSize], b: Sequence[AnswerSize]) -> list[Difference]:
    """Return where good answers of side a are not as large as those of side b, the largest difference first."""
    theirs = {each.asked: each.mean_bytes for each in b}
    found = [
        Difference(each.asked, each.mean_bytes, theirs[each.asked])
        for each in a
        if each.asked in theirs and _differ(each.mean_bytes, theirs[each.asked])
    ]
    return sorted(found, key=lambda each: -abs(each.a - each.b))


def _differ(one: float, other: float) -> bool:
    less, more = sorted((one, other))
    return more - less > DIFFER_BYTES and more > (1 + DIFFER_SHARE) * less


def in_words(found: Sequence[Difference], a: str, b: str) -> str:
    """Write "GET /rows: 56.4 kB from full, 2 bytes from empty", request by request; ``a`` and ``b`` name the sides."""
    said = [
        f"{each.asked + ': ' if each.asked else ''}{size_in_words(each.a)} from {a}, {size_in_words(each.b)} from {b}"
        for each in found[:MOST_TOLD]
    ]
    left = len(found) - MOST_TOLD
    more = [f"and {left} more request{'s' if left > 1 else ''}"] if left > 0 else []
    return "; ".join([*said, *more])


def size_in_words(size: float) -> str:
    """Write "2 bytes", "56.4 kB" or "1.2 MB"."""
    if size >= 1e6:
        return f"{size / 1e6:.1f} MB"
    if size >= 1e3:
        return f"{size / 1e3:.1f} kB"
    return f"{size:.0f} byte{'s' if round(size) != 1 else ''}"
