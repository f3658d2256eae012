"""What was answered, in lines: failed requests, sides that gave no answer, sides whose good answers differ (pure)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis import answer_sizes
from loadtests.analysis.failed_requests import CUT_OFF, added_up, counted_in_words, in_full, name_of
from loadtests.analysis.trial_summary import NOT_ONE
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS
from loadtests.records.summary import CellResult, FailedRequests, Outcome, side_names
from loadtests.report.view import RunView
from loadtests.report.wording import named

DIFFER = "answers-differ"
MOST_LINES = 12
"""Of failed requests, on the terminal and among the doubts."""
MOST_KINDS = 6
"""In one line; `summary.json` has more."""


def failures(run: RunView) -> list[str]:
    """Return a line for each scenario and side of which requests failed; loads at which the same came are one line."""
    lines = []
    for scenario in run.manifest.scenarios:
        for label in LABELS:
            alike: dict[tuple[str, ...], list[CellResult]] = {}
            for load in run.loads:
                cell = run.cells.get((scenario.name, load, label))
                if cell is not None and cell.failed:
                    alike.setdefault(_kinds(cell.failed), []).append(cell)
            for cells in alike.values():
                where = f"{scenario.name} at {named(ascending({cell.load for cell in cells}))}, {run.names[label]}"
                requests = sum(cell.requests for cell in cells)
                failed = added_up([cell.failed for cell in cells])
                lines.append(f"{where}, of {requests:,} requests: {in_words(failed, scenario.name)}")
    return lines


def unmeasured(run: RunView) -> list[str]:
    """Return a line for each scenario and side of why it could not be measured, where no failed request says so."""
    lines = []
    for scenario in run.manifest.scenarios:
        for label in LABELS:
            alike: dict[str, list[Load]] = {}
            for load in run.loads:
                cell = run.cells.get((scenario.name, load, label))
                if cell is not None and cell.collapsed and not cell.failed:
                    alike.setdefault(Counter(cell.collapsed).most_common(1)[0][0], []).append(load)
            lines += [
                f"{scenario.name} at {named(ascending(loads))}, {run.names[label]}: {why}"
                for why, loads in alike.items()
            ]
    return lines


def _kinds(failed: Sequence[FailedRequests]) -> tuple[str, ...]:
    return tuple(sorted({name_of(each) for each in failed}))


def in_words(failed: Sequence[FailedRequests], scenario: str) -> str:
    """Write what failed, each kind with what came of one request, and which that was where it could be another one."""
    kinds: dict[tuple[str, int], list[FailedRequests]] = {}
    for each in failed:
        kinds.setdefault((each.failure, each.status), []).append(each)
    totals = {kind: sum(each.count for each in alike) for kind, alike in kinds.items()}
    frequent = sorted(kinds, key=lambda kind: -totals[kind])[:MOST_KINDS]
    said = [in_full(replace(kinds[kind][0], count=totals[kind])) + _which(kinds[kind], scenario) for kind in frequent]
    more = [f"and {len(kinds) - MOST_KINDS} more kinds"] if len(kinds) > MOST_KINDS else []
    return ", ".join([*said, *more])


def _which(alike: Sequence[FailedRequests], scenario: str) -> str:
    asked, others = alike[0].asked, len(alike) - 1
    if asked in ("", scenario):
        return ""
    return f" ({asked} and {others} more)" if others else f" ({asked})"


def unlike(run: RunView) -> list[str]:
    """Return a line for each scenario whose good answers are not as large on one side as on the other."""
    found: dict[tuple[str, str], list[Load]] = {}
    for c in run.headlines():
        if DIFFER in c.flags:
            a, b = (run.cells[c.scenario, c.load, label].answer_sizes for label in LABELS)
            what = answer_sizes.in_words(answer_sizes.differences(a, b), run.names["a"], run.names["b"])
            found.setdefault((c.scenario, what), []).append(c.load)
    return [
        f"{scenario} at {named(ascending(loads))}: the sides do not answer alike: {what.removeprefix(f'{scenario}: ')}"
        for (scenario, what), loads in found.items()
    ]


def nothing_good(outcome: Outcome) -> str:
    """Say of a run without one good answer what came instead: what failed, or why its sides could not be measured."""
    failed = added_up([cell.failed for cell in outcome.cells])
    whole = [each for each in failed if each.failure != CUT_OFF]
    reasons = dict.fromkeys(sentence for cell in outcome.cells for sentence in cell.collapsed)
    # What was cut off shows that a side was given up, and the reason why that was says more.
    others = [each for each in reasons if not each.startswith(NOT_ONE)][:MOST_KINDS]
    why = "; ".join([*filter(None, [counted_in_words(whole)]), *others]) or counted_in_words(failed)
    return f"neither side gave a good answer: {why}"


def unserved(outcome: Outcome, sides: tuple[str, str]) -> str:
    """Say of a run that a side of it gave no answer at all, or none any more; ``sides`` as they were written."""
    names = dict(zip(LABELS, side_names(*sides), strict=True))
    said = "; ".join(f"side {names[label]} {why}" for label, why in outcome.unserved.items())
    return f"the sides could not be compared: {said}"
