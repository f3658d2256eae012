"""Sides that gave no answer at all, of whatever status, or none any more from some point of a run on (pure)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.samples import Failure
from loadtests.records.trial_file import TrialKey

Trials = Sequence[tuple[int, Summary]]
"""Of one side, each with its block, in the order in which they were measured."""


def unserved(manifest: Manifest, summaries: Mapping[TrialKey, Summary]) -> dict[SideLabel, str]:
    """Return the sides of which a run has nothing, or nothing any more in the end; each with a sentence.

    A side that answers with errors, or hangs after a while, was measured: that is a result. Its last trial alone counts
    where it is a server that ran already and takes no connection any more, for nobody starts that again.

    Args:
        manifest: the run.
        summaries: its trials; those of the control are left out.
    """
    found = {}
    for label, side in zip(LABELS, (manifest.a, manifest.b), strict=True):
        keys = [
            TrialKey(number, pairing.scenario, pairing.load.slug, label)
            for number, block in enumerate(manifest.blocks)
            for pairing in block
            if not pairing.control
        ]
        trials = [(key.block, summaries[key]) for key in keys if key in summaries]
        why = _of_one_side(trials, is_url="url" in side.settings, complete=manifest.complete)
        if why is not None:
            found[label] = why
    return found


def _of_one_side(trials: Trials, *, is_url: bool, complete: bool) -> str | None:
    if not trials:
        return None
    last_block, last = trials[-1]
    if not any(summary.answers for _, summary in trials):
        return f"gave no answer: {_reason(trials)}"
    if complete and not any(summary.answers for block, summary in trials if block == last_block):
        return f"no longer answered in the last block: {_reason([t for t in trials if t[0] == last_block])}"
    if is_url and not last.answers and last.failures.keys() == {Failure.CONNECT}:
        return f"no longer answered at the end: {_reason([trials[-1]])}"
    return None


def _reason(trials: Trials) -> str:
    reasons = Counter(summary.collapsed for _, summary in trials if summary.collapsed is not None)
    return reasons.most_common(1)[0][0] if reasons else "its requests never finished"
