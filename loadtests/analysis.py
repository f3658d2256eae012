"""From a run's folder to its outcome: the half of the street that only reads."""

from collections.abc import Mapping

from loadtests.derive import CellTrials, derive
from loadtests.experiment.loads import OpenLoop
from loadtests.leaks import leak
from loadtests.limits_met import with_limits
from loadtests.records.manifest import Manifest
from loadtests.records.outcome import Outcome, SideLabel
from loadtests.records.run_folder import RunFolder
from loadtests.records.trial_file import TrialKey
from loadtests.summary import Summary, summarise
from loadtests.warnings.conditions import Conditions


def analyse(folder: RunFolder, manifest: Manifest) -> Outcome:
    """Summarise every trial's raw samples, then compare; raises UnreadableRun naming a file that is no good."""
    open_loops = {load.slug for _, load in manifest.cells() if isinstance(load, OpenLoop)}
    summaries: Mapping[TrialKey, Summary] = {
        key: summarise(recording, arrivals=key.load in open_loops) for key, recording in folder.read_trials()
    }
    cells = []
    for scenario, load in manifest.cells():
        blocks: dict[int, dict[SideLabel, Summary]] = {}
        for key, summary in summaries.items():
            if (key.scenario, key.load) == (scenario.name, load.slug):
                blocks.setdefault(key.block, {})[key.label] = summary
        cells.append(CellTrials(scenario.name, load, blocks, thinking=scenario.kind == "journey"))
    planned = {
        TrialKey(number, p.scenario, p.load.slug, label)
        for number, block in enumerate(manifest.blocks)
        for p in block
        for label in p.order
    }
    complete = manifest.complete and planned <= summaries.keys()
    sides = (manifest.a.spec, manifest.b.spec)
    outcome = derive(
        manifest.name, complete=complete, sides=sides, cells=cells, conditions=_conditions(manifest, summaries)
    )
    return with_limits(outcome, manifest)


def _conditions(manifest: Manifest, summaries: Mapping[TrialKey, Summary]) -> Conditions:
    """Return what the run knows of its driver, its machine and its servers, at their worst."""
    trials: dict[SideLabel, dict[int, list[Summary]]] = {"a": {}, "b": {}}
    for key, summary in summaries.items():
        trials[key.label].setdefault(key.block, []).append(summary)
    return Conditions(
        ceiling_rps=manifest.driver_ceiling_rps,
        steal=max((m.steal for m in manifest.machine if m.steal is not None), default=None),
        foreign=max((m.foreign for m in manifest.machine if m.foreign is not None), default=None),
        leaks={label: how for label, blocks in trials.items() if (how := leak(blocks)) is not None},
    )
