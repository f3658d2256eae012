"""What the engine tells the load process, and what comes back: small messages, however many requests were sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtests.experiment.request import Request
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.values import Variables
from loadtests.lab.histogram import Counts
from loadtests.system.connections import SYSTEMS, Trust

REPORT_S = 0.1
"""Time between two reports, in seconds."""
Phase = Literal["lead-in", "window", "drain", "idle"]


@dataclass(frozen=True)
class Asked:
    """What one lane's server is asked.

    Attributes:
        start: which start of a server this is; if the number changes, all connections are new.
        base_url: where it listens, without a trailing slash.
        pids: its processes, whose CPU time is read; none if that is not known.
        requests: sent in turn, or one after another by each user.
        expected_s: how long an answer is expected to take at most, in seconds.
        sequence: whether each user sends them one after another.
        variables: what fills their places. Secrets, perhaps: they go through the pipe, and nowhere else.
        trust: which certificates are trusted, if it is asked by https.
    """

    start: int
    base_url: str
    pids: tuple[int, ...]
    requests: tuple[Request, ...]
    expected_s: float = 0.0
    sequence: bool = False
    variables: Variables = field(default_factory=Variables, repr=False)
    trust: Trust = SYSTEMS


@dataclass(frozen=True)
class Load:
    """Everything that the load process should do from now on.

    Attributes:
        epoch: counts changes; figures of different epochs belong to different loads.
        users: of each lane.
        wait_s: how long a request waits by design, in seconds: users start spread over it.
        lanes: those that have a server; other lanes get no turn.
        paused: whether nothing is sent at all.
    """

    epoch: int
    users: int
    wait_s: float
    lanes: Mapping[SideLabel, Asked]
    paused: bool = False


@dataclass(frozen=True)
class LaneReport:
    """The state of one lane.

    Attributes:
        in_flight: requests without an answer.
        silent_s: for how long nothing of an answer has come while requests were in flight, in seconds.
    """

    in_flight: int
    silent_s: float


@dataclass(frozen=True)
class Report:
    """What happened since the last report.

    Attributes:
        epoch: of the load.
        turn: counts turns.
        lane: whose turn it is; None if it is nobody's.
        phase: of the turn.
        window_s: how much of the time belongs to a window, in seconds.
        answers: good ones that came in a window.
        errors: requests that failed in a window.
        counts: response times of the good ones.
        cpu_s: CPU time of the lane's server inside of a window, in seconds; None if it is not known.
        example: what was wrong with a failed request; empty if none failed.
        lanes: each lane that has a server.
        passed_s: since the last report, in seconds.
        own_cpu_s: CPU time of the load process since then, in seconds.
        lag_s: the longest that its event loop was late, in seconds.
        undrained: requests of the other lane that were still unanswered when the turn began.
    """

    epoch: int
    turn: int
    lane: SideLabel | None
    phase: Phase
    window_s: float
    answers: int
    errors: int
    counts: Counts
    cpu_s: float | None
    example: str
    lanes: Mapping[SideLabel, LaneReport]
    passed_s: float
    own_cpu_s: float
    lag_s: float
    undrained: int
