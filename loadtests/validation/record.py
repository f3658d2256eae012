"""What a validation measured: the content of validation.json. Everything it claims is worked out from this.

When a check was carried out, and at which commit.
"""

from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field

from loadtests.records.json_files import Record
from loadtests.records.outcome import Verdict
from loadtests.runner.single_server import Workspace
from loadtests.system.machine import Environment

Study = Literal["alike", "cpu_10", "wait_2", "cpu_5"]
"""What the two sides of a rehearsal are: the same, or b with an addition."""
Check = Literal["aa", "effects", "queue", "stall", "drivers"]
CHECKS: tuple[Check, ...] = ("aa", "effects", "queue", "stall", "drivers")


class Occasion(Record):
    """When and with which code a check was carried out.

    Attributes:
        created: when the validation was started.
        commit: of this project, with a plus sign if files differed from it; None outside a git checkout.
        seconds: how long the check took.
    """

    created: AwareDatetime
    commit: str | None
    seconds: float


class Known(Record):
    """One comparison whose true ratio is known.

    Attributes:
        study: what was put there.
        run: number of the rehearsal it belongs to.
        sides: both, as written.
        scenario: what was asked.
        users: of the closed loop.
        blocks: behind the ratio.
        truth: the true ratio, b ÷ a of throughput.
        ratio: what was measured; None if nothing was.
        interval: its 95 % interval.
        verdict: after Holm's correction within its run.
        flags: what the harness itself had to say.
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
        occasion: when.
        time_s: seconds for each cell and block.
        work_share: users → share of the server's CPU time that is the loop itself, by which the truth of more CPU is
            worked out; empty where there is no such study.
        rows: every comparison, in the order in which they were made.
    """

    occasion: Occasion
    time_s: float
    work_share: dict[int, float] = Field(default_factory=dict)
    rows: list[Known]


class Percentiles(Record):
    """A median and a 99th percentile, in seconds."""

    p50: float
    p99: float


class Band(Record):
    """Between which values 99 % of samples of that size have their percentiles, in seconds."""

    p50: tuple[float, float]
    p99: tuple[float, float]


class QueueRecord(Record):
    """A server with a known distribution of service times.

    Attributes:
        occasion: when.
        queues: how many queues there were, all alike, each arrival joining one at random.
        arrivals_rps: at each of them, arrivals per second.
        service_s: mean service time in seconds, exponentially distributed.
        window_s: how long it was measured.
        requests: how many were measured.
        theory: of M/M/1.
        band: where a perfect measurement of so many requests would be.
        measured: by the driver.
        logged: by the server itself, of the requests that came to it in the same window.
    """

    occasion: Occasion
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
    """A server that is stopped now and then, and one that is not.

    Attributes:
        occasion: when.
        every_s: the server was stopped once in so many seconds,
        for_s: for so long.
        window_s: how long it was measured.
        rate_rps: arrivals per second of the open loop.
        users: of the closed loop.
        open_p99_s: what the open loop said.
        closed_p99_s: what the closed loop said.
        closed_stalled: requests of the closed loop that met the stall, of how many.
        pace_rps: arrivals per second at a server that answers after WAIT_S, and is not stopped.
        pace_p99_s: 99th percentile of the response times there.
        pace_logged_p99_s: the same by the server's own log.
        pace_lag_p99_s: 99th percentile of the client's own delay.
    """

    occasion: Occasion
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


class Agreement(Record):
    """One scenario by one client beside the httpx driver.

    Attributes:
        client: ``wrk`` or ``locust``.
        scenario: what was asked.
        ours: async ÷ sync of throughput by the httpx driver, with its interval.
        theirs: the same by the client.
        apart: ours ÷ theirs, paired by round, with its interval.
        ours_rps: requests/s of the async build by the httpx driver.
        theirs_rps: the same by the client.
        headroom: ours_rps ÷ theirs_rps, paired by round, with its interval.
    """

    client: str
    scenario: str
    ours: tuple[float, float, float]
    theirs: tuple[float, float, float]
    apart: tuple[float, float, float]
    ours_rps: float
    theirs_rps: float
    headroom: tuple[float, float, float]


class DriversRecord(Record):
    """The httpx driver beside other clients, on the same two servers, in turn.

    Attributes:
        occasion: when.
        users: of the closed loop.
        rounds: how often each client had its turn.
        seconds: how long a turn was.
        clients: those that were at hand.
        rows: a scenario and client each.
    """

    occasion: Occasion
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
    drivers: DriversRecord | None = None

    def checked(self) -> list[Check]:
        """Return the checks that were carried out."""
        return [check for check in CHECKS if getattr(self, check) is not None]

    def onto(self, earlier: "Validation | None") -> Self:
        """Return this validation with what it lacks taken from an earlier one of the same machine."""
        if earlier is None or earlier.machine != self.machine:
            return self
        missing: dict[str, Any] = {check: getattr(earlier, check) for check in CHECKS if getattr(self, check) is None}
        return self.model_copy(update=missing)


def occasion(workspace: Workspace, seconds: float) -> Occasion:
    """Return when a check was carried out that took so many seconds."""
    return Occasion(created=workspace.created, commit=workspace.commit, seconds=round(seconds, 1))
