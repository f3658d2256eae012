"""What else the machine did while a schedule was carried out, span by span, and whether the wall clock was set.

A mean over hours would hide ten bad seconds, and whether they are those in which a side broke. So counters are read at
the edges of short spans. Reading them takes some milliseconds, once in five seconds or more.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from loadtests.experiment.rate_schedule import clock
from loadtests.experiment.sides import SideLabel
from loadtests.records.schedule_record import ScheduleRecord
from loadtests.runner.cell import total_usage
from loadtests.runner.run_log import RunLog
from loadtests.runner.runner import WallClock
from loadtests.system.cores import Cores
from loadtests.system.resources import core_times, read_usage, usage_between

SPAN_LEAST_S = 5.0
MOST_SPANS = 400
"""In a run, about: run.json has a record of each."""
SHORTEST_S = 0.5
"""What is left over at the end counts if it lasted so long: the counters run in ticks of 10 ms."""


def span_of(record: ScheduleRecord) -> float:
    """Return how long the spans of a run are, in seconds."""
    trials = sum(map(len, record.orders))
    return max(SPAN_LEAST_S, record.schedule.seconds * trials / MOST_SPANS)


class Conditions:
    """Writes down what else the machine does in each trial of a run."""

    def __init__(self, run_log: RunLog, cores: Cores, span_s: float, *, servers_are_ours: bool) -> None:
        """Prepare.

        Args:
            run_log: takes down what was found.
            cores: those that matter; all of them where nothing is pinned.
            span_s: how long a span is at least, in seconds.
            servers_are_ours: whether every server and its database are processes of this harness; if not, their time
                can't be told from that of other programs.
        """
        self._run_log = run_log
        self._cores = cores.all
        self._span_s = span_s
        self._servers_are_ours = servers_are_ours
        self._wall_clock = WallClock()

    @contextmanager
    def of_trial(self, block: int, label: SideLabel, spec: str) -> Iterator[Callable[[], None]]:
        """Watch a trial; yields what is to be called about once a second.

        Args:
            block: its number, from 0.
            label: the side.
            spec: the side as it was typed.
        """
        begun = read_usage(self._cores)
        last = begun

        def end_span() -> None:
            nonlocal last
            now = read_usage(self._cores)
            record = total_usage(block, [usage_between(last, now)], len(core_times(self._cores)))
            changes = {"label": label, "begin_s": round(last.at_s - begun.at_s, 3)}
            if not self._servers_are_ours:
                changes["foreign"] = None  # type: ignore[assignment]
            last = now
            machine = [*self._run_log.manifest.machine, record.model_copy(update=changes)]
            with suppress(OSError):  # a disk that is full ends the trial where samples can't be written
                self._run_log.update(machine=machine)
                if (step := self._wall_clock.stepped()) is not None:
                    where = f"while {spec} was measured in block {block + 1}, before {clock(now.at_s - begun.at_s)}"
                    self._run_log.event(block, label, "clock", f"{step} {where}")

        def tell() -> None:
            if time.monotonic() - last.at_s >= self._span_s:
                end_span()

        try:
            yield tell
        finally:
            if time.monotonic() - last.at_s >= min(SHORTEST_S, self._span_s):
                end_span()
