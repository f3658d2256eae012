"""Doubts about single cells: missing, collapsed, taken out, flagged (pure)."""

from collections import Counter
from collections.abc import Iterator

from loadtests.analysis.flags import MEANING, NO_VERDICT
from loadtests.charts import picks
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import listed, named
from loadtests.doubts.doubt import Doubt, flag_words
from loadtests.records.outcome import Outcome

TOLD_APART = frozenset({"collapsed", "small", "too-few-blocks", "too-few-samples"}) | NO_VERDICT
"""Flags that have a doubt of their own, or are none."""


def incomplete(run: View, outcome: Outcome) -> Iterator[Doubt]:
    """Say what is missing of a run that ended early."""
    if run.manifest.complete and outcome.complete:
        return
    planned, measured = len(run.manifest.cells()), run.headlines()
    fewest = min((c.blocks for c in measured), default=0)
    yield Doubt(
        "The run is incomplete",
        f"It ended before its plan did: of {planned} cells {planned - len(measured)} were not measured at all, and the "
        f"others rest on {fewest} to {max((c.blocks for c in measured), default=0)} of {run.blocks} blocks. If it was "
        "stopped because of what it showed, its verdicts mean little.",
        serious=True,
    )


def collapses(run: View) -> Iterator[Doubt]:
    """Say which side could not be measured, and why."""
    for label in LABELS:
        cells = [cell for (_, _, side), cell in run.cells.items() if side == label and cell.collapsed]
        if not cells:
            continue
        said = [
            f"{cell.scenario} at {named([cell.load])}, in {len(cell.collapsed)} of {run.blocks} blocks:"
            f" “{Counter(cell.collapsed).most_common(1)[0][0]}”"
            for cell in cells
        ]
        yield Doubt(
            f"{run.names[label]} collapsed",
            f"{'; '.join(said)}. Its figures are of the blocks that were left, if any.",
            serious=True,
        )


def taken_out(run: View) -> Iterator[Doubt]:
    """Say which cells have no verdict because the client may have been the limit."""
    out = picks.taken_out(run)
    if out:
        count = f"{len(out)} cell{'s were' if len(out) > 1 else ' was'}"
        yield Doubt(
            f"{count} taken out: the client may have been the limit",
            f"{_sentence(MEANING['driver-bound'])}. It concerns {listed(picks.places(out))}. What speaks"
            " for the client is told in words beside their figures.",
            serious=True,
        )


def flagged(run: View) -> Iterator[Doubt]:
    """Say which cells are flagged, a doubt a flag."""
    found: dict[str, list[str]] = {}
    for c in run.headlines():
        for flag in c.flags:
            if flag.partition(":")[0] not in TOLD_APART:
                found.setdefault(flag, []).append(f"{c.scenario} at {named([c.load])}")
    for flag, where in found.items():
        words, meaning = flag_words(run, flag)
        count = f"{len(where)} cell{'s' if len(where) > 1 else ''}"
        yield Doubt(f"Flagged {words}: {count}", f"{_sentence(meaning)}: {listed(where)}.", serious=True)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
