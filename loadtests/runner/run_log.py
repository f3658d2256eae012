"""A run's manifest as the run goes on: made before the first request, updated with every event."""

import time
from collections.abc import Sequence
from datetime import datetime

from loadtests.experiment.plan import Experiment, Pairing
from loadtests.experiment.sides import Side, SideLabel
from loadtests.records.manifest import AgentRecord, Event, Manifest, PairingRecord, SideRecord
from loadtests.records.run_folder import RunFolder, quoted_validation
from loadtests.records.scenario_record import record_of
from loadtests.runner.commits import commit_of
from loadtests.runner.same_answers import ComparedAnswers
from loadtests.servers.app_check import CheckedSides
from loadtests.servers.endpoints import handlers_of_apps
from loadtests.servers.handlers import Handlers, handlers_of
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError
from loadtests.system.machine import command_line, read_environment
from loadtests.system.quota import read_quota


def new_manifest(
    experiment: Experiment,
    name: str,
    now: datetime,
    cores: Cores,
    checked: CheckedSides | None = None,
    answers: ComparedAnswers | None = None,
) -> Manifest:
    """Describe a run that has not begun.

    Args:
        experiment: what it is about.
        name: of the run.
        now: when it is made.
        cores: the division of the machine.
        checked: what was found out about the sides, where that was looked at.
        answers: how the sides' answers differed, and what they took, where they were compared.
    """
    checked, answers = checked or CheckedSides(()), answers or ComparedAnswers()
    machine, quota = read_environment(), read_quota()
    return Manifest(
        name=name,
        created=now,
        argv=command_line(),
        complete=False,
        seconds=None,
        seed=experiment.seed,
        slice_s=experiment.slice_s,
        pairing_s=experiment.pairing_s,
        start_limit_s=experiment.start_limit_s,
        a=_side_record(experiment.a, checked),
        b=_side_record(experiment.b, checked),
        scenarios=[record_of(scenario) for scenario in experiment.scenarios],
        blocks=[[pairing_record(pairing) for pairing in block] for block in experiment.plan()],
        driver=experiment.driver,
        workers=experiment.workers,
        machines=experiment.machines,
        database=experiment.database,
        observe=experiment.observe,
        budget_s=experiment.budget_s,
        precision=experiment.precision,
        has_control=experiment.has_control,
        timeout_s=experiment.timeout_s,
        cafile=experiment.cafile,
        insecure=experiment.insecure,
        unequal=experiment.unequal,
        ignored=experiment.ignored,
        unordered=experiment.unordered,
        differences=answers.differences,
        server_cores=list(cores.server),
        driver_cores=list(cores.driver),
        shared_core=cores.shared if cores.server else None,
        cpu_quota=quota.cores if quota and experiment.machines is None else None,
        environment=machine,
        events=[],
        validation=quoted_validation(machine),
        handlers=_handlers(experiment, checked),
        executed=answers.executed,
    )


def _handlers(experiment: Experiment, checked: CheckedSides) -> Handlers:
    """Return what the sides run for each scenario: builds of the blog by their source, other apps as they told."""
    ours, theirs = handlers_of(experiment), handlers_of_apps(experiment, checked.endpoints)
    names = [scenario.name for scenario in experiment.scenarios]
    both = {name: {**ours.get(name, {}), **theirs.get(name, {})} for name in names}
    return {name: sides for name, sides in both.items() if sides}


def pairing_record(pairing: Pairing) -> PairingRecord:
    """Describe a pairing."""
    cell = pairing.cell
    return PairingRecord(
        scenario=cell.scenario.name,
        load=cell.load,
        order=pairing.order,
        rounds=pairing.rounds,
        control=pairing.control,
    )


def _side_record(side: Side, checked: CheckedSides) -> SideRecord:
    record = SideRecord.model_validate({"spec": side.spec, "settings": side.settings(), "commit": commit_of(side)})
    if (installed := checked.installed.get(side.spec)) is not None:
        return record.model_copy(update={"python": installed.python, "versions": installed.versions})
    if (about := checked.agents.get(side.spec)) is not None:
        agent = AgentRecord.model_validate(about.model_dump(include=set(AgentRecord.model_fields)))
        return record.model_copy(update={"python": about.python, "agent": agent})
    return record


class RunLog:
    """The manifest of a run that goes on, and the file it lives in."""

    def __init__(self, folder: RunFolder, manifest: Manifest, begun_s: float | None = None) -> None:
        """Go on with a run; for ``begun_s`` see ``Runner``."""
        self._folder = folder
        self.manifest = manifest
        self._begun = (time.monotonic() if begun_s is None else begun_s) - (manifest.seconds or 0.0)

    @property
    def seconds(self) -> float:
        """How long the run has gone on, earlier sittings included."""
        return time.monotonic() - self._begun

    def count_from(self, instant_s: float) -> None:
        """Leave what has passed since an instant, on the monotonic clock, out of how long the run has gone on."""
        self._begun += time.monotonic() - instant_s

    def plan_block(self, number: int, pairings: Sequence[Pairing]) -> None:
        """Write down what a block is to measure, if the plan does not have it yet."""
        if number >= len(self.manifest.blocks):
            self.update(blocks=[*self.manifest.blocks, [pairing_record(pairing) for pairing in pairings]])

    def leave_out(self, number: int, pairing: Pairing) -> None:
        """Strike out a cell that a block was to measure; there is no time for it."""
        blocks = list(self.manifest.blocks)
        out = pairing_record(pairing)
        blocks[number] = [planned for planned in blocks[number] if planned != out]
        self.update(blocks=blocks)

    def update(self, **changes: object) -> None:
        """Change some of the manifest's fields."""
        self.manifest = self.manifest.model_copy(update=changes)
        self._folder.write_manifest(self.manifest)

    def event(self, block: int, label: SideLabel | None, kind: str, message: str, seconds: float | None = None) -> None:
        """Add a line; see ``Event`` for what goes into it."""
        event = Event.model_validate(
            {"block": block, "label": label, "kind": kind, "message": message, "seconds": seconds}
        )
        self.update(events=[*self.manifest.events, event])

    def event_once(self, block: int, label: SideLabel | None, kind: str, message: str) -> None:
        """Add a line, unless the run has said the same before."""
        if not any(event.message == message for event in self.manifest.events):
            self.event(block, label, kind, message)

    def note_database(self, version: str | None) -> None:
        """Write down which database it is; raises UsageError if a run that goes on began with another one."""
        before = self.manifest.database_version
        if before not in (None, version):
            raise UsageError(f"the database was {before} when the run began and is {version} now; begin a new run")
        self.update(database_version=version)

    def note_time(self) -> None:
        """Write down how long the run has gone on, earlier sittings included."""
        self.update(seconds=round(self.seconds, 1))
