"""The engine of the lab: it runs two servers and the load process, and makes a new state four times a second."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path

from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.lab.controls import controls, first_settings, kind_of
from loadtests.lab.lane import Lane
from loadtests.lab.lane_server import LaneServer
from loadtests.lab.load import LoadDriver
from loadtests.lab.messages import Asked, Load, Report
from loadtests.lab.plan import Plan, is_other_load, lane_names, plan_of, with_settings
from loadtests.lab.preset_progress import PresetProgress
from loadtests.lab.presets import PRESETS
from loadtests.lab.scenarios import Offer, expected_s, shown
from loadtests.lab.sentences import sentence
from loadtests.lab.state import HISTORY_S, PERIOD_S, Build, Change, Hello, Prediction, Snapshot, State, Trust
from loadtests.lab.trust import trust
from loadtests.lab.wanted import IDLE_S, Wanted
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.server import READY_LIMIT_S
from loadtests.system.connections import SYSTEMS
from loadtests.system.connections import Trust as Certificates
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError
from loadtests.system.processes import Stoppable
from loadtests.system.resources import Reading, read_usage, usage_between

TICK_S = 0.05
"""How long to wait for reports at most."""
DEBOUNCE_S = 0.4
"""How long settings must be unchanged before a server restarts: a dragged slider must not restart it at each value."""
MACHINE_S = 3.0
"""How often the CPU time of other programs is read."""
PROBLEM_S = 5.0
"""How long a problem stays in the state."""
NOTE = "Live figures, not a verdict: bench run measures."


class LiveEngine(Stoppable):
    """The lab's engine; a context manager that owns all its processes. ``step`` is called again and again."""

    def __init__(
        self,
        sides: Mapping[SideLabel, Side],
        offers: Sequence[Offer],
        code: Mapping[str, Mapping[SideLabel, str]],
        *,
        cores: Cores,
        work: Path,
        certificates: Certificates = SYSTEMS,
        start_limit_s: float = READY_LIMIT_S,
        idle_s: float = IDLE_S,
    ) -> None:
        """Start everything; servers become ready while ``step`` is called.

        Args:
            sides: of both lanes.
            offers: the scenarios; the first one is asked at first.
            code: by scenario and lane, the handler's source.
            cores: the division of the machine.
            work: a folder for databases and logs.
            certificates: which ones are trusted, if a side is an https URL.
            start_limit_s: how long a side may take to start, in seconds.
            idle_s: without a viewer for so long the load pauses, in seconds.

        Raises:
            RunError: the slow API does not start.
        """
        self._offers = {offer.name: offer for offer in offers}
        is_catalogue = any(not offer.words for offer in offers)
        self._controls = controls(sides, has_parameters=is_catalogue)
        names = lane_names(sides)
        is_usual = [kind_of(sides[label]) for label in LABELS] == ["sync", "async"]
        self._presets = {each.shown.name: each for each in PRESETS if is_usual and each.change.scenario in self._offers}
        self._wanted = Wanted(
            first_settings(offers[0].name, sides), self._offers, self._controls, self._presets, idle_s
        )
        self._hello = Hello(
            build={label: Build(name=names[label], kind=kind_of(sides[label])) for label in LABELS},
            controls=self._controls,
            scenarios=[shown(offer, code.get(offer.name, {})) for offer in offers],
            presets=[each.shown for each in self._presets.values()],
            history=[],
        )
        self._cores = cores
        self._certificates = certificates
        self._history: deque[State] = deque(maxlen=round(HISTORY_S / PERIOD_S))
        self._sequence = 0
        self._state_due_s = 0.0
        self._epoch = 0
        self._told: Load | None = None
        self._report: Report | None = None
        self._progress: PresetProgress | None = None
        self._made: Plan | None = None
        self._problem, self._problem_until_s = "", 0.0
        self._foreign = 0.0
        self._reading: Reading | None = None
        with ExitStack() as stack:
            slow_api = stack.enter_context(SlowApi(cores, work / "slow_api" / "log"))
            self._driver = stack.enter_context(LoadDriver(cores, work / "load" / "log"))
            self._lanes: dict[SideLabel, Lane] = {}
            for label in LABELS:
                server = LaneServer(
                    label,
                    sides[label],
                    upstream_url=slow_api.url,
                    cores=cores,
                    work=work,
                    trust=certificates,
                    start_limit_s=start_limit_s,
                )
                self._lanes[label] = Lane(names[label], sides[label], stack.enter_context(server))
            self._slow_api = slow_api
            sides_now = self._plan().sides
            for label, lane in self._lanes.items():
                lane.server.start(sides_now[label])
            self._owned = stack.pop_all()
        self._make_state()

    # -- what the web app asks, from any thread ------------------------------------------------------------------------

    def hello(self) -> Hello:
        """Return what a page gets first."""
        return self._hello.model_copy(update={"history": [*self._history]})

    def state(self) -> State:
        """Return the latest state."""
        return self._history[-1]

    def change(self, change: Change) -> None:
        """Change settings by hand; raises UsageError."""
        self._wanted.change(change)

    def choose(self, preset: str) -> None:
        """Apply a preset's settings; raises UsageError."""
        self._wanted.choose(preset)

    def reveal(self, guess: str) -> None:
        """Record a guess; raises UsageError."""
        self._wanted.reveal(guess)

    def restart(self, lane: SideLabel) -> None:
        """Restart a lane's server; raises UsageError if it is not ours."""
        if self._lanes[lane].base.url is not None:
            raise UsageError(f"bench lab did not start {self._lanes[lane].name}; restart it where you started it")
        self._wanted.restart(lane)

    def snapshot(self) -> Snapshot:
        """Return the last minute; raises UsageError while a prediction is hidden."""
        states = [*self._history]
        if states[-1].preset is not None and states[-1].preset.hidden:
            raise UsageError("the figures are hidden until somebody has guessed")
        shown_states = [each for each in states if each.preset is None or not each.preset.hidden]
        return Snapshot(note=NOTE, build=self._hello.build, states=shown_states)

    def viewer(self) -> AbstractContextManager[None]:
        """Return a context within which somebody watches."""
        return self._wanted.viewer()

    # -- what the main thread does -------------------------------------------------------------------------------------

    def step(self) -> None:
        """Wait for reports for a moment, and do what is due.

        Raises:
            RunError: the load process never starts, or the slow API does not start again.
            BaseException: what interrupted a server's start.
        """
        for report in self._driver.reports(TICK_S):
            self._take(report)
        if why := self._driver.replace_if_gone():
            self._start_over(f"{why}, and was replaced")
        if not self._slow_api.alive:
            self._slow_api.restart()
            self._start_over("the slow external API ended, and was replaced")
        self._keep_servers()
        self._tell_load()
        if time.monotonic() >= self._state_due_s:
            self._state_due_s = time.monotonic() + PERIOD_S
            self._look()
            self._advance_preset()
            self._make_state()

    def stop(self) -> None:
        """End everything."""
        self._owned.close()

    def _start_over(self, problem: str) -> None:
        """Forget what was measured while something was wrong, and say what."""
        self._problem, self._problem_until_s = problem, time.monotonic() + PROBLEM_S
        self._report = None
        for lane in self._lanes.values():
            lane.start_over()

    def _take(self, report: Report) -> None:
        self._report = report
        for label, lane in self._lanes.items():
            lane.take(report, mine=report.lane == label)

    def _keep_servers(self) -> None:
        """Restart the servers whose settings have changed, and notice those that have ended."""
        settled = time.monotonic() - self._wanted.changed_s >= DEBOUNCE_S
        for label, lane in self._lanes.items():
            if lane.server.failure is not None:
                raise lane.server.failure
            lane.server.poll()
            if lane.server.is_starting:
                continue
            side = self._plan().sides[label]
            if self._wanted.take_restart(label) or (settled and side != lane.server.side):
                lane.start_over()
                self._tell_load(without=label)
                lane.server.start(side)

    def _plan(self) -> Plan:
        """Return the plan for the wanted settings."""
        settings = self._wanted.settings
        if self._made is None or self._made.settings != settings:
            typed = {label: lane.base for label, lane in self._lanes.items()}
            self._made = made = plan_of(settings, self._offers[settings.scenario], typed)
            for label, lane in self._lanes.items():
                lane.ask(made.scenario, settings, expected_s(made.scenario, made.sides[label], settings))
        return self._made

    def _tell_load(self, without: SideLabel | None = None) -> None:
        """Tell the load process what to do, if that has changed."""
        plan = self._plan()
        scenario = plan.scenario
        lanes = {
            label: Asked(
                start=lane.server.number,
                base_url=lane.server.url,
                pids=lane.server.pids,
                requests=scenario.requests_of(label),
                expected_s=lane.expected_s,
                sequence=scenario.sequence,
                variables=scenario.variables(),
                trust=self._certificates,
            )
            for label, lane in self._lanes.items()
            if lane.server.is_running and label != without
        }
        load = Load(self._epoch, plan.settings.users, scenario.wait_s, lanes, paused=self._wanted.paused is not None)
        if load == self._told:
            return
        before = self._told
        if before is None or is_other_load(before, load):
            self._epoch += 1
            load = replace(load, epoch=self._epoch)
            for lane in self._lanes.values():
                lane.start_over()
        self._told = load
        self._driver.tell(load)

    def _look(self) -> None:
        report = self._report
        for label, lane in self._lanes.items():
            lane.look(measured=report is not None and report.lane == label and report.phase == "window")
        if self._reading is None or time.monotonic() - self._reading.at_s >= MACHINE_S:
            reading = read_usage(self._cores.all)
            if self._reading is not None:
                usage = usage_between(self._reading, reading)
                cores = len(self._cores.all) or 1
                taken_s = usage.foreign_s + (usage.steal_s or 0.0)
                self._foreign = min(1.0, max(0.0, taken_s / (usage.seconds * cores)))
            self._reading = reading

    def _advance_preset(self) -> None:
        preset, chosen, guess = self._wanted.prediction()
        if preset is None:
            self._progress = None
            return
        if self._progress is None or self._progress.chosen != chosen:
            self._progress = PresetProgress(preset, chosen)
        statuses = {label: lane.status() for label, lane in self._lanes.items()}
        self._progress.advance(
            time.monotonic(),
            {
                label: lane.facts(statuses[label][1] if statuses[label][0] == "down" else "")
                for label, lane in self._lanes.items()
            },
            {label: len(lane.figures.turns) for label, lane in self._lanes.items()},
            {label: text.rstrip(".") for label, (status, text) in statuses.items() if status == "down"},
            applies=not self._applying() and all(not lane.server.is_starting for lane in self._lanes.values()),
            guessed=guess is not None,
            trusted=self._trust("").light != "poor",
            go_on_with=self._wanted.go_on_with,
        )

    def _applying(self) -> str | None:
        """Return which servers are starting so that the settings apply, in words; None if none is."""
        sides = self._plan().sides
        doing: dict[str, list[str]] = {}
        for label, lane in self._lanes.items():
            if lane.server.is_starting or (sides[label] != lane.server.side and not lane.server.down):
                what = "starting" if lane.server.number <= 1 else "restarting"
                doing.setdefault(what, []).append(with_settings(lane.name, sides[label]))
        return "; ".join(f"{what} {' and '.join(names)}" for what, names in doing.items()) or None

    def _prediction(self) -> Prediction | None:
        preset, chosen, guess = self._wanted.prediction()
        if preset is None:
            return None
        progress = self._progress
        outcome = progress.outcome if progress is not None and progress.chosen == chosen else None
        if guess is None or outcome is None:
            return Prediction(name=preset.shown.name, hidden=guess is None, guess=guess)
        return Prediction(
            name=preset.shown.name, hidden=False, guess=guess, outcome=outcome.sentence, answer=outcome.answer
        )

    def _make_state(self) -> None:
        plan, paused = self._plan(), self._wanted.paused
        prediction = self._prediction()  # after the settings: no state shows those of a preset, and hides nothing
        whose = self._report.lane if self._report is not None else None
        lanes = {label: lane.shown(measured=whose == label) for label, lane in self._lanes.items()}
        facts = {label: lane.facts(lanes[label].status_text) for label, lane in self._lanes.items()}
        problem = self._problem if time.monotonic() < self._problem_until_s else ""
        self._sequence += 1
        self._history.append(
            State(
                at=round(time.time(), 3),
                sequence=self._sequence,
                settings=plan.settings,
                applying=self._applying(),
                preset=prediction,
                paused=paused,
                lanes=lanes,
                sentence=sentence(facts, paused),
                trust=self._trust(problem),
                command=plan.command,
            )
        )

    def _trust(self, problem: str) -> Trust:
        return trust({label: lane.trust() for label, lane in self._lanes.items()}, self._foreign, problem)
