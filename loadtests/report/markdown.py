"""Verdicts and thresholds in Markdown, as GitHub shows it: for the summary of a job, and for the docs (pure)."""

from loadtests.analysis.control import control_in_words
from loadtests.analysis.thresholds import Judgement
from loadtests.analysis.verdict_kinds import kind_of
from loadtests.records.summary import Comparison, Outcome
from loadtests.report.thresholds import found, summary
from loadtests.report.verdict_table import footnotes, marks_of
from loadtests.report.view import RunView, ratio_of
from loadtests.report.wording import STATUS_SIGNS, printable, ratio, word


def markdown(run: RunView, outcome: Outcome, judgement: Judgement, *, undecided_fails: bool) -> str:
    """Return the table of verdicts, and under it what became of each threshold, if there are any.

    Args:
        run: what was measured.
        outcome: the same, not indexed.
        judgement: of its thresholds.
        undecided_fails: whether what was not decided fails.
    """
    a, b = run.names["a"], run.names["b"]
    incomplete = "" if outcome.complete else " (incomplete run)"
    lines = [f"### {_escaped(b)} against {_escaped(a)}{incomplete}", "", *verdict_rows(run), ""]
    lines += [f"{_escaped(ratio_of(run))}, with 95 % intervals.", ""]
    if outcome.control is not None:
        lines += [_escaped(control_in_words(outcome.control, a)), ""]
    if judgement.judged:
        lines += ["| | must not be | found |", "| --- | --- | --- |"]
        lines += [
            f"| {STATUS_SIGNS[each.status]} | {_code(str(each.threshold))} | {_escaped(found(each, run))} |"
            for each in judgement.judged
        ]
        lines += ["", summary(judgement, undecided_fails=undecided_fails), ""]
    return "\n".join(lines)


def verdict_rows(run: RunView) -> list[str]:
    """Return the table of verdicts: a row a scenario, a column a load, and a line for every flag in it."""
    lines = [
        "| scenario | " + " | ".join(str(load) for load in run.loads) + " |",
        "| --- |" + " --- |" * len(run.loads),
    ]
    marks: dict[str, str] = {}
    for scenario in run.scenarios:
        cells = [run.comparisons.get((scenario.name, load, run.metric)) for load in run.loads]
        shown = " | ".join(_verdict(run, c, marks) for c in cells)
        lines.append(f"| {_escaped(scenario.heading)} | {shown} |")
    notes = [f"- {_escaped(note)}" for note in footnotes((run.names["a"], run.names["b"]), marks)]
    return [*lines, "", *notes] if notes else lines


def _verdict(run: RunView, c: Comparison | None, marks: dict[str, str]) -> str:
    if c is None:
        return "–"
    verdict = _escaped(word(c, run.names))
    shown = f"**{verdict}**" if kind_of(c) in ("a", "b") else verdict
    if numbers := marks_of(c, marks):
        shown += f" [{','.join(numbers)}]"
    spread = f" ({ratio(c.interval[0])} to {ratio(c.interval[1])})" if c.interval else ""
    return f"{shown} {ratio(c.ratio)}{spread}" if c.ratio else shown


def _escaped(text: str) -> str:
    """Return text as it is, in a cell of a table too."""
    return "".join(f"\\{c}" if c in "|\\`*<" else c for c in printable(text))


def _code(text: str) -> str:
    """Return text as code; in a table even there a bar needs a backslash."""
    mark = "``" if "`" in text else "`"
    return f"{mark}{printable(text).replace('|', chr(92) + '|')}{mark}"
