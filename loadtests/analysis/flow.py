"""Throughput, requests in flight and Little's law: how requests flow through the measured windows (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.records.samples import Samples, Seconds, Slice

Windows = Sequence[tuple[float, float]]
"""When each opened and closed, in the samples' seconds, one after the other."""


@dataclass(frozen=True)
class Flow:
    """What went through the windows of a trial.

    Attributes:
        windows_s: the windows' length, in seconds.
        answers: requests that ended, each by the share of its time that lies in a window.
        in_flight_s: requests in flight, summed over the windows' time, in request-seconds.
        crossings: edges of requests that lie in a window: one for having been sent there, one for having ended there.
        residence_s: how long the request of each such edge took, summed, in seconds.
    """

    windows_s: float = 0.0
    answers: float = 0.0
    in_flight_s: float = 0.0
    crossings: int = 0
    residence_s: float = 0.0

    @property
    def in_flight(self) -> float:
        """Mean number of requests in flight."""
        return self.in_flight_s / self.windows_s if self.windows_s else 0.0

    @property
    def littles_law(self) -> float | None:
        """Throughput × mean response time ÷ mean in flight, which is 1 in a steady state; None if nothing flowed.

        The mean response time is that of the requests which enter or leave in the windows, not of those that are seen
        there: where slow requests are still building up, or some starve, the two sides differ. In a steady state
        either of them would do; both together are less at the mercy of where the windows' edges fall.
        Source: J. D. C. Little, A Proof for the Queuing Formula L = λW, Operations Research 9 (1961).
        """
        mean_s = self.response_mean_s
        return self.answers * mean_s / self.in_flight_s if mean_s is not None and self.in_flight_s else None

    @property
    def response_mean_s(self) -> float | None:
        """Mean response time of the requests that entered or left, in seconds; None if there were none."""
        return self.residence_s / self.crossings if self.crossings else None


def together(flows: Sequence[Flow]) -> Flow:
    """Add up the flows of several trials."""
    return Flow(
        windows_s=sum(f.windows_s for f in flows),
        answers=sum(f.answers for f in flows),
        in_flight_s=sum(f.in_flight_s for f in flows),
        crossings=sum(f.crossings for f in flows),
        residence_s=sum(f.residence_s for f in flows),
    )


def inside(instants_s: Seconds, windows: Windows) -> npt.NDArray[np.bool_]:
    """Return which instants lie in a window, its opening included, its end not; NaN lies in none."""
    found: npt.NDArray[np.bool_] = np.searchsorted(_edges(windows), instants_s, side="right") % 2 == 1
    return found


def overlap(samples: Samples, windows: Windows) -> Seconds:
    """Return for each request how long it was in flight inside the windows, in seconds; 0 if it never ended."""
    edges = _edges(windows)
    if not len(edges):
        return np.zeros(len(samples))
    # At each edge the windows' time so far. It grows evenly in a window and not at all between two.
    lengths = np.diff(edges)
    lengths[1::2] = 0.0
    passed = np.concatenate(([0.0], np.cumsum(lengths)))
    seconds = np.interp(samples.ended_s, edges, passed)
    seconds -= np.interp(samples.sent_s, edges, passed)
    return np.nan_to_num(np.maximum(seconds, 0.0, out=seconds), copy=False, nan=0.0)


def credit(samples: Samples, windows: Windows) -> Seconds:
    """Return for each request the share of its time in flight that lies inside the windows, from 0 to 1.

    Summed and divided by the windows' length this is the throughput. Counting whole answers tends to the same
    value, for over all time a request's shares add up to one; but where answers come in waves, as they do from users
    who wait alike or threads that share a core, a count in a short window is off by up to a wave. The shares are not:
    while every request takes R seconds, N users are counted as N ÷ R, wherever the window lies.
    """
    took = np.maximum(samples.ended_s - samples.sent_s, 1e-9)
    return np.nan_to_num(np.clip(overlap(samples, windows) / took, 0.0, 1.0), copy=False, nan=0.0)


def flow(samples: Samples, windows: Windows) -> Flow:
    """Return what flowed through windows."""
    took = samples.ended_s - samples.sent_s
    ended = ~np.isnan(took)
    entered, left = inside(samples.sent_s, windows) & ended, inside(samples.ended_s, windows)
    return Flow(
        windows_s=sum(closed - opened for opened, closed in windows),
        answers=float(credit(samples, windows).sum()),
        in_flight_s=float(overlap(samples, windows).sum()),
        crossings=int(np.count_nonzero(entered) + np.count_nonzero(left)),
        residence_s=float(took[entered].sum() + took[left].sum()),
    )


Halves = tuple[list[tuple[float, float]], list[tuple[float, float]]]
"""Parts of windows, the earlier and the later ones."""


def halves(slices: Sequence[Slice]) -> Halves:
    """Cut the windows of a trial into two halves of equal time, the earlier and the later one."""
    left = sum(turn.closed_s - turn.opened_s for turn in slices) / 2
    earlier: list[tuple[float, float]] = []
    later: list[tuple[float, float]] = []
    for turn in slices:
        cut = min(turn.opened_s + max(left, 0.0), turn.closed_s)
        if cut > turn.opened_s:
            earlier.append((turn.opened_s, cut))
        if cut < turn.closed_s:
            later.append((cut, turn.closed_s))
        left -= turn.closed_s - turn.opened_s
    return earlier, later


def halves_of_each(slices: Sequence[Slice]) -> Halves:
    """Cut every window in two: what grows from an empty server in each slice is seen however many slices there are."""
    middles = [(turn.opened_s + turn.closed_s) / 2 for turn in slices]
    return (
        [(turn.opened_s, middle) for turn, middle in zip(slices, middles, strict=True)],
        [(middle, turn.closed_s) for turn, middle in zip(slices, middles, strict=True)],
    )


def _edges(windows: Windows) -> Seconds:
    return np.array(windows, dtype=np.float64).ravel()
