"""summary.json, the outcome of a run: comparisons with verdicts, and each side's figures (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import SideLabel

Verdict = Literal["a", "b", "equivalent", "inconclusive"]
Metric = Literal["throughput", "p50", "p99", "cpu_per_request"]
Limit = Literal["users", "cpu", "threads", "connections"]
UNITS: Mapping[Metric, str] = {
    "throughput": "requests/s",
    "p50": "s",
    "p99": "s",
    "cpu_per_request": "s",
}


def headline_of(load: Load) -> Metric:
    """Return what a cell's verdict is about: in a closed loop the throughput, in an open one the slowest answers.

    Arrivals set the throughput of an open loop, as long as a server keeps up with them.
    """
    return "throughput" if isinstance(load, ClosedLoop) else "p99"


def side_names(a: str, b: str) -> tuple[str, str]:
    """Return what to call the two sides in a sentence: as written, or told apart where both are the same."""
    return (a, b) if a != b else (f"{a} (a)", f"{b} (b)")


@dataclass(frozen=True)
class Value:
    """A side's figure; null where it could not be measured."""

    side: str
    value: float | None


@dataclass(frozen=True)
class Interval:
    """A side's figure over blocks with its 95 % confidence interval."""

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Seen:
    """What was seen inside one side's server while a cell was measured: means over the instants in all windows.

    Attributes:
        instants: how many.
        in_flight: requests that the app was busy with.
        threads: worker threads in use; this and the following are None where the server has no such thing.
        threads_waiting: who waited for one.
        connections: database connections in use.
        connections_waiting: who waited for one.
        turns_waiting: requests that waited to be let into a dependency with ``max_concurrency``.
        lag_p50_s: how long a ready callback waited for the event loop, in seconds: the median.
        lag_p95_s: its 95th percentile.
    """

    instants: int
    in_flight: float
    threads: float | None
    threads_waiting: float | None
    connections: float | None
    connections_waiting: float | None
    turns_waiting: float | None
    lag_p50_s: float
    lag_p95_s: float


@dataclass(frozen=True)
class BlockFigures:
    """One side of one cell in one block.

    Attributes:
        block: its number, from 0.
        throughput: requests/s; this and all figures below are None where the side collapsed.
        p50: of the response time, in seconds; of this and the next two, None where there are too few requests for it,
            or where it falls among failed requests.
        p95: likewise.
        p99: likewise.
        cpu_per_request: seconds of server CPU; None if unknown.
        rss_bytes: resident memory; None if unknown.
        requests: requests counted.
        failures: how many of them failed.
        collapsed: whether the side could not be measured.
    """

    block: int
    throughput: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    cpu_per_request: float | None
    rss_bytes: int | None
    requests: int
    failures: int
    collapsed: bool


@dataclass(frozen=True)
class FailedRequests:
    """Requests of one side of a cell that failed alike, and what came of one of them.

    Attributes:
        asked: which request it was: ``GET /orders``; empty where that was not noted.
        failure: why they did not succeed: ``status``, ``body``, ``connect``, ``disconnect`` or ``cut_off``.
        status: of their answers; 0 where none came.
        count: how many there were.
        body: how the body of one answer began, on one line; empty if it had none, or none was kept.
        location: where it pointed to; empty if it was no redirection.
        reason: what else is known of it, in words; may be empty.
    """

    asked: str
    failure: str
    status: int
    count: int
    body: str = ""
    location: str = ""
    reason: str = ""


@dataclass(frozen=True)
class AnswerSize:
    """How large the good answers of one side of a cell were.

    Attributes:
        asked: to which request: ``GET /orders``; empty where that was not noted.
        answers: how many there were.
        mean_bytes: of their bodies, as they were sent: compressed, if they were.
    """

    asked: str
    answers: int
    mean_bytes: float


@dataclass(frozen=True)
class Needs:
    """What a request of one side needs, as lighter loads tell, and what the side could do at the most by that.

    Attributes:
        cpu_s: CPU time of the server, in seconds: as measured with the next fewer users.
        wait_s: all other time until the answer, in seconds: as measured with the fewest.
        users: how many those were.
        ceilings_rps: by what would be used up first, requests/s that it allows, however many users there are.
    """

    cpu_s: float
    wait_s: float
    users: int
    ceilings_rps: dict[Limit, float]


@dataclass(frozen=True)
class CellResult:
    """One side of one cell, over all blocks.

    Attributes:
        scenario: its name.
        load: its load.
        label: ``a`` or ``b``.
        side: the side as written.
        throughput: requests/s; None if it never gave a good answer.
        cpu_per_request: seconds of server CPU; None if unknown.
        latency_s: percentiles of all blocks' response times together, by name (``p50`` … ``p99.9``), in
            seconds. None where there are too few requests for it, or where it falls among failed requests.
        latency_samples: requests behind those percentiles.
        windows_s: how long the windows were, all together, in seconds; 0 where that was not noted.
        requests: requests counted.
        failures: how many failed, by reason.
        statuses: of those with another status than they should have, how many had which.
        failed: the same in full: by request, reason and status, with an example of each; the most frequent first.
        answer_sizes: how large good answers were, by request.
        rss_bytes: most resident memory seen; None if unknown.
        threads: most threads seen; None if unknown.
        driver_busy: the driver's mean share of its core, 0 to 1.
        driver_peak: its share in the busiest second of any block.
        service_s: percentiles from when requests were sent, where latency_s has them from when they were due.
        lag_s: percentiles of the time between the two, the client's own delay; all 0 in a closed loop.
        offered: requests/s that were due; in a closed loop what the users came to send.
        in_flight: mean number of requests in flight.
        littles_law: throughput × mean response time ÷ mean in flight, which is 1 in a steady state; None if unknown.
        response_mean_s: that mean: of the requests that were sent or ended in the windows, from when they were sent, in
            seconds.
        collapsed: a sentence for each block in which the side could not be measured.
        predicted_rps: what the model says of its throughput, in requests/s; None where it says nothing.
        limit: what binds it by the model; None likewise.
        bound_rps: the most by three divisions, without a model, in requests/s; None likewise.
        seen: what was seen inside its server; None if nobody looked.
        limit_seen: what binds it by that; None likewise.
        by_block: its figures block by block; empty in summaries that were made before they were kept.
        needs: what a request needs, as lighter loads tell; None where that is not known.
        limit_unknown: why it is not known what binds it; empty where it is, and where the model is not asked.
        assumed: what the model takes for granted of the side, each in words that follow "that".
    """

    scenario: str
    load: Load
    label: SideLabel
    side: str
    throughput: Interval | None
    cpu_per_request: Interval | None
    latency_s: dict[str, float | None]
    latency_samples: int
    requests: int
    failures: dict[str, int]
    rss_bytes: int | None
    threads: int | None
    driver_busy: float
    driver_peak: float
    service_s: dict[str, float | None]
    lag_s: dict[str, float | None]
    offered: float
    in_flight: float
    littles_law: float | None
    response_mean_s: float | None
    collapsed: list[str]
    predicted_rps: float | None = None
    limit: Limit | None = None
    seen: Seen | None = None
    limit_seen: Limit | None = None
    windows_s: float = 0.0
    bound_rps: float | None = None
    by_block: list[BlockFigures] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    failed: list[FailedRequests] = field(default_factory=list)
    answer_sizes: list[AnswerSize] = field(default_factory=list)
    needs: Needs | None = None
    limit_unknown: str = ""
    assumed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """The two sides of one cell on one metric; ``ratio`` is b ÷ a, the verdict names the *better* side."""

    scenario: str
    load: Load
    metric: Metric
    a: Value
    b: Value
    unit: str
    ratio: float | None
    interval: tuple[float, float] | None
    blocks: int
    verdict: Verdict
    flags: list[str] = field(default_factory=list)
    explanation: str = ""


@dataclass(frozen=True)
class Outcome:
    """Everything that is derived from a run's samples.

    Attributes:
        run: the run's name.
        complete: whether every planned trial is in it.
        comparisons: verdicts, in the plan's order.
        cells: each side's own figures, in the same order.
        control: side a against itself, in a second process; None if that was not measured.
        unserved: sides that gave no answer at all, or none any more from some point on, each with a sentence.
        schema: the version of this format; first in the file, so that a reader knows what it reads.
    """

    schema: Literal[1] = field(default=1, kw_only=True)
    run: str
    complete: bool
    comparisons: list[Comparison]
    cells: list[CellResult]
    control: Comparison | None = None
    unserved: dict[SideLabel, str] = field(default_factory=dict)

    @property
    def unanswered(self) -> bool:
        """Whether something was asked, and neither side gave one good answer in any cell."""
        tried = any(cell.requests or cell.collapsed for cell in self.cells)
        return tried and not any(cell.throughput for cell in self.cells)

    @property
    def doubted(self) -> bool:
        """Whether side a differs from itself, so that no figure of the run can be trusted."""
        interval = self.control.interval if self.control is not None else None
        return interval is not None and not interval[0] <= 1 <= interval[1]
