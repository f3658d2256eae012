"""What became of each threshold, in a line, and of all of them together (pure)."""

from collections import Counter
from dataclasses import dataclass

from loadtests.analysis.comparison import LEVEL
from loadtests.analysis.flags import MEANING
from loadtests.analysis.thresholds import Judged, Judgement, Reason
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.thresholds import Threshold
from loadtests.records.summary import CellResult
from loadtests.report.view import RunView
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS, listed, milliseconds, number, printable, ratio

NO_INTERVAL: dict[Reason, str] = {
    "failed-requests": "it falls among the failed requests, which are slower than everything",
    "too-few-samples": "some blocks have too few requests for it",
    "too-few-blocks": f"too few blocks; use a longer --budget, fewer scenarios or loads, or --blocks {MIN_BLOCKS}",
    "not-measured": "it was not measured",
    "unknown": "it is not known for a server that was already running",
}
"""Why a figure has no interval; where a side collapsed, it says so itself."""


@dataclass(frozen=True)
class ThresholdRow:
    """One threshold as the page shows it: what became of it, as a sign and a word, and why."""

    sign: str
    word: str
    condition: str
    found: str


@dataclass(frozen=True)
class ThresholdTable:
    """All thresholds of a run, those that were missed first.

    Attributes:
        summary: what became of them, in a sentence or two.
        rows: one each.
        failed: whether the run fails by them.
    """

    summary: str
    rows: list[ThresholdRow]
    failed: bool


def threshold_table(judgement: Judgement, run: RunView, *, undecided_fails: bool) -> ThresholdTable | None:
    """Return what the page shows; None where nothing was judged."""
    if not judgement.judged:
        return None
    failing = {"missed", "undecided"} if undecided_fails else {"missed"}
    order = ("missed", "undecided", "met")
    rows = [
        ThresholdRow(STATUS_SIGNS[each.status], STATUS_WORDS[each.status], str(each.threshold), found(each, run))
        for each in sorted(judgement.judged, key=lambda each: order.index(each.status))
    ]
    failed = any(each.status in failing for each in judgement.judged)
    return ThresholdTable(summary(judgement, undecided_fails=undecided_fails), rows, failed)


def line(judged: Judged, run: RunView) -> str:
    """Say of one threshold what was found, and what is to be doubted, in one line."""
    return printable(f"{judged.threshold}: {found(judged, run)}")


def found(judged: Judged, run: RunView) -> str:
    """Say what was found: the figure with its interval, or why there is none."""
    if judged.reason == "collapsed":
        cells = {label: run.cells[judged.scenario, judged.load, label] for label in judged.threshold.sides}
        return listed([_collapse(run.names[label], cell) for label, cell in cells.items() if cell.collapsed])
    if judged.reason is not None or judged.found is None or judged.interval is None:
        return NO_INTERVAL[judged.reason or "not-measured"]
    said = "{} ({} to {})".format(*(amount(judged.threshold, value) for value in (judged.found, *judged.interval)))
    label = judged.threshold.label
    if label is not None:
        said += f" in {run.names[label]}"
        if judged.threshold.metric == "errors":
            cell = run.cells[judged.scenario, judged.load, label]
            said += f", {sum(cell.failures.values()):,} of {cell.requests:,} requests"
    return f"{said}, but {_doubt(judged.flag, run)}" if judged.flag else said


def amount(threshold: Threshold, value: float) -> str:
    """Write a figure with its unit; a ratio has none."""
    if threshold.is_ratio:
        return ratio(value)
    match threshold.metric:
        case "throughput":
            return f"{number(value)}/s"
        case "errors":
            return f"{number(100 * value)} %"
        case "memory":
            return f"{number(value / 1e6)} MB"
        case _:
            return f"{milliseconds(value)} ms"


def summary(judgement: Judgement, *, undecided_fails: bool) -> str:
    """Say how many thresholds were met, missed and not decided, and how sure that is."""
    counts = Counter(each.status for each in judgement.judged)
    said = [
        f"{STATUS_SIGNS[status]} {counts[status]} {word}" for status, word in STATUS_WORDS.items() if counts[status]
    ]
    told = f"Thresholds: {', '.join(said)}"
    if counts["undecided"]:
        told += ", which fails" if undecided_fails else ", which passes (--not-decided fail: it fails)"
    return f"{told}.{_correction(judgement)}"


def _correction(judgement: Judgement) -> str:
    if judgement.comparisons < 2 or not any(each.interval for each in judgement.judged):
        return ""
    return (
        " Their intervals are wider than those in the table: Holm’s correction makes all"
        f" {judgement.comparisons} comparisons together as reliable as a single one at {LEVEL:.0%}."
    )


def _collapse(name: str, cell: CellResult) -> str:
    sentence, _ = Counter(cell.collapsed).most_common(1)[0]
    return f"{name} collapsed in {len(cell.collapsed)} of {len(cell.by_block)} blocks (“{sentence}”)"


def _doubt(flag: str, run: RunView) -> str:
    """Say what a flag means, and of which side."""
    name, _, label = flag.partition(":")
    sides: dict[str, SideLabel] = {"a": "a", "b": "b"}
    return f"that is doubtful; {run.names[sides[label]]}: {MEANING[name]}"
