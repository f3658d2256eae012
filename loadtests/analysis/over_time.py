"""The results of a schedule over time: figures of each interval, and where a side broke, by a stated rule.

An interval misses the objective if more than the allowed share of its requests failed, if the percentile is above its
limit, or if the backlog grows: more requests are unanswered at its end than were due within the limit before it (some
of them then take longer than that), and more than at its beginning. The number that were due is what the schedule
expects, and what chance may add. It also misses it if the driver did not even send what was due. A side *broke* in the
first of RUN successive intervals that miss it, in the last one before the driver gave up, or in the only one.

Percentiles are computed from histograms, so hours take as little memory as minutes.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from loadtests.analysis.suspects import BY_OTHERS, disturbances, late_driver, lost_to, near_ceiling
from loadtests.analysis.trial_summary import samples_needed
from loadtests.experiment.rate_schedule import Interval, RateSchedule
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import MachineRecord, Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_stream import UNKNOWN, End, Reading, is_of, read_stream
from loadtests.records.samples import Failure, Samples
from loadtests.records.schedule_record import (
    Broke,
    IntervalFigures,
    ScheduleOutcome,
    ScheduleRecord,
    TrialCourse,
    stream_path,
)
from loadtests.records.second_counts import (
    BUCKETS,
    NEVER,
    RELATIVE_ERROR,
    Counts,
    Kind,
    buckets_of,
    count,
    percentile_of,
)

RUN = 2
"""How many successive intervals must miss the objective: a single one may be a pause of the machine."""
CHANCE = 3
"""Standard deviations by which more requests may be due than expected: with random arrivals, square roots."""
UNSENT_LEAST, UNSENT_CHANCE = 0.02, 6
"""Requests that must be missing for the driver to have fallen behind: a share, and standard deviations."""
PART_S = 0.5
"""The interval in which the driver gave up counts if at least this many seconds of it passed."""
READINGS_LEAST = 20
"""Readings of the server's memory that it takes to report growth."""
WENT_WRONG = frozenset({"collapsed", "restarted", "log"})
"""Kinds of events that belong to what is said of a trial."""
Histogram = npt.NDArray[np.int64]


@dataclass
class Course:
    """What was measured in one trial, by interval: rows of arrays are the schedule's intervals.

    Attributes:
        schedule: that was carried out.
        intervals: of it.
        response: requests by bucket of their response time.
        lag: requests by bucket of the driver's delay.
        outcome: requests by ``Failure``.
        answered: good answers that came in each interval.
        readings: of the driver's and the server's state, in the order of time.
        end: how the driver ended it; None if it was killed.
        machine: what else the machine did in spans of the trial.
        ceiling_rps: what the driver reached by itself, in requests/s; None if that is not known.
    """

    schedule: RateSchedule
    intervals: Sequence[Interval] = field(init=False)
    response: Histogram = field(init=False)
    lag: Histogram = field(init=False)
    outcome: Histogram = field(init=False)
    answered: Histogram = field(init=False)
    readings: list[Reading] = field(default_factory=list)
    end: End | None = None
    machine: Sequence[MachineRecord] = ()
    ceiling_rps: float | None = None

    def __post_init__(self) -> None:
        self.intervals = self.schedule.intervals()
        size = len(self.intervals)
        self.response, self.lag = np.zeros((size, BUCKETS), np.int64), np.zeros((size, BUCKETS), np.int64)
        self.outcome, self.answered = np.zeros((size, len(Failure)), np.int64), np.zeros(size, np.int64)
        self._ends = np.array([each.end_s for each in self.intervals])

    def add(self, counts: Counts) -> None:
        """Add requests; answers that came after the last interval's end are in no interval."""
        rows = counts.rows
        which = np.searchsorted(self._ends, rows["second"], side="right")
        inside = which < len(self._ends)
        for kind, to in ((Kind.RESPONSE, self.response), (Kind.LAG, self.lag), (Kind.OUTCOME, self.outcome)):
            these = (rows["kind"] == kind) & inside
            np.add.at(to, (which[these], rows["bucket"][these]), rows["count"][these])
        these = (rows["kind"] == Kind.ANSWERED) & inside
        np.add.at(self.answered, which[these], rows["count"][these])

    @property
    def reached_s(self) -> float:
        """How far the schedule was carried out, in seconds."""
        if self.end is not None:
            return self.end.reached_s
        return min(self.readings[-1].time_s, float(self._ends[-1])) if self.readings else 0.0

    @property
    def reached(self) -> int:
        """How many intervals were carried out: to their end, or for at least PART_S until the driver gave up."""
        whole = int(np.searchsorted(self._ends, self.reached_s + 0.5, side="right"))
        if self.gave_up and whole < len(self._ends) and self.reached_s - self.intervals[whole].begin_s >= PART_S:
            return whole + 1
        return whole

    def seconds_of(self, which: int) -> float:
        """Return how long an interval lasted, including the wait for the last answers if the driver gave up in it."""
        interval = self.intervals[which]
        last_s = max([self.reached_s, *(each.time_s for each in self.readings[-1:])])
        return min(last_s, interval.end_s) - interval.begin_s

    @property
    def gave_up(self) -> str | None:
        """Why the driver ended the schedule early; None if it did not."""
        return (self.end.stalled or self.end.stopped) if self.end is not None else None

    def readings_in(self, which: int) -> list[Reading]:
        """Return the readings inside an interval, and the one at its end."""
        return self._between(self.intervals[which].begin_s + 0.5, self.intervals[which].end_s + 0.5)

    def busy(self, which: int, whose: Literal["server_cpu_s", "driver_cpu_s"]) -> float | None:
        """Return how many cores the server, or the driver, kept busy in an interval; None if that is not known."""
        interval = self.intervals[which]
        known = [
            each
            for each in self._between(interval.begin_s - 0.5, interval.end_s + 0.5)
            if math.isfinite(getattr(each, whose))
        ]
        if len(known) < 2:
            return None
        spent_s: float = getattr(known[-1], whose) - getattr(known[0], whose)
        return spent_s / (known[-1].time_s - known[0].time_s)

    def _between(self, begin_s: float, end_s: float) -> list[Reading]:
        first, last = (bisect_left(self.readings, at_s, key=lambda each: each.time_s) for at_s in (begin_s, end_s))
        return self.readings[first:last]

    def in_flight_at(self, second: float) -> int | None:
        """Return how many requests were unanswered at an instant; None if there is no reading near it."""
        near = self._between(second - 1.0, second + 1.0)
        return min(near, key=lambda each: abs(each.time_s - second)).in_flight if near else None


def read_course(path: Path, schedule: RateSchedule) -> Course:
    """Read a trial's file in pieces; if it was cut off, read all complete frames."""
    course = Course(schedule)
    for frame in read_stream(path):
        if isinstance(frame, Samples):
            course.add(count(frame))
        elif isinstance(frame, Counts):
            course.add(frame)
        elif isinstance(frame, Reading):
            course.readings.append(frame)
        else:
            course.end = frame
    return course


def analyse_schedule(folder: RunFolder, manifest: Manifest, plan: ScheduleRecord) -> ScheduleOutcome:
    """Derive everything that summary.json holds from a run's files; a trial that is missing is left out."""
    schedule = plan.schedule
    trials: list[TrialCourse] = []
    courses: dict[SideLabel, list[Course]] = {label: [] for label in plan.labels}
    for block, order in enumerate(plan.orders):
        for label in order:
            path = stream_path(folder.trials, block, label)
            if not path.exists() or not is_of(path, folder.run_id):
                continue
            course = read_course(path, schedule)
            course.machine = [each for each in manifest.machine if (each.block, each.label) == (block, label)]
            course.ceiling_rps = manifest.driver_ceiling_rps
            courses[label].append(course)
            happened = [
                event.message
                for event in manifest.events
                if (event.block, event.label) == (block, label) and event.kind in WENT_WRONG
            ]
            trials.append(_trial(block, label, course, plan, path.stat().st_size, happened))
    planned = sum(map(len, plan.orders))
    return ScheduleOutcome(
        run=manifest.name,
        complete=manifest.complete and len(trials) == planned and all(trial.complete for trial in trials),
        rate=str(schedule),
        objective=objective_in_words(plan),
        relative_error=RELATIVE_ERROR,
        intervals={label: pooled(each, plan) for label, each in courses.items() if each},
        trials=trials,
    )


def objective_in_words(plan: ScheduleRecord) -> str:
    """Write the objective."""
    return f"p{plan.percentile:g} within {plan.limit_s * 1000:,g} ms, at most {plan.errors * 100:g} % failed"


def missed(course: Course, which: int, plan: ScheduleRecord) -> list[str]:
    """Return the reasons why an interval of a trial misses the objective, in words; empty if it meets it."""
    failed, slow = _failed(course, which, plan), _slow(course, which, plan)
    gave_up = course.gave_up if which == course.reached - 1 else None
    return [
        reason for reason in (failed, slow, _backlog(course, which, plan), _unsent(course, which), gave_up) if reason
    ]


def _failed(course: Course, which: int, plan: ScheduleRecord) -> str | None:
    requests = int(course.outcome[which].sum())
    share = 1 - course.outcome[which, Failure.NONE] / requests if requests else 0.0
    return f"{share:.1%} of requests failed" if share > plan.errors else None


def _percentile(course: Course, which: int, plan: ScheduleRecord) -> float | None:
    return percentile_of(course.response[which], plan.percentile, samples_needed(plan.percentile))


def _slow(course: Course, which: int, plan: ScheduleRecord) -> str | None:
    value = _percentile(course, which, plan)
    if value is None:
        return _slow_by_count(course, which, plan)
    if value <= plan.limit_s:
        return None
    shown = f"{value * 1000:,.0f} ms" if math.isfinite(value) else "beyond measure"
    return f"p{plan.percentile:g} was {shown}"


def _slow_by_count(course: Course, which: int, plan: ScheduleRecord) -> str | None:
    """Judge an interval of too few requests for the percentile: more are slow than chance would explain."""
    answered = course.response[which, :NEVER]
    slow = int(answered[int(buckets_of(np.array([plan.limit_s]))[0]) + 1 :].sum())
    allowed = float(answered.sum()) * (1 - plan.percentile / 100)
    if slow <= allowed + CHANCE * math.sqrt(allowed):
        return None
    return f"{slow:,} of {answered.sum():,} answers took longer than {plan.limit_s * 1000:,.0f} ms"


def _backlog(course: Course, which: int, plan: ScheduleRecord) -> str | None:
    interval = course.intervals[which]
    begins, ends = course.in_flight_at(interval.begin_s), course.in_flight_at(interval.end_s)
    due = course.schedule.arrivals_between(interval.end_s - plan.limit_s, interval.end_s)
    if ends is None or ends <= max(begins or 0, due + CHANCE * math.sqrt(due)):
        return None
    return f"{ends:,} requests were unanswered, and the number grew"


def _unsent(course: Course, which: int) -> str | None:
    """Say that requests were due and never sent: the driver had fallen behind when it gave up.

    Of a trial that was killed, what was unanswered is recorded nowhere either, so nothing can be said.
    """
    if course.end is None:
        return None
    interval = course.intervals[which]
    due = course.schedule.arrivals_between(interval.begin_s, min(interval.end_s, course.reached_s))
    sent = int(course.outcome[which].sum())
    if due - sent <= max(UNSENT_LEAST * due, UNSENT_CHANCE * math.sqrt(due)):
        return None
    return f"the load driver sent only {sent:,} of about {due:,.0f} requests that were due"


def broke(course: Course, plan: ScheduleRecord) -> Broke | None:
    """Return where a side broke in a trial; None if it did not."""
    reasons = [missed(course, which, plan) for which in range(course.reached)]
    last = len(reasons) - 1
    for which, each in enumerate(reasons):
        run = reasons[which : which + RUN]
        gave_up = course.gave_up is not None and which == last
        if each and (gave_up or last == 0 or (len(run) == RUN and all(run))):
            after = next((n for n in range(last, which, -1) if reasons[n]), which)
            interval = course.intervals[which]
            suspect, doubts = suspects(course, which, plan)
            return Broke(
                at_s=interval.begin_s,
                rate_rps=round(interval.rate_rps, 2),
                reasons=each,
                recovered_s=course.intervals[after].end_s if after < last and not course.gave_up else None,
                suspect=suspect,
                doubts=doubts,
            )
    return None


def late_in(course: Course, which: int, plan: ScheduleRecord) -> str | None:
    """Return a sentence if the driver's own delay is a large part of the response time in an interval, else None."""
    return late_driver(course.lag[which], course.response[which], plan)


def suspects(course: Course, which: int, plan: ScheduleRecord) -> tuple[Literal["driver", "machine"] | None, list[str]]:
    """Return what else may have been the limit in an interval, and what points to it, in words.

    A side that failed its requests, and was not slow, did not do so because something else was busy.
    """
    value = _percentile(course, which, plan)
    if _failed(course, which, plan) and not _backlog(course, which, plan) and (value is None or math.isinf(value)):
        return None, []
    interval = course.intervals[which]
    driver = [
        late_in(course, which, plan), _unsent(course, which), near_ceiling(interval.rate_rps, course.ceiling_rps),
    ]  # fmt: skip
    of_driver = [each for each in driver if each]
    of_machine = list(disturbances(course.machine, interval.begin_s, interval.end_s))
    return "driver" if of_driver else "machine" if of_machine else None, [*of_driver, *of_machine]


def pooled(courses: Sequence[Course], plan: ScheduleRecord) -> list[IntervalFigures]:
    """Return the figures of one side, over its blocks, in each interval that at least one block has reached."""
    return [
        _figures(which, [course for course in courses if which < course.reached], plan)
        for which in range(max((course.reached for course in courses), default=0))
    ]


def _figures(which: int, courses: Sequence[Course], plan: ScheduleRecord) -> IntervalFigures:
    interval = courses[0].intervals[which]
    response, lag = sum_of(course.response[which] for course in courses), sum_of(c.lag[which] for c in courses)
    outcome = sum_of(course.outcome[which] for course in courses)
    why = [missed(course, which, plan) for course in courses]
    readings = [each for course in courses for each in course.readings_in(which)]
    sizes = [each.server_rss for each in readings if each.server_rss != UNKNOWN]
    rates = [course.answered[which] / course.seconds_of(which) for course in courses]
    lost = {name: [lost_to(name, c.machine, interval.begin_s, interval.end_s) for c in courses] for name in BY_OTHERS}
    return IntervalFigures(
        begin_s=interval.begin_s,
        end_s=interval.end_s,
        rate_rps=round(interval.rate_rps, 3),
        requests=int(outcome.sum()),
        answered_rps=round(float(np.mean(rates)), 3),
        failed={reason.name.lower(): int(outcome[reason]) for reason in Failure if reason and outcome[reason]},
        p50_s=_finite(percentile_of(response, 50.0, samples_needed(50.0))),
        p99_s=_finite(percentile_of(response, 99.0, samples_needed(99.0))),
        wanted_s=_finite(percentile_of(response, plan.percentile, samples_needed(plan.percentile))),
        lag_p99_s=_finite(percentile_of(lag, 99.0, samples_needed(99.0))),
        in_flight=max((each.in_flight for each in readings), default=None),
        server_cores=_mean([course.busy(which, "server_cpu_s") for course in courses]),
        server_rss=max(sizes, default=None),
        driver_cores=_mean([course.busy(which, "driver_cpu_s") for course in courses]),
        **{name: max((share for share in each if share is not None), default=None) for name, each in lost.items()},
        missed=next((each for each in why if each), []),
        missed_blocks=sum(map(bool, why)),
        blocks=len(courses),
    )


def sum_of(rows: Iterable[Histogram]) -> Histogram:
    """Add up histograms."""
    return np.sum(list(rows), axis=0)  # type: ignore[no-any-return]


def _trial(
    block: int, label: SideLabel, course: Course, plan: ScheduleRecord, size: int, happened: list[str]
) -> TrialCourse:
    end, readings = course.end, course.readings
    where = broke(course, plan)
    return TrialCourse(
        block=block,
        label=label,
        requests=int(course.outcome.sum()),
        reached_s=round(course.reached_s, 3),
        complete=end is not None,
        unanswered=readings[-1].in_flight if readings and end is None else 0,
        stalled=end.stalled if end else None,
        stopped=end.stopped if end else None,
        broke=where,
        missed=sum(bool(missed(course, which, plan)) for which in range(course.reached)),
        missed_last=where is None and course.reached > 0 and bool(missed(course, course.reached - 1, plan)),
        happened=happened,
        driver_late=sum(bool(late_in(course, which, plan)) for which in range(course.reached)),
        disturbed=list(disturbances(course.machine, 0.0, course.reached_s)),
        raw_until_s=end.raw_until_s if end else None,
        bytes=size,
        driver_rss=max((each.driver_rss for each in readings), default=None),
        rss_per_hour=_growth(readings),
    )


def _growth(readings: Sequence[Reading]) -> float | None:
    """Return the growth of the server's memory in the second half, in bytes an hour: in the first half it settles."""
    known = [(each.time_s, each.server_rss) for each in readings if each.server_rss != UNKNOWN]
    later = np.array(known[len(known) // 2 :], float)
    if len(later) < READINGS_LEAST:
        return None
    return float(np.polyfit(later[:, 0], later[:, 1], 1)[0]) * 3600


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 3) if known else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
