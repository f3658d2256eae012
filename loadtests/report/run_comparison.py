"""Several runs side by side in the terminal and in Markdown: differences first, then fairness, then figures."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.analysis.across_runs import Change, Figure, Row, RunsComparison
from loadtests.analysis.comparison import MARGIN_PERCENT
from loadtests.records.summary import Metric
from loadtests.report.wording import milliseconds, number, printable, ratio

UNITS = {"throughput": "requests/s", "p99": "ms"}
STYLES = {"better": "bold green", "worse": "bold red", "b gained": "bold green", "b lost": "bold red"}
LEGEND = (
    f"Each change is from the first run, with a 95 % interval. A verdict means that the change is certain after Holm's"
    f" correction over the table. “No meaningful change”: the interval lies within ± {MARGIN_PERCENT} %. “Not decided”:"
    " these runs can't tell."
)
RATIOS = "Ratio b ÷ a"


def change_word(change: Change, row: Row) -> str:
    """Return how a figure changed, from the view of the side that has it; for a ratio, from that of side b."""
    if change.verdict == "equivalent":
        return "no meaningful change"
    if change.verdict == "inconclusive":
        return "not decided"
    good = (change.verdict == "up") == (row.metric == "throughput")
    if row.label is None:
        return "b gained" if good else "b lost"
    return "better" if good else "worse"


def figure_text(figure: Figure | None, row: Row) -> str:
    """Write a figure with its interval: ``1.02 (0.97 to 1.07)``; a dash if there is none."""
    if figure is None:
        return "–"
    write = ratio if row.label is None else milliseconds if row.metric == "p99" else number
    spread = "" if figure.interval is None else f" ({write(figure.interval[0])} to {write(figure.interval[1])})"
    return f"{write(figure.value)}{spread}"


def change_text(change: Change) -> str:
    """Write the factor of a change: ``× 1.08 (1.02 to 1.14)``."""
    spread = "" if change.interval is None else f" ({ratio(change.interval[0])} to {ratio(change.interval[1])})"
    return f"× {ratio(change.ratio)}{spread}"


def row_name(row: Row) -> str:
    """Return the cell that a row is about."""
    side = "" if row.label is None else f", side {row.label}"
    return f"{row.scenario}, {row.load}{side}"


def titles(comparison: RunsComparison) -> list[tuple[str, Sequence[Row]]]:
    """Return the rows of each table, with its title."""
    found: list[tuple[str, Sequence[Row]]] = [(f"{RATIOS}, {_metrics(comparison.ratios)}", comparison.ratios)]
    if comparison.absolute:
        found.append((f"Each side's own figures, {_metrics(comparison.absolute)}", comparison.absolute))
    return found


def _metrics(rows: Sequence[Row]) -> str:
    metrics: list[Metric] = list(dict.fromkeys(row.metric for row in rows))
    words = {"throughput": "throughput", "p99": "response time of the slowest 1 % (p99)"}
    units = "" if any(row.label is None for row in rows) else f" in {' and '.join(UNITS[each] for each in metrics)}"
    return f"{' and '.join(words[each] for each in metrics)}{units}"


def comparison_table(comparison: RunsComparison) -> RenderableType:
    """Return what the terminal shows."""
    names = [run.name for run in comparison.runs]
    parts: list[RenderableType] = []
    if comparison.differences:
        table = Table(title="What differs", title_justify="left", title_style="bold")
        for column in ("", "", *names):
            table.add_column(Text(printable(column)), overflow="fold")
        last = ""
        for each in comparison.differences:
            kind = "" if each.kind == last else each.kind
            table.add_row(kind, Text(printable(each.what)), *(Text(printable(value)) for value in each.values))
            last = each.kind
        parts.append(table)
    else:
        parts.append(Text("The runs recorded no differences."))
    parts += [Text(comparison.fairness.ratios), Text(comparison.fairness.absolute)]
    parts += [Text(f"{printable(said)}.", style="yellow") for said in comparison.cautions]
    for title, rows in titles(comparison):
        table = Table(title=title, title_justify="left", title_style="bold", show_lines=True)
        for column in ("", *names):
            table.add_column(Text(printable(column)), overflow="fold")
        for row in rows:
            cells = [Text(figure_text(figure, row)) for figure in row.figures]
            for cell, change in zip(cells[1:], row.changes, strict=True):
                if change is not None:
                    word = change_word(change, row)
                    cell.append(f"\n{change_text(change)}", style="dim").append(f"\n{word}", style=STYLES.get(word, ""))
            table.add_row(Text(printable(row_name(row)), style="bold"), *cells)
        parts += [Text(), table]
    parts += [Text(LEGEND)] + [Text(f"Left out: {printable(said)}.", style="dim") for said in comparison.left_out]
    return Group(*parts)


def comparison_markdown(comparison: RunsComparison) -> str:
    """Return the same in Markdown."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: RunsComparison) -> Iterator[str]:
    names = [_escaped(run.name) for run in comparison.runs]
    yield f"### {', '.join(names)}"
    yield ""
    if comparison.differences:
        yield from _head(["what differs", "", *names])
        for each in comparison.differences:
            yield f"| {each.kind} | {_escaped(each.what)} | {' | '.join(map(_escaped, each.values))} |"
    else:
        yield "The runs recorded no differences."
    yield ""
    yield from [f"- {_escaped(said)}" for said in (comparison.fairness.ratios, comparison.fairness.absolute)]
    yield from [f"- {_escaped(said)}." for said in comparison.cautions]
    for title, rows in titles(comparison):
        yield ""
        yield from _head([_escaped(title), *names])
        for row in rows:
            cells = [figure_text(row.figures[0], row)]
            for figure, change in zip(row.figures[1:], row.changes, strict=True):
                more = "" if change is None else f"<br>{change_text(change)}<br>{_bold(change_word(change, row))}"
                cells.append(figure_text(figure, row) + more)
            yield f"| {_escaped(row_name(row))} | {' | '.join(cells)} |"
    yield ""
    yield LEGEND
    yield from [f"- Left out: {_escaped(said)}." for said in comparison.left_out]


def _head(names: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", "| --- |" + " --- |" * (len(names) - 1)]


def _bold(word: str) -> str:
    return f"**{word}**" if word in STYLES else word


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "|\\`*<" else c for c in printable(text))
