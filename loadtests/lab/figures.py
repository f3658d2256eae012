"""A lane's figures: reports of the load process added up turn by turn, and summarised over the last turns (pure)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtests.lab.histogram import P99_NEEDS, median_s, merged, p99_s
from loadtests.lab.messages import Report
from loadtests.lab.state import Now

LAST_TURNS = 3
"""Throughput and medians cover this many turns: few, so that a change shows quickly."""
KEPT_TURNS = 60
LEAST_WINDOW_S = 0.25
"""A shorter window, which has just opened, is not shown."""


@dataclass
class Turn:
    """What was measured in one turn's window.

    Attributes:
        number: of the turn.
        at_s: when it was last added to, on the monotonic clock.
        window_s: how long the window has been so far, in seconds.
        answers: good ones.
        errors: failed requests.
        counts: response times of the good ones.
        cpu_s: CPU time of the server, in seconds; None if it is not known.
        passed_s: the time that the reports on the window cover, in seconds.
        own_cpu_s: CPU time of the load process in that time, in seconds.
        lag_s: how late its event loop was at most, in seconds.
        undrained: requests to the other lane that were unanswered in that time.
    """

    number: int
    at_s: float
    window_s: float = 0.0
    answers: int = 0
    errors: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    cpu_s: float | None = 0.0
    passed_s: float = 0.0
    own_cpu_s: float = 0.0
    lag_s: float = 0.0
    undrained: int = 0

    @property
    def busy(self) -> float:
        """The load process's share of a core, 0 to 1."""
        return self.own_cpu_s / self.passed_s if self.passed_s else 0.0


class Figures:
    """One lane's turns under the present load: never more than ``KEPT_TURNS``."""

    def __init__(self) -> None:
        """Begin with none."""
        self.epoch = -1
        self.turns: deque[Turn] = deque(maxlen=KEPT_TURNS)
        self.example = ""

    def forget(self) -> None:
        """Start over: the load has changed."""
        self.turns.clear()
        self.example = ""

    def add(self, report: Report, at_s: float) -> None:
        """Add a report on this lane; skip reports on an earlier load, and start over with those on a later one."""
        if report.epoch != self.epoch:
            if report.epoch < self.epoch:
                return
            self.forget()
            self.epoch = report.epoch
        if report.example:
            self.example = report.example
        if report.window_s <= 0:
            return
        if not self.turns or self.turns[-1].number != report.turn:
            self.turns.append(Turn(report.turn, at_s))
        turn = self.turns[-1]
        turn.at_s = at_s
        turn.window_s += report.window_s
        turn.answers += report.answers
        turn.errors += report.errors
        turn.counts = merged([turn.counts, report.counts])
        turn.cpu_s = None if turn.cpu_s is None or report.cpu_s is None else turn.cpu_s + report.cpu_s
        turn.passed_s += report.passed_s
        turn.own_cpu_s += report.own_cpu_s
        turn.lag_s = max(turn.lag_s, report.lag_s)
        turn.undrained = max(turn.undrained, report.undrained)

    def last(self, most: int = LAST_TURNS) -> list[Turn]:
        """Return the last turns whose windows were long enough."""
        return [turn for turn in self.turns if turn.window_s >= LEAST_WINDOW_S][-most:]

    def now(self, in_flight: int | None, *, stalled: bool = False) -> Now:
        """Return what is shown.

        Args:
            in_flight: requests without an answer; None if that is not known.
            stalled: whether nothing is answered any more, whatever earlier turns have seen.
        """
        if stalled:
            return Now(rps=0.0, in_flight=in_flight)
        turns = self.last()
        window_s = sum(turn.window_s for turn in turns)
        if not window_s:
            return Now(in_flight=in_flight)
        p50_s, slow_s = median_s(merged(turn.counts for turn in turns)), p99_s(self._enough_for_p99())
        return Now(
            rps=round(rps_of(turns) or 0.0, 2),
            p50_ms=None if p50_s is None else round(1000 * p50_s, 3),
            p99_ms=None if slow_s is None else round(1000 * slow_s, 3),
            errors_per_s=round(sum(turn.errors for turn in turns) / window_s, 2),
            in_flight=in_flight,
        )

    def _enough_for_p99(self) -> dict[int, int]:
        """Return the response times of the last turns, as many turns as a 99th percentile needs."""
        taken: list[dict[int, int]] = []
        number = 0
        for turn in reversed(self.last(KEPT_TURNS)):
            taken.append(turn.counts)
            number += turn.answers
            if number >= P99_NEEDS and len(taken) >= LAST_TURNS:
                break
        return merged(taken)


def rps_of(turns: Sequence[Turn]) -> float | None:
    """Return good answers per second of window; None of no window."""
    window_s = sum(turn.window_s for turn in turns)
    return sum(turn.answers for turn in turns) / window_s if window_s else None


def cpu_per_request_s(turns: Sequence[Turn]) -> float | None:
    """Return the server's CPU time per answer, in seconds; None if it is not known, or nothing was answered."""
    known = [(turn.cpu_s, turn.answers + turn.errors) for turn in turns if turn.cpu_s is not None]
    answers = sum(count for _, count in known)
    return sum(cpu_s for cpu_s, _ in known) / answers if answers else None


def busy_share(turns: Sequence[Turn], cores: int) -> float | None:
    """Return the share of its cores that the server kept busy, 0 to 1; None if it is not known."""
    known = [(turn.cpu_s, turn.window_s) for turn in turns if turn.cpu_s is not None]
    window_s = sum(seconds for _, seconds in known)
    return sum(cpu_s for cpu_s, _ in known) / (window_s * cores) if window_s else None
