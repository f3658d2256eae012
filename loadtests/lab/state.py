"""What the lab's engine tells and what it can be asked: the contract between engine, web app and page."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from loadtests.experiment.sides import SideLabel

MOST_USERS = 300
MOST_MS = 3000.0
MOST_CPU_MS = 200.0
MOST_THREADS = 400
HISTORY_S = 60.0
"""How much of the past a page gets when it opens, and saves as the last minute, in seconds."""
PERIOD_S = 0.25
"""Time between two states, in seconds."""

ControlName = Literal["scenario", "users", "wait_ms", "cpu_ms", "threads", "connections", "session_limit"]
LaneKind = Literal["sync", "async", "own"]
Status = Literal["starting", "running", "restarting", "down"]
Light = Literal["good", "caution", "poor"]


class Frozen(BaseModel):
    """A value that is sent; what isn't known is null, and no number is NaN or infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(Frozen):
    """What both lanes are asked, and what they have; ``null`` where a setting does not apply.

    Attributes:
        scenario: the name of one of ``Hello.scenarios``.
        users: concurrent users of each lane, a closed loop without think time.
        wait_ms: how long a request waits by design, in milliseconds.
        cpu_ms: how long it computes by design, in milliseconds.
        threads: worker threads for ``def`` routes.
        connections: the most database connections of a lane.
        session_limit: requests that may hold a session at once; None for no limit.
    """

    scenario: str
    users: int = Field(ge=1, le=MOST_USERS)
    wait_ms: float = Field(ge=0, le=MOST_MS)
    cpu_ms: float = Field(ge=0, le=MOST_CPU_MS)
    threads: int = Field(ge=1, le=MOST_THREADS)
    connections: int = Field(ge=1, le=MOST_USERS)
    session_limit: int | None = Field(ge=1, le=MOST_USERS)


class Change(Frozen):
    """Settings to change: those that are given (``model_fields_set``). A session limit may be null."""

    scenario: str | None = None
    users: int | None = Field(None, ge=1, le=MOST_USERS)
    wait_ms: float | None = Field(None, ge=0, le=MOST_MS)
    cpu_ms: float | None = Field(None, ge=0, le=MOST_CPU_MS)
    threads: int | None = Field(None, ge=1, le=MOST_THREADS)
    connections: int | None = Field(None, ge=1, le=MOST_USERS)
    session_limit: int | None = Field(None, ge=1, le=MOST_USERS)


class Build(Frozen):
    """Which app a lane is: its name as typed, and its kind."""

    name: str
    kind: LaneKind


class Control(Frozen):
    """A setting as it is offered.

    Attributes:
        name: of the setting.
        label: in words.
        unit: of its value; empty for a number of things.
        low: the least value; null for the scenario, which is chosen from a list.
        high: the greatest value.
        step: between values.
        scale: of a slider.
        restarts: whether a change needs a restart of a lane.
        applies_to: the lanes that it belongs to.
        why_not: why it can't be used; empty where it can.
        allows_null: whether "none" is a value.
    """

    name: ControlName
    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    scale: Literal["linear", "log"] = "linear"
    restarts: bool = False
    applies_to: Literal["both", "a", "b"] = "both"
    why_not: str = ""
    allows_null: bool = False


class Scenario(Frozen):
    """What can be asked of both lanes.

    Attributes:
        name: as in ``Settings.scenario``.
        title: in words.
        code: the source of each lane's handler; empty where it isn't known.
        waiting_line: the number of the line of that source, from 1, on which a request waits or computes longest; null
            where there is none.
        uses: which of the settings go into the request.
    """

    name: str
    title: str
    code: Mapping[SideLabel, str]
    waiting_line: Mapping[SideLabel, int | None]
    uses: Sequence[ControlName]


class Option(Frozen):
    """A possible answer to a preset's question."""

    id: str
    label: str


class Preset(Frozen):
    """Settings named after a lesson, with a question that is to be answered before the result is shown."""

    name: str
    title: str
    lesson: str
    question: str
    options: Sequence[Option]


class Prediction(Frozen):
    """The preset that is shown, and what was guessed.

    Attributes:
        name: of the preset.
        hidden: whether figures are to be hidden, because nobody has guessed yet.
        guess: the option that was chosen.
        outcome: what was measured since, in a sentence; null while hidden, or while there is too little to say.
        answer: the option that what was measured speaks for; null like ``outcome``.
    """

    name: str
    hidden: bool
    guess: str | None = None
    outcome: str | None = None
    answer: str | None = None


class Now(Frozen):
    """A lane's figures over its last turns; null where there is too little to say."""

    rps: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    errors_per_s: float | None = None
    in_flight: int | None = None


class Where(Frozen):
    """Where a lane's requests were, on average over what was seen last; their sum is the number in flight."""

    in_thread: float
    waiting_for_thread: float
    waiting_for_connection: float
    on_loop: float
    other: float


class Ceiling(Frozen):
    """The most requests a second that a lane can answer by the model, and what limits them."""

    rps: float
    limit: str
    text: str


class Lane(Frozen):
    """One lane.

    Attributes:
        status: of its server.
        status_text: why, in a sentence; empty while all is well.
        measured: whether it has its turn now.
        now: its figures.
        where: its requests; null where nobody can look inside.
        ceiling: by the model; null where it can't be known.
    """

    status: Status
    status_text: str = ""
    measured: bool = False
    now: Now = Now()
    where: Where | None = None
    ceiling: Ceiling | None = None


class Trust(Frozen):
    """Whether what is seen can be trusted, and if not, why."""

    light: Light
    reasons: Sequence[str] = ()


class State(Frozen):
    """All that changes.

    Attributes:
        at: in seconds since the epoch.
        sequence: counts states from 1.
        settings: that apply, or are being applied.
        applying: what is being done so that they apply, in a sentence; null if nothing is.
        preset: the one that was chosen; null once a setting was changed by hand.
        paused: why there is no load, in a sentence; null while there is.
        lanes: by label.
        sentence: what is going on and which limit binds.
        trust: in the figures.
        command: measures these settings; empty if none can.
    """

    at: float
    sequence: int
    settings: Settings
    applying: str | None = None
    preset: Prediction | None = None
    paused: str | None = None
    lanes: Mapping[SideLabel, Lane]
    sentence: str
    trust: Trust
    command: str


class Hello(Frozen):
    """What a page gets first."""

    build: Mapping[SideLabel, Build]
    controls: Sequence[Control]
    scenarios: Sequence[Scenario]
    presets: Sequence[Preset]
    history: Sequence[State]


class Snapshot(Frozen):
    """The last minute as data: what ``GET /snapshot.json`` answers."""

    note: str
    build: Mapping[SideLabel, Build]
    states: Sequence[State]


class Engine(Protocol):
    """What the web app asks. Each method returns at once, and may be called from any thread.

    A request that can't be met raises UsageError with one sentence for the user.
    """

    def hello(self) -> Hello:
        """Return what a page gets first."""

    def state(self) -> State:
        """Return the latest state; its ``sequence`` tells whether it is a new one."""

    def change(self, change: Change) -> None:
        """Change settings by hand; a preset that was chosen is left."""

    def choose(self, preset: str) -> None:
        """Apply a preset's settings, and hide the figures until somebody has guessed."""

    def reveal(self, guess: str) -> None:
        """Record the guess, the ``id`` of one of the preset's options, and show the figures."""

    def restart(self, lane: SideLabel) -> None:
        """Restart a lane's server."""

    def snapshot(self) -> Snapshot:
        """Return the last minute; while a prediction is hidden raises UsageError."""

    def viewer(self) -> AbstractContextManager[None]:
        """Return a context within which somebody watches: without any for some minutes the load pauses."""
