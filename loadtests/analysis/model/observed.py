"""Observed queues: where requests were inside a server, instant by instant, and which limit that shows (pure).

The model's predictions are judged by this; it never sees one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.analysis import flow
from loadtests.analysis.model.capacity import NEAR_FULL, Resources
from loadtests.records.samples import UNKNOWN, Recording, Samples, Timeline
from loadtests.records.summary import Limit, Seen

WAITS_FROM = 0.05
"""Share of the requests in flight from which on a queue is one, and not a moment's hesitation."""
Line = npt.NDArray[np.float64]
MEASURED = "measured"
ARRIVED = 0.5
"""Below this share of the most that was sent in a lead-in, what came before is over."""
ARRIVAL_INSTANTS = 4
"""Fewer show no dip."""
LONGEST_STEP_S = 0.1
"""Time between two instants that is drawn at the most: the other side's turns are left out."""


@dataclass(frozen=True)
class Places:
    """How many requests are in each place, an array over instants or a single mean; together they are all in flight.

    Attributes:
        thread: in one of the worker threads, which is not waiting for a connection.
        loop: on the event loop: running, ready to run, or awaiting something else.
        thread_queue: waiting for a worker thread.
        turn_queue: waiting to be let into a dependency with ``max_concurrency``.
        connection_queue: waiting for a database connection.
    """

    thread: np.ndarray
    loop: np.ndarray
    thread_queue: np.ndarray
    turn_queue: np.ndarray
    connection_queue: np.ndarray


def places(timeline: Timeline) -> Places:
    """Divide the requests in flight among the places where they can be."""
    rows = timeline.rows

    def count(name: str) -> np.ndarray:
        return np.where(rows[name] == UNKNOWN, 0, rows[name]).astype(float)

    blocked = count("threads_blocked")
    thread = np.maximum(0.0, count("threads") - blocked)
    queues = count("threads_waiting"), count("turns_waiting"), count("connections_waiting")
    loop = np.maximum(0.0, count("in_flight") - thread - sum(queues))
    return Places(thread, loop, *queues)


def seen_in(timelines: Sequence[Timeline]) -> Seen | None:
    """Return what was seen over all instants of some timelines; None if there are none."""
    rows = [timeline.rows for timeline in timelines if len(timeline)]
    if not rows:
        return None
    whole = Timeline(np.concatenate(rows))
    lags = whole.rows["lag_s"]
    return Seen(
        instants=len(whole),
        in_flight=whole.mean("in_flight") or 0.0,
        threads=whole.mean("threads"),
        threads_waiting=whole.mean("threads_waiting"),
        connections=whole.mean("connections"),
        connections_waiting=whole.mean("connections_waiting"),
        turns_waiting=whole.mean("turns_waiting"),
        lag_p50_s=float(np.percentile(lags, 50)),
        lag_p95_s=float(np.percentile(lags, 95)),
    )


def limit_seen(seen: Seen, busy: float, has: Resources) -> Limit:
    """Return which limit binds by what was seen.

    Args:
        seen: inside of the server.
        busy: CPU time of the server ÷ (time × cores), 0 to 1.
        has: what the side has.
    """
    if busy >= NEAR_FULL:
        return "cpu"
    queue = max(0.5, WAITS_FROM * seen.in_flight)
    for_thread = seen.threads_waiting or 0.0
    for_connection = (seen.connections_waiting or 0.0) + (seen.turns_waiting or 0.0)
    threads_out = has.threads is not None and (seen.threads or 0.0) >= NEAR_FULL * has.threads
    if threads_out and for_thread >= max(queue, for_connection):
        return "threads"
    return "connections" if for_connection >= queue else "users"


@dataclass(frozen=True)
class LoadTimeline:
    """One side's trial while it was under load.

    Attributes:
        timeline: the instants at which the app had requests.
        time_s: seconds under load until each of them.
        turns_s: where on that axis each of its turns ended.
        windows_s: where on that axis each measured window opened and closed.
        steady: the instants inside of those windows; all of them if none was completed.
        sent: how many requests the client had sent at each instant, and not yet had the answer of.
        steady_sent: its mean over the steady instants.
    """

    timeline: Timeline
    time_s: Line
    turns_s: Sequence[float]
    windows_s: Sequence[tuple[float, float]]
    steady: Timeline
    sent: Line
    steady_sent: float

    @property
    def outside(self) -> Line:
        """How many requests were not in the app, though the client had sent them: on their way, or not yet read."""
        outside: Line = np.maximum(0.0, self.sent - self.timeline.rows["in_flight"])
        return outside

    @property
    def phases(self) -> list["Phase"]:
        """What went on, from the left to the right."""
        found: list[Phase] = []
        begin = 0.0
        for end in [*self.turns_s, float(self.time_s[-1])]:
            windows = [(low, high) for low, high in self.windows_s if begin <= (low + high) / 2 < end]
            if windows:
                first, last = windows[0][0], min(windows[-1][1], end)
                arrived = self._arrival(begin, first)
                found += [Phase("all ask once", begin, arrived)] if arrived > begin else []
                found.append(Phase("lead-in", arrived, first))
                found += [Phase(MEASURED, low, high) for low, high in windows]
                found.append(Phase("lead-out", last, end))
            elif found and end > begin:
                found.append(Phase("lead-out", begin, end))
            begin = max(begin, end)
        return found

    def _arrival(self, begin: float, end: float) -> float:
        """Return when all users had asked once, before they began to ask again and again; the begin if they did not."""
        inside = np.flatnonzero((self.time_s >= begin) & (self.time_s < end))
        if len(inside) < ARRIVAL_INSTANTS:
            return begin
        sent = self.sent[inside]
        low = ARRIVED * sent.max()
        above = np.flatnonzero(sent > low)
        dips = np.flatnonzero(sent[above[0] :] < low) if len(above) else above
        return float(self.time_s[inside[above[0] + dips[0]]]) if len(dips) else begin

    @property
    def busy(self) -> Line:
        """CPU time of the server's workers per second, between each instant and the one before, in cores."""
        rows = self.timeline.rows
        spent, passed = np.diff(rows["cpu_s"]), np.diff(rows["time_s"])
        return np.concatenate([[np.nan], np.where(passed > LONGEST_STEP_S, np.nan, spent / passed)])


@dataclass(frozen=True)
class Phase:
    """A part of a trial: what goes on in it, and between which seconds under load."""

    name: str
    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it takes, in seconds."""
        return self.end_s - self.begin_s


def _sent(samples: Samples, instants_s: Line) -> Line:
    """Return how many requests were sent and not yet answered at some instants; one never answered stays so."""
    begun, ended = (np.sort(column[~np.isnan(column)]) for column in (samples.sent_s, samples.ended_s))
    after = np.searchsorted(begun, instants_s, side="right")
    return (after - np.searchsorted(ended, instants_s, side="right")).astype(float)


def load_timeline(recording: Recording) -> LoadTimeline | None:
    """Return a trial while it was under load; None if nobody looked, or nothing was seen."""
    if recording.timeline is None:
        return None
    rows = recording.timeline.rows
    rows = rows[rows["in_flight"] > 0]
    if len(rows) < 2:
        return None
    steps = np.minimum(np.diff(rows["time_s"], prepend=rows["time_s"][0]), LONGEST_STEP_S)
    time_s = np.cumsum(steps)
    ends = np.searchsorted(rows["time_s"], [turn.drained_s for turn in recording.slices])
    windows = [(turn.opened_s, turn.closed_s) for turn in recording.slices]
    sent = _sent(recording.samples, rows["time_s"])
    inside = flow.inside(rows["time_s"], windows) if windows else np.ones(len(rows), bool)
    return LoadTimeline(
        Timeline(rows),
        time_s,
        turns_s=[float(time_s[end - 1]) for end in ends if 0 < end < len(rows)],
        windows_s=[(float(low), float(high)) for low, high in np.interp(windows, rows["time_s"], time_s)],
        steady=Timeline(rows[inside]),
        sent=sent,
        steady_sent=float(sent[inside].mean()) if inside.any() else 0.0,
    )
