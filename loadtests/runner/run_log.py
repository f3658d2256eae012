"""The manifest over a run's life: made before it begins, updated while it goes on, compared when it is resumed.

A resumed run must find machine, versions and settings as they were; what it measures is what is missing.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from datetime import datetime

from loadtests.experiment.loads import ascending
from loadtests.experiment.options import parse_scenario
from loadtests.experiment.plan import Experiment, Plan
from loadtests.experiment.sides import Side, SideLabel, parse_side
from loadtests.records.manifest import Event, Manifest, PairingRecord, ScenarioRecord, SideRecord
from loadtests.records.run_folder import RunFolder, quoted_validation
from loadtests.records.trial_file import TrialKey
from loadtests.servers.handlers import sources
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError
from loadtests.system.machine import command_line, read_environment

PASSING = (
    "argv",
    "created",
    "complete",
    "seconds",
    "events",
    "machine",
    "driver_ceiling_rps",
    "validation",
    "database_version",
)
"""What a manifest says of one sitting, or of how far it came; all else must be as it was."""
MEMORY_UNIT = 2**28
"""Installed memory is compared in quarters of a gibibyte: the kernel keeps a little more or less of it each time."""


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
        server_cores=list(cores.server),
        driver_cores=list(cores.driver),
        environment=machine,
        events=[],
        validation=quoted_validation(machine),
        handlers=sources(experiment),
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


def experiment_of(manifest: Manifest) -> Experiment:
    """Return the experiment that a manifest describes; raises UsageError if that can't be had any more."""
    own = ("a", "b", "scenarios", "loads", "blocks")
    plain = [field.name for field in fields(Experiment) if field.name not in own]
    a, b = parse_side(manifest.a.spec), parse_side(manifest.b.spec)
    return Experiment(
        a,
        b,
        tuple(parse_scenario(scenario.name) for scenario in manifest.scenarios),
        tuple(ascending({pairing.load for block in manifest.blocks for pairing in block})),
        blocks=len(manifest.blocks),
        **{name: getattr(manifest, name) for name in plain},
    )


def check_same(before: Manifest, now: Manifest) -> None:
    """Raise UsageError naming the first thing that is not as it was when the run began."""
    if not before.handlers:  # as in a run that was begun before they were kept
        now = now.model_copy(update={"handlers": {}})
    for where, was, has in _differences(_lasting(before), _lasting(now)):
        raise UsageError(
            f"{where} was {_short(was)} when the run began and is {_short(has)} now; what is measured under other "
            "conditions does not belong into it: put that back, or begin a new run"
        )


def missing_trials(plan: Plan, found: Collection[TrialKey]) -> Plan:
    """Return the plan without the pairings of which both sides were saved; a block may come out empty."""
    return tuple(
        tuple(
            pairing
            for pairing in block
            if not all(
                TrialKey(number, pairing.cell.scenario.name, pairing.cell.load.slug, label) in found
                for label in pairing.order
            )
        )
        for number, block in enumerate(plan)
    )


def resumed(manifest: Manifest, plan: Plan, now: datetime) -> Manifest:
    """Return the manifest of a run that goes on, with a line for the report."""
    trials = sum(2 * len(block) for block in plan)
    first = next((number for number, block in enumerate(plan) if block), len(plan) - 1)
    message = f"resumed on {now:%Y-%m-%d at %H:%M} UTC with {trials} of {planned(manifest)} trials to measure"
    event = Event(block=first, label=None, kind="resumed", message=message)
    return manifest.model_copy(update={"complete": False, "events": [*manifest.events, event]})


def planned(manifest: Manifest) -> int:
    """Return how many trials a run is to have."""
    return sum(len(pairing.order) for block in manifest.blocks for pairing in block)


def _lasting(manifest: Manifest) -> dict[str, object]:
    content: dict[str, object] = manifest.model_dump(exclude={*PASSING, "environment"})
    environment = manifest.environment.model_dump(exclude={"load_average", "memory_bytes"})
    memory = f"{round(manifest.environment.memory_bytes / MEMORY_UNIT) * MEMORY_UNIT / 2**30:g} GiB"
    return {**environment, "memory": memory, **content}


def _differences(was: object, has: object, where: str = "") -> Iterator[tuple[str, object, object]]:
    if isinstance(was, Mapping) and isinstance(has, Mapping):
        for key in dict.fromkeys([*was, *has]):
            yield from _differences(was.get(key), has.get(key), f"{where}: {key}" if where else str(key))
    elif isinstance(was, list) and isinstance(has, list) and len(was) == len(has):
        for number, (one, other) in enumerate(zip(was, has, strict=True)):
            yield from _differences(one, other, f"{where} {number}")
    elif was != has:
        yield where, was, has


def _short(value: object) -> str:
    text = "unknown" if value is None else str(value)
    return text if len(text) <= 60 else text[:60] + "…"
