"""What a run of a schedule records: what was planned, for run.json, and what was found, as its summary.json has it.

A run of a schedule has no cells and no verdicts: the answer is a course over time, for each side in each block.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from loadtests.experiment.loads import Arrivals
from loadtests.experiment.rate_schedule import RateSchedule, parse_schedule
from loadtests.experiment.sides import SideLabel
from loadtests.records.json_files import Record
from loadtests.records.sample_stream import SUFFIX


class ScheduleRecord(Record):
    """The plan of a run of a schedule.

    Attributes:
        rate: the schedule as it is typed.
        arrivals: how arrivals are drawn.
        orders: block by block, the sides in the order in which the schedule is carried out on them.
        percentile: of the response time, 99.0 for p99, that the objective is about.
        limit_s: its upper limit in seconds, from when a request was due.
        errors: share of requests that may fail, 0 to 1.
        raw_bytes: how large the samples of one trial might grow before requests were only counted.
    """

    rate: str
    arrivals: Arrivals
    orders: list[list[SideLabel]]
    percentile: float
    limit_s: float
    errors: float
    raw_bytes: int

    @property
    def schedule(self) -> RateSchedule:
        """The schedule itself."""
        return parse_schedule(self.rate, self.arrivals)

    @property
    def labels(self) -> list[SideLabel]:
        """The sides that it is carried out on: one or both."""
        return sorted(self.orders[0])


class IntervalFigures(Record):
    """One side in one interval of the schedule, over all blocks that reached it.

    Attributes:
        begin_s: where the interval begins, in seconds from the beginning of the schedule.
        end_s: where it ends.
        rate_rps: the mean rate that was planned, in arrivals per second.
        requests: requests that were due in it.
        answered_rps: good answers per second that came in it, on average over the blocks.
        failed: requests that failed, by reason.
        p50_s: median of the response time from when requests were due, in seconds; None where there are too few
            requests for it, or where it falls among failed ones.
        p99_s: its 99th percentile, likewise.
        wanted_s: the percentile that the objective is about, likewise.
        lag_p99_s: the 99th percentile of how long the driver itself was late, likewise.
        in_flight: most requests that were unanswered at any reading; None if there was none.
        server_cores: how many cores the server kept busy, on average over the blocks; None if that is not known.
        server_rss: its resident memory in bytes, the most of all readings; None if that is not known.
        driver_cores: the same as ``server_cores`` of the load driver, which includes asking the clock until a request
            is due.
        steal: share of the cores' time that the hypervisor gave to others, 0 to 1, in the worst span of some seconds in
            any block; None if that is not known.
        foreign: likewise, the share that other programs used.
        throttled: likewise, the share that was lost to a CPU quota.
        missed: why the objective was missed in it, in words, of the first block in which it was; empty if it was kept.
        missed_blocks: in how many blocks it was missed.
        blocks: how many blocks reached its end.
    """

    begin_s: int
    end_s: int
    rate_rps: float
    requests: int
    answered_rps: float
    failed: dict[str, int]
    p50_s: float | None
    p99_s: float | None
    wanted_s: float | None
    lag_p99_s: float | None
    in_flight: int | None
    server_cores: float | None
    server_rss: int | None
    driver_cores: float | None = None
    steal: float | None = None
    foreign: float | None = None
    throttled: float | None = None
    missed: list[str]
    missed_blocks: int
    blocks: int

    @property
    def errors(self) -> float:
        """Share of the requests that failed, 0 to 1."""
        return sum(self.failed.values()) / self.requests if self.requests else 0.0


class Broke(Record):
    """Where a side broke in one block.

    Attributes:
        at_s: the beginning of the first interval of those in which the objective was missed, in seconds.
        rate_rps: the mean planned rate in that interval, in arrivals per second.
        reasons: in which ways it was missed, each in words.
        recovered_s: from when on the side met the objective to the end; None if it did not.
        suspect: what else may have been the limit: the load driver, or something else on the machine; None if nothing
            points to either.
        doubts: what points to it, in words.
    """

    at_s: int
    rate_rps: float
    reasons: list[str]
    recovered_s: int | None
    suspect: Literal["driver", "machine"] | None = None
    doubts: list[str] = Field(default_factory=list)


class TrialCourse(Record):
    """What became of the schedule on one side in one block.

    Attributes:
        block: from 0.
        label: the side.
        requests: requests that are recorded.
        reached_s: how far the schedule was carried out, in seconds.
        complete: whether the driver came to the end of its work, and was not ended before.
        unanswered: requests in flight at the last reading of a trial that ended early, which are recorded nowhere.
        stalled: a sentence if the driver gave up waiting for the server, else None.
        stopped: a sentence if no more was sent because too much was unanswered, else None.
        broke: where the side broke; None if it did not.
        missed: how many intervals missed the objective.
        missed_last: whether the last interval missed it, which was not enough for the side to have broken.
        happened: what went wrong with the side, the driver or the database, in words.
        driver_late: in how many intervals the load driver's own delay was a large part of the response time.
        disturbed: what others took of the machine in the worst span of the trial, in words; empty if it was little.
        raw_until_s: from when on requests were only counted; None if all are kept.
        bytes: size of its file.
        driver_rss: the most resident memory of the load driver, in bytes; None if it was never read.
        rss_per_hour: growth of the server's resident memory in the second half of its readings, in bytes per hour; None
            where there are too few.
    """

    block: int
    label: SideLabel
    requests: int
    reached_s: float
    complete: bool
    unanswered: int
    stalled: str | None
    stopped: str | None
    broke: Broke | None
    missed: int = 0
    missed_last: bool = False
    happened: list[str] = Field(default_factory=list)
    driver_late: int = 0
    disturbed: list[str] = Field(default_factory=list)
    raw_until_s: float | None
    bytes: int
    driver_rss: int | None
    rss_per_hour: float | None


class ScheduleOutcome(Record):
    """The whole of a schedule run's summary.json.

    Attributes:
        schema_version: tells it from the summary of other runs.
        run: the run's name.
        complete: whether every planned trial came to its end.
        rate: the schedule.
        objective: in words.
        relative_error: by how much a percentile may be off, as a share: they are read from histograms.
        intervals: by side, in the order of time.
        trials: in the order in which they were made.
    """

    schema_version: Literal["schedule-1"] = Field("schedule-1", alias="schema")
    run: str
    complete: bool
    rate: str
    objective: str
    relative_error: float
    intervals: dict[SideLabel, list[IntervalFigures]]
    trials: list[TrialCourse]


def stream_path(trials: Path, block: int, label: SideLabel) -> Path:
    """Return the file of one trial."""
    return trials / f"{block:03d}-schedule-{label}{SUFFIX}"
