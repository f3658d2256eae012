"""One lane as the engine sees it: its server, its figures, what is seen inside, and whether it still answers."""

import time
from dataclasses import dataclass, field

from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import Side
from loadtests.lab import limits, state
from loadtests.lab.controls import kind_of, resources_of
from loadtests.lab.figures import Figures, busy_share, cpu_per_request_s
from loadtests.lab.lane_server import LaneServer
from loadtests.lab.limits import LaneFacts
from loadtests.lab.messages import Report
from loadtests.lab.observation import Inside, inside
from loadtests.lab.sentences import why_silent
from loadtests.lab.state import Settings, Status, Where
from loadtests.lab.trust import LaneTrust
from loadtests.lab.turns import silence_limit_s

HUNG_S = 1.5
"""A server whose observer has written nothing for this long has stopped: it writes fifty times a second."""
BRIEF_S = 0.5
"""The time span that is shown of a server that no longer answers."""


@dataclass
class Lane:
    """One lane.

    Attributes:
        name: in sentences.
        base: its side, as it was typed.
        server: its server.
        figures: of its turns under the present load.
        scenario: what it is asked.
        expected_s: how long an answer may take by what is known beforehand, in seconds.
    """

    name: str
    base: Side
    server: LaneServer
    figures: Figures = field(default_factory=Figures)
    scenario: Scenario | None = None
    expected_s: float = 0.0
    _users: int = 1
    _in_flight: int | None = None
    _in_window: int | None = None
    _silent_s: float = 0.0
    _turn: int = -1
    _turn_begun_s: float = 0.0
    _inside: Inside | None = None
    _newest_s: float | None = None

    def start_over(self) -> None:
        """Forget what was seen of an earlier server, or of another load."""
        self.figures.forget()
        self._in_flight = self._in_window = self._inside = self._newest_s = None
        self._silent_s = 0.0

    def take(self, report: Report, *, mine: bool) -> None:
        """Take a report of the load process.

        Args:
            report: of either lane's turn.
            mine: whether it is of this lane's turn.
        """
        own = report.lanes.get(self.server.label)
        self._in_flight, self._silent_s = (own.in_flight, own.silent_s) if own is not None else (None, 0.0)
        if not mine:
            return
        if report.turn != self._turn:
            self._turn, self._turn_begun_s = report.turn, time.perf_counter()
        self.figures.add(report, time.monotonic())
        if report.phase == "window":
            self._in_window = self._in_flight

    def look(self, *, measured: bool) -> None:
        """Look inside its server.

        Args:
            measured: whether it is in the window of its turn.
        """
        timeline = self.server.look() if self.server.is_running else None
        if timeline is None or not len(timeline):
            return
        self._newest_s = float(timeline.rows["time_s"][-1])
        if measured:
            self._inside = inside(timeline, self._turn_begun_s) or self._inside
        elif self.is_silent:
            self._inside = inside(timeline, self._newest_s - BRIEF_S) or self._inside

    @property
    def is_silent(self) -> bool:
        """Whether it has stopped answering."""
        return self._silent_s >= silence_limit_s(self.expected_s)

    @property
    def _unseen_s(self) -> float:
        """For how long nothing has been seen inside, in seconds; 0 if nobody looks."""
        return 0.0 if self._newest_s is None else time.perf_counter() - self._newest_s

    @property
    def is_hung(self) -> bool:
        """Whether its process runs and does nothing."""
        return self.server.is_running and self._unseen_s >= HUNG_S

    def status(self) -> tuple[Status, str]:
        """Return what its server does, and why if it does not answer."""
        server = self.server
        if server.down:
            return "down", f"{self.name} is not running: {server.down}."
        if not server.is_running:
            return ("starting" if server.number <= 1 else "restarting"), ""
        if self.is_hung:
            return "down", (
                f"{self.name} has stopped: its process {', '.join(map(str, server.pids[:1]))} exists, but nothing has"
                f" happened in it for {self._unseen_s:.0f} s."
            )
        if self.is_silent:
            return "down", f"{why_silent(self.facts())}."
        return "running", ""

    def facts(self, down: str = "") -> LaneFacts:
        """Return what is known of it.

        Args:
            down: why it does not answer, in words; empty if it does.
        """
        assert self.scenario is not None  # noqa: S101 - set before the first server starts
        turns = self.figures.last()
        now = self.figures.now(self._in_flight, stalled=bool(down))
        side = self.server.side
        return LaneFacts(
            name=self.name,
            kind=kind_of(side),
            scenario=self.scenario,
            users=self._users,
            resources=resources_of(side),
            cpus=self.server.cpus,
            rps=now.rps,
            p50_s=None if now.p50_ms is None else now.p50_ms / 1000,
            p99_s=None if now.p99_ms is None else now.p99_ms / 1000,
            errors_per_s=now.errors_per_s or 0.0,
            cpu_s=cpu_per_request_s(turns),
            busy=busy_share(turns, self.server.cpus),
            inside=self._inside,
            silent_s=self._silent_s,
            in_flight=self._in_flight or 0,
            down=down,
        )

    def ask(self, scenario: Scenario, settings: Settings, expected_s: float) -> None:
        """Note what it is asked from now on."""
        self.scenario, self.expected_s, self._users = scenario, expected_s, settings.users

    def shown(self, *, measured: bool) -> state.Lane:
        """Return it as a page is told of it.

        Args:
            measured: whether it has its turn.
        """
        status, text = self.status()
        stalled = status == "down"
        facts = self.facts(text)
        runs = status in ("running", "down") and not self.server.down
        return state.Lane(
            status=status,
            status_text=text,
            measured=measured and not stalled,
            now=self.figures.now(self._in_flight if stalled else self._in_window, stalled=stalled),
            where=self._where(stalled=stalled) if runs else None,
            ceiling=limits.ceiling(facts) if runs else None,
        )

    def _where(self, *, stalled: bool) -> Where | None:
        seen = self._inside
        if seen is None:
            return None
        sent = self._in_flight if stalled else self._in_window
        places = (seen.in_thread, seen.waiting_for_thread, seen.waiting_for_connection, seen.on_loop)
        other = max(0.0, (sent or 0) - sum(places))
        # The places are averages over a window, and the number sent is of one instant: scaled, they add up to it.
        scale = sent / (sum(places) + other) if sent and sum(places) + other > 0 else 1.0
        in_thread, for_thread, for_connection, on_loop = (round(scale * place, 2) for place in places)
        return Where(
            in_thread=in_thread,
            waiting_for_thread=for_thread,
            waiting_for_connection=for_connection,
            on_loop=on_loop,
            other=round(scale * other, 2),
        )

    def trust(self) -> LaneTrust:
        """Return what the light is based on."""
        turns = self.figures.last()
        ready_s = self.server.ready_s if self.server.is_running else None
        return LaneTrust(
            name=self.name,
            turns=len(turns),
            ready_for_s=None if ready_s is None else time.monotonic() - ready_s,
            answers=not (self.is_silent or self.is_hung),
            busy=max((turn.busy for turn in turns), default=0.0),
            lag_s=max((turn.lag_s for turn in turns), default=0.0),
            undrained=max((turn.undrained for turn in turns), default=0),
        )
