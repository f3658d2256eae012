"""validation.json: the measurements of a validation. Findings, chart and report are derived from this file."""

from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field

from loadtests.records.json_files import Record
from loadtests.records.summary import Verdict
from loadtests.runner.single_server import Workspace
from loadtests.system.machine import Environment

Study = Literal["alike", "cpu_10", "wait_2", "cpu_5"]
"""The known difference of the two sides: none, or an addition to b."""
Check = Literal["aa", "effects", "queue", "stall", "overload", "capacity", "drivers"]
CHECKS: tuple[Check, ...] = ("aa", "effects", "queue", "stall", "overload", "capacity", "drivers")


class Provenance(Record):
    """When, and with which version of this project, a check was carried out.

    Attributes:
        created: when the validation started.
        commit: of this project, with a plus sign if there were uncommitted changes; None outside a git checkout.
        seconds: how long the check took.
    """

    created: AwareDatetime
    commit: str | None
    seconds: float


class KnownComparison(Record):
    """One comparison whose true ratio is known.

    Attributes:
        study: the known difference between the sides.
        run: number of the run it belongs to, from 0.
        sides: both, as written.
        scenario: its name.
        users: of the closed loop.
        blocks: number of blocks behind the ratio.
        truth: the true ratio, b ÷ a of throughput.
        ratio: the measured ratio; None if nothing was measured.
        interval: its 95 % interval.
        verdict: after Holm's correction within its run.
        flags: those that the harness raised.
    """

    study: Study
    run: int
    sides: tuple[str, str]
    scenario: str
    users: int
    blocks: int
    truth: float
    ratio: float | None
    interval: tuple[float, float] | None
    verdict: Verdict
    flags: list[str]


class Comparisons(Record):
    """Comparisons with known answers.

    Attributes:
        occasion: when and with which code it was measured.
        time_s: seconds for each cell and block of a fixed design; None where runs had a budget.
        budget_s: how long each run might take, in seconds; None for a fixed design.
        precision: half-width of an interval at which a cell was settled; None likewise.
        work_share: users → share of the server's CPU time that is the known work, from which the true ratio with more
            CPU work is computed; empty if no study adds CPU work.
        rows: every comparison, in the order in which they were made.
    """

    occasion: Provenance
    time_s: float | None = None
    budget_s: float | None = None
    precision: float | None = None
    work_share: dict[int, float] = Field(default_factory=dict)
    rows: list[KnownComparison]


class Percentiles(Record):
    """A median and a 99th percentile, in seconds."""

    p50: float
    p99: float


class Band(Record):
    """The ranges in which 99 % of samples of that size have their percentiles, in seconds."""

    p50: tuple[float, float]
    p99: tuple[float, float]


class QueueRecord(Record):
    """A server with a known distribution of service times.

    Attributes:
        occasion: when and with which code it was measured.
        queues: number of equal queues; each arrival joins one at random.
        arrivals_rps: at each of them, arrivals per second.
        service_s: mean service time in seconds, exponentially distributed.
        window_s: how long it was measured.
        requests: how many were measured.
        theory: of M/M/1.
        band: the range in which a perfect measurement of so many requests would be.
        measured: by the driver.
        logged: by the server itself, of the requests that arrived in the same window.
    """

    occasion: Provenance
    queues: int
    arrivals_rps: float
    service_s: float
    window_s: float
    requests: int
    theory: Percentiles
    band: Band
    measured: Percentiles
    logged: Percentiles


class StallRecord(Record):
    """A server that is paused regularly, and the same server under a high rate without pauses.

    Attributes:
        occasion: when and with which code it was measured.
        every_s: the server was paused once in so many seconds.
        for_s: length of each pause.
        window_s: how long it was measured.
        rate_rps: arrivals per second of the open loop.
        users: of the closed loop.
        open_p99_s: 99th percentile by the open loop.
        closed_p99_s: 99th percentile by the closed loop.
        closed_stalled: number of requests of the closed loop that a pause delayed, and number of all its requests.
        pace_rps: arrivals per second without pauses.
        pace_p99_s: 99th percentile of the response times there.
        pace_logged_p99_s: the same by the server's own log.
        pace_lag_p99_s: 99th percentile of the dispatch lag, the client's own delay.
    """

    occasion: Provenance
    every_s: float
    for_s: float
    window_s: float
    rate_rps: float
    users: int
    open_p99_s: float
    closed_p99_s: float
    closed_stalled: tuple[int, int]
    pace_rps: float
    pace_p99_s: float
    pace_logged_p99_s: float
    pace_lag_p99_s: float


class RateFlags(Record):
    """One rate of arrivals, measured as a cell of a run is.

    Attributes:
        offered_rps: arrivals per second.
        answered_rps: answers per second.
        flags: those that the harness raised.
    """

    offered_rps: float
    answered_rps: float
    flags: list[str]


class OverloadRecord(Record):
    """Queues that keep up with what arrives, and the same queues when they can't.

    Attributes:
        occasion: when and with which code it was measured.
        served_rps: what they serve at the most, in requests/s.
        trials: measured at each rate.
        rows: the rates.
    """

    occasion: Provenance
    served_rps: float
    trials: int
    rows: list[RateFlags]


class CapacityRecord(Record):
    """A search for the highest rate that keeps an objective, on queues for which theory knows it.

    Attributes:
        occasion: when and with which code it was measured.
        objective: in words.
        theory_rps: the highest rate by theory, in arrivals per second.
        kept_rps: the highest rate that was kept; None if there was none.
        missed_rps: the lowest that was missed; None if there was none.
        probes: how many rates were measured.
    """

    occasion: Provenance
    objective: str
    theory_rps: float
    kept_rps: float | None
    missed_rps: float | None
    probes: int


class Agreement(Record):
    """One scenario, measured by another client and by the httpx driver.

    Attributes:
        client: ``wrk`` or ``locust``.
        scenario: its name.
        users: of the closed loop.
        ours: async ÷ sync of throughput by the httpx driver, with its interval.
        theirs: the same by the client.
        apart: ours ÷ theirs, paired by round, with its interval.
        ours_rps: requests/s of the async build by the httpx driver.
        theirs_rps: the same by the client.
        headroom: ours_rps ÷ theirs_rps, paired by round, with its interval.
    """

    client: str
    scenario: str
    users: int = 64
    ours: tuple[float, float, float]
    theirs: tuple[float, float, float]
    apart: tuple[float, float, float]
    ours_rps: float
    theirs_rps: float
    headroom: tuple[float, float, float]


class DriversRecord(Record):
    """The httpx driver and other clients, on the same two servers in turn.

    Attributes:
        occasion: when and with which code it was measured.
        users: the most there were.
        rounds: turns of each client.
        seconds: duration of a turn.
        clients: the httpx driver and those that were installed.
        rows: one for each scenario, number of users and other client.
    """

    occasion: Provenance
    users: int
    rounds: int
    seconds: float
    clients: list[str]
    rows: list[Agreement]


class Validation(Record):
    """The whole of validation.json; a check that was not carried out is None.

    Attributes:
        schema_version: of this file.
        machine: an id of the machine.
        environment: machine and versions of the latest check.
        quick: whether it was a smoke test, too short to prove a rate.
        complete: whether everything that was asked for was carried out.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    machine: str
    environment: Environment
    quick: bool
    complete: bool
    aa: Comparisons | None = None
    effects: Comparisons | None = None
    queue: QueueRecord | None = None
    stall: StallRecord | None = None
    overload: OverloadRecord | None = None
    capacity: CapacityRecord | None = None
    drivers: DriversRecord | None = None

    def checked(self) -> list[Check]:
        """Return the checks that were carried out."""
        return [check for check in CHECKS if getattr(self, check) is not None]

    def onto(self, earlier: "Validation | None") -> Self:
        """Return this validation, with checks that it lacks taken from an earlier one of the same machine."""
        if earlier is None or earlier.machine != self.machine:
            return self
        missing: dict[str, Any] = {check: getattr(earlier, check) for check in CHECKS if getattr(self, check) is None}
        return self.model_copy(update=missing)


def provenance(workspace: Workspace, seconds: float) -> Provenance:
    """Return the provenance of a check that took so many seconds."""
    return Provenance(created=workspace.created, commit=workspace.commit, seconds=round(seconds, 1))
