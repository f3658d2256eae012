"""Analyse a run: summarise every trial's raw samples, compare the sides cell by cell, and return the run's outcome."""

from collections.abc import Mapping
from dataclasses import replace

from loadtests.analysis.cells import CellTrials, compare_cells, compare_with_itself
from loadtests.analysis.condition_checks import cores_used, shares_core
from loadtests.analysis.flag_checks import leak
from loadtests.analysis.flags import Conditions
from loadtests.analysis.model.limits import with_limits
from loadtests.analysis.trial_summary import Summary, summarise
from loadtests.analysis.unserved import unserved
from loadtests.experiment.loads import Load, OpenLoop
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest, SideRecord
from loadtests.records.run_folder import RunFolder
from loadtests.records.summary import Outcome
from loadtests.records.trial_file import CONTROL, TrialKey


def analyse(folder: RunFolder, manifest: Manifest) -> Outcome:
    """Summarise every trial's raw samples, then compare; raises UnreadableRun naming a file that is no good."""
    open_loops = {load.slug for _, load in manifest.cells() if isinstance(load, OpenLoop)}
    summaries: Mapping[TrialKey, Summary] = {
        key: summarise(recording, arrivals=key.load in open_loops) for key, recording in folder.read_trials()
    }
    cells = [
        _cell_trials(summaries, scenario.name, load, thinking=scenario.kind == "journey")
        for scenario, load in manifest.cells()
    ]
    planned = {
        TrialKey(number, CONTROL + p.scenario if p.control else p.scenario, p.load.slug, label)
        for number, block in enumerate(manifest.blocks)
        for p in block
        for label in p.order
    }
    complete = manifest.complete and planned <= summaries.keys()
    sides = (manifest.a.spec, manifest.b.spec)
    outcome = compare_cells(
        manifest.name,
        complete=complete,
        sides=sides,
        cells=cells,
        conditions=_conditions(manifest, summaries),
        least_blocks=manifest.least_blocks,
    )
    if manifest.control is not None:
        scenario, load = manifest.control
        trials = _cell_trials(summaries, CONTROL + scenario.name, load)
        outcome = replace(outcome, control=compare_with_itself(trials, manifest.a.spec, manifest.least_blocks))
    return with_limits(replace(outcome, unserved=unserved(manifest, summaries)), manifest)


def _cell_trials(
    summaries: Mapping[TrialKey, Summary], scenario: str, load: Load, *, thinking: bool = False
) -> CellTrials:
    blocks: dict[int, dict[SideLabel, Summary]] = {}
    for key, summary in summaries.items():
        if (key.scenario, key.load) == (scenario, load.slug):
            blocks.setdefault(key.block, {})[key.label] = summary
    return CellTrials(scenario, load, blocks, thinking=thinking)


def _conditions(manifest: Manifest, summaries: Mapping[TrialKey, Summary]) -> Conditions:
    """Return what the run knows of its driver, its machine and its servers, at their worst."""
    trials: dict[SideLabel, dict[int, list[Summary]]] = {"a": {}, "b": {}}
    for key, summary in summaries.items():
        if not key.scenario.startswith(CONTROL):
            trials[key.label].setdefault(key.block, []).append(summary)
    return Conditions(
        ceiling_rps=manifest.driver_ceiling_rps,
        overhead_s=manifest.driver_overhead_s,
        server_cores={
            label: _cores(side, manifest) for label, side in zip(LABELS, (manifest.a, manifest.b), strict=True)
        },
        steal=max((m.steal for m in manifest.machine if m.steal is not None), default=None),
        foreign=max((m.foreign for m in manifest.machine if m.foreign is not None), default=None),
        leaks={label: how for label, blocks in trials.items() if (how := leak(blocks)) is not None},
        shared_core=shares_core(manifest),
        cpu_quota=manifest.cpu_quota,
        cores_used=cores_used(manifest),
        throttled=max((m.throttled for m in manifest.machine if m.throttled is not None), default=None),
    )


def _cores(side: SideRecord, manifest: Manifest) -> int:
    """Return how many cores a side can keep busy: each worker process computes on one at a time."""
    if side.agent is not None:
        return min(side.agent.workers or 1, side.agent.cores)
    return max(1, min(int(side.settings.get("workers") or 1), len(manifest.server_cores)))
