"""An engine of the lab without servers: its figures follow from its settings; what it is asked is written down."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.lab.state import (
    HISTORY_S,
    PERIOD_S,
    Build,
    Ceiling,
    Change,
    Control,
    Hello,
    Lane,
    Now,
    Option,
    Prediction,
    Preset,
    Scenario,
    Settings,
    Snapshot,
    State,
    Status,
    Trust,
    Where,
)
from loadtests.system.errors import UsageError

EPOCH_S = 1_790_000_000.0
BUILDS: Mapping[SideLabel, Build] = {"a": Build(name="sync", kind="sync"), "b": Build(name="async", kind="async")}
CONTROLS = (
    Control(name="scenario", label="Scenario"),
    Control(name="users", label="Users", low=1, high=300, step=1),
    Control(name="wait_ms", label="Wait", unit="ms", low=0, high=3000, step=1, scale="log"),
    Control(name="cpu_ms", label="CPU per request", unit="ms", low=0, high=200, step=0.1, scale="log"),
    Control(name="threads", label="Threads", low=1, high=400, step=1, restarts=True, applies_to="a"),
    Control(name="connections", label="Connections", low=1, high=300, step=1, restarts=True),
    Control(name="session_limit", label="Session limit", low=1, high=300, step=1, restarts=True, allows_null=True),
)
THREADS = '@router.get("/external")\ndef external_api(wait_ms: int = 50) -> Waited:\n    answer = upstream.get(f"/slow?ms={wait_ms}")\n    return Waited.model_validate(answer.json())'  # noqa: E501
LOOP = THREADS.replace("def", "async def").replace("upstream", "await upstream")
SCENARIOS = (
    Scenario(
        name="external_api",
        title="call a slow external API",
        code={"a": THREADS, "b": LOOP},
        waiting_line={"a": 3, "b": 3},
        uses=["wait_ms"],
    ),
    Scenario(
        name="mixed",
        title="compute, then wait",
        code={
            "a": "def mixed():\n    compute()\n    sleep()",
            "b": "async def mixed():\n    compute()\n    await sleep()",
        },
        waiting_line={"a": 3, "b": None},
        uses=["wait_ms", "cpu_ms"],
    ),
)
OPTIONS = tuple(
    Option(id=id_, label=label) for id_, label in (("a", "sync bends"), ("b", "async bends"), ("neither", "Neither"))
)
PRESETS = (
    Preset(
        name="users_41",
        title="41 users",
        lesson="waiting",
        question="Each request waits. 40 threads, 41 users: whose line bends?",
        options=OPTIONS,
    ),
    Preset(
        name="blocked_loop",
        title="The blocked loop",
        lesson="blocked_loop",
        question="time.sleep in both handlers: who suffers?",
        options=OPTIONS,
    ),
)
APPLIED: Mapping[str, Mapping[str, Any]] = {
    "users_41": {"users": 41, "wait_ms": 50.0},
    "blocked_loop": {"scenario": "mixed", "users": 8, "wait_ms": 20.0},
}
USUAL = Settings(scenario="external_api", users=20, wait_ms=50, cpu_ms=0, threads=40, connections=15, session_limit=15)


class MadeUpEngine:
    """An engine whose figures are known beforehand.

    Attributes:
        asked: each call that changes something, with what it was given.
        watching: how many view it now.
        down: lanes that have stopped, each with the reason.
        trust: what the light shows.
        applying: what is said to be done.
        sees_inside: whether it is known where requests are.
        stopped: whether it makes no new states.
    """

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._from = time.monotonic()
        self.watching = 0
        self._latest = 0
        self.reset()

    def reset(self) -> None:
        """Forget what was changed; time goes on."""
        self.settings = USUAL
        self.prediction: Prediction | None = None
        self.asked: list[tuple[str, Any]] = []
        self.down: dict[SideLabel, str] = {}
        self.trust = Trust(light="good")
        self.applying: str | None = None
        self.sees_inside = True
        self.stopped = False

    def hello(self) -> Hello:
        now = self._sequence()
        first = max(1, now - round(HISTORY_S / PERIOD_S))
        history = [self._state(sequence) for sequence in range(first, now + 1)]
        return Hello(build=BUILDS, controls=CONTROLS, scenarios=SCENARIOS, presets=PRESETS, history=history)

    def state(self) -> State:
        return self._state(self._sequence())

    def change(self, change: Change) -> None:
        given = {name: getattr(change, name) for name in change.model_fields_set}
        if given.get("scenario", "mixed") not in [scenario.name for scenario in SCENARIOS]:
            raise UsageError(f"there is no scenario {given['scenario']!r}")
        self.asked.append(("change", given))
        self.settings = self.settings.model_copy(update=given)
        self.prediction = None

    def choose(self, preset: str) -> None:
        if preset not in APPLIED:
            raise UsageError(f"there is no preset {preset!r}")
        self.asked.append(("choose", preset))
        self.settings = USUAL.model_copy(update=dict(APPLIED[preset]))
        self.prediction = Prediction(name=preset, hidden=True)

    def reveal(self, guess: str) -> None:
        if self.prediction is None:
            raise UsageError("there is nothing to reveal: choose a preset")
        self.asked.append(("reveal", guess))
        said = "sync stays at 800 requests/s, async goes on."
        self.prediction = Prediction(name=self.prediction.name, hidden=False, guess=guess, outcome=said, answer="a")

    def restart(self, lane: SideLabel) -> None:
        self.asked.append(("restart", lane))
        self.down.pop(lane, None)

    def snapshot(self) -> Snapshot:
        if self.prediction and self.prediction.hidden:
            raise UsageError("reveal the result first")
        return Snapshot(note="live, not a verdict", build=BUILDS, states=self.hello().history)

    @contextmanager
    def viewer(self) -> Iterator[None]:
        self.watching += 1
        try:
            yield
        finally:
            self.watching -= 1

    def _sequence(self) -> int:
        if not self.stopped:
            self._latest = self._latest_now()
        return self._latest

    def _latest_now(self) -> int:
        return 1 + int((time.monotonic() - self._from) / self._period_s)

    def _state(self, sequence: int) -> State:
        lanes = {label: self._lane(label, sequence) for label in LABELS}
        a, b = (f"{BUILDS[label].name} answers {lanes[label].now.rps or 0:.0f}/s" for label in LABELS)
        return State(
            at=EPOCH_S + sequence * PERIOD_S,
            sequence=sequence,
            settings=self.settings,
            applying=self.applying,
            preset=self.prediction,
            lanes=lanes,
            sentence=f"{a}, limited by its {self.settings.threads} threads; {b}.",
            trust=self.trust,
            command=f"bench run '{self.settings.scenario}[wait_ms=50]' --users {self.settings.users}",
        )

    def _lane(self, label: SideLabel, sequence: int) -> Lane:
        settings, threads = self.settings, self.settings.threads if label == "a" else math.inf
        served = min(settings.users, threads)
        took_s = (settings.wait_ms + settings.cpu_ms + 1) / 1000
        ceiling = (
            Ceiling(rps=threads / took_s, limit="threads", text=f"{threads} threads ÷ {1000 * took_s:g} ms per request")
            if label == "a"
            else Ceiling(rps=1900, limit="cpu", text="1 core ÷ 0.526 ms of CPU time per request")
        )
        status: Status = "running"
        if label in self.down:
            return Lane(status="down", status_text=self.down[label], ceiling=ceiling)
        ripple = 1 + 0.02 * math.sin(sequence * (0.7 if label == "a" else 0.9))
        rps = min(served / took_s, ceiling.rps) * ripple
        p50_ms = 1000 * settings.users / rps
        waiting = settings.users - served
        inside = {"in_thread": served, "on_loop": 0.4} if label == "a" else {"in_thread": 0, "on_loop": served + 0.4}
        where = Where(**inside, waiting_for_thread=max(0, waiting - 0.4), waiting_for_connection=0, other=0)
        return Lane(
            status=status,
            measured=(sequence // 2) % 2 == (label == "b"),
            now=Now(rps=rps, p50_ms=p50_ms, p99_ms=1.3 * p50_ms, errors_per_s=0, in_flight=settings.users),
            where=where if self.sees_inside else None,
            ceiling=ceiling,
        )
