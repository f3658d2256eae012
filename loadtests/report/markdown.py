"""Verdicts in Markdown, as GitHub shows it (pure)."""

from loadtests.records.summary import Comparison
from loadtests.report.verdict_table import footnotes, marks_of
from loadtests.report.view import RunView
from loadtests.report.wording import kind_of, printable, ratio, word


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
        lines.append(f"| {_escaped(scenario.name)}: {_escaped(scenario.title)} | {shown} |")
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
