"""A run's manifest as the run goes on: made before the first request, updated with every event."""

import time
from datetime import datetime

from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import Side, SideLabel
from loadtests.records.manifest import Event, Manifest, PairingRecord, ScenarioRecord, SideRecord
from loadtests.records.run_folder import RunFolder, quoted_validation
from loadtests.servers.handlers import handlers_of
from loadtests.system.cores import Cores
from loadtests.system.machine import command_line, read_environment


def new_manifest(experiment: Experiment, name: str, now: datetime, cores: Cores) -> Manifest:
    """Describe a run that has not begun."""
    machine = read_environment()
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
        a=_side_record(experiment.a),
        b=_side_record(experiment.b),
        scenarios=[
            ScenarioRecord(name=s.name, kind=s.kind, title=s.title, hypothesis=s.hypothesis)
            for s in experiment.scenarios
        ],
        blocks=[
            [PairingRecord(scenario=p.cell.scenario.name, load=p.cell.load, order=p.order) for p in block]
            for block in experiment.plan()
        ],
        driver=experiment.driver,
        workers=experiment.workers,
        database=experiment.database,
        observe=experiment.observe,
        timeout_s=experiment.timeout_s,
        server_cores=list(cores.server),
        driver_cores=list(cores.driver),
        environment=machine,
        events=[],
        validation=quoted_validation(machine),
        handlers=handlers_of(experiment),
    )


def _side_record(side: Side) -> SideRecord:
    return SideRecord.model_validate({"spec": side.spec, "settings": side.settings()})


class RunLog:
    """The manifest of a run that goes on, and the file it lives in."""

    def __init__(self, folder: RunFolder, manifest: Manifest) -> None:
        self._folder = folder
        self.manifest = manifest
        self._begun = time.monotonic() - (manifest.seconds or 0.0)

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

    def note_time(self) -> None:
        """Write down how long has been measured, earlier sittings included."""
        self.update(seconds=round(time.monotonic() - self._begun, 1))
