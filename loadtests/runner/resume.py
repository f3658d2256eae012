"""Resuming a run: whether machine, versions and settings are as they were, and which trials are missing.

What is measured then is what is missing; the manifest says when the run was resumed.
"""

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from datetime import datetime

from loadtests.experiment.loads import Load, OpenLoop, ascending
from loadtests.experiment.plan import MIN_BLOCKS, Cell, Experiment, Pairing, Plan
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.handler_record import HandlerRecord
from loadtests.records.manifest import Event, Manifest
from loadtests.records.samples import Recording
from loadtests.records.scenario_record import ScenarioRecord, scenario_of
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.runner.next_rows import NextRows
from loadtests.runner.runner import trial_key
from loadtests.system.errors import UsageError

OF_ONE_SITTING = (
    "argv",
    "created",
    "complete",
    "seconds",
    "events",
    "machine",
    "driver_ceiling_rps",
    "driver_overhead_s",
    "load_machines",
    "validation",
    "differences",
    "executed",
    "database_version",
    "next_rows",
)
"""What a manifest says of one sitting, or of how far it came; all else must be as it was."""
MEMORY_UNIT = 2**28
"""Installed memory is compared in quarters of a gibibyte: the kernel keeps a little more or less of it each time."""


def experiment_of(manifest: Manifest) -> Experiment:
    """Return the experiment that a manifest describes; raises UsageError if that can't be had any more.

    Where the load is a schedule, it is the experiment under the schedule's highest rate.
    """
    schedule = manifest.schedule
    if schedule is None and not manifest.blocks:
        raise UsageError(f"run {manifest.name!r} ended before anything was planned; begin a new run")
    loads: list[Load] = ascending({pairing.load for block in manifest.blocks for pairing in block})
    blocks = MIN_BLOCKS if manifest.budget_s is not None else len(manifest.blocks)
    if schedule is not None:
        loads, blocks = [OpenLoop(schedule.schedule.peak_rps, schedule.arrivals)], len(schedule.orders)
    own = ("a", "b", "scenarios", "loads", "blocks")
    plain = [field.name for field in fields(Experiment) if field.name not in own]
    a, b = parse_side(manifest.a.spec), parse_side(manifest.b.spec)
    return Experiment(
        a,
        b,
        tuple(_scenario_that_can_be_asked(record) for record in manifest.scenarios),
        tuple(loads),
        blocks=blocks,
        **{name: getattr(manifest, name) for name in plain},
    )


def _scenario_that_can_be_asked(record: ScenarioRecord) -> Scenario:
    """Return a scenario, if the environment has what it needs; raises UsageError."""
    scenario = scenario_of(record)
    scenario.variables()
    return scenario


def check_same(before: Manifest, now: Manifest) -> None:
    """Raise UsageError naming the first thing that is not as it was when the run began."""
    if before.budget_s is not None:  # its blocks are planned as it goes on
        now = now.model_copy(update={"blocks": before.blocks})
    now = now.model_copy(update={"handlers": _kept_then(before, now)})
    if not any(scenario.requests for scenario in before.scenarios):  # likewise
        now = now.model_copy(update={"scenarios": [s.model_copy(update={"requests": ()}) for s in now.scenarios]})
    if before.shared_core is None:  # likewise; the quota was not kept before that either
        now = now.model_copy(update={"shared_core": None, "cpu_quota": before.cpu_quota})
    for label in LABELS:
        if getattr(before, label).commit is None:  # likewise
            now = now.model_copy(update={label: getattr(now, label).model_copy(update={"commit": None})})
    for where, was, has in _differences(_lasting(before), _lasting(now)):
        raise UsageError(
            f"{where} was {_shortened(was)} when the run began and is {_shortened(has)} now; a run must be measured "
            "under the same conditions throughout: restore that, or start a new run"
        )


def _kept_then(before: Manifest, now: Manifest) -> dict[str, dict[SideLabel, HandlerRecord]]:
    """Return the handlers of those sides of which they were kept when the run began: once only builds' were."""
    return {
        name: {label: record for label, record in now.handlers.get(name, {}).items() if label in sides}
        for name, sides in before.handlers.items()
    }


def plan_of(manifest: Manifest, experiment: Experiment) -> Plan:
    """Return the plan of a run that has begun: of one with a budget, those blocks that were planned so far."""
    if experiment.budget_s is None:
        return experiment.plan()
    rng = random.Random(manifest.seed)
    scenarios = {scenario.name: scenario for scenario in experiment.scenarios}
    return tuple(
        tuple(
            Pairing(Cell(scenarios[p.scenario], p.load), p.order, rng.randrange(2**32), p.rounds, p.control)
            for p in block
        )
        for block in manifest.blocks
    )


def missing_trials(plan: Plan, found: Collection[TrialKey]) -> Plan:
    """Return the plan without the pairings of which both sides were saved; a block may come out empty."""
    return tuple(
        tuple(
            pairing
            for pairing in block
            if not all(trial_key(number, pairing, label) in found for label in pairing.order)
        )
        for number, block in enumerate(plan)
    )


def next_rows_of(manifest: Manifest, trials: Mapping[TrialKey, Recording]) -> NextRows:
    """Return which rows of values files are next.

    What was interrupted has left no record. It may have used as many rows as any trial of its scenario before, one for
    each request, or for two servers of one side; so many are passed over.

    Args:
        manifest: of a run that goes on.
        trials: what it has.
    """
    files = {scenario.name: scenario.values.file for scenario in manifest.scenarios if scenario.values is not None}
    most: dict[str, int] = {}
    for key, recording in trials.items():
        if (file := files.get(key.scenario.removeprefix(CONTROL))) is not None:
            most[file] = max(most.get(file, 0), 2 * len(recording.samples))
    return NextRows({file: row + most.get(file, 0) for file, row in manifest.next_rows.items()})


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
    content: dict[str, object] = manifest.model_dump(exclude={*OF_ONE_SITTING, "environment"})
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


def _shortened(value: object) -> str:
    text = "unknown" if value is None else str(value)
    return text if len(text) <= 60 else text[:60] + "…"
