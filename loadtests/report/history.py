"""The history of runs in the terminal: a line for each series, and a sentence for each change of its level."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.analysis.change_points import LEAST_LENGTH
from loadtests.analysis.history import CommitRange, History, Trend, TrendChange, What
from loadtests.report.wording import listed, milliseconds, number, printable, ratio

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.-=+*#@"
"""For a terminal without these signs."""
WIDEST = 30
"""How many of the latest figures a line of bars shows."""
LEAST_SPAN = 0.1
"""A series that varies by a smaller share fills only a part of the bars' height."""
SHORT = 12
"""Characters of a commit's hash."""
WHOSE = {"ratio": "b ÷ a", "a": "side a", "b": "side b", "control": "side a against itself", "driver": "driver alone"}
ALONE: Mapping[What, str] = {
    "driver": "This figure involves no app: the machine or the harness changed.",
    "control": "Side a was compared with itself: the setup changed, not the code.",
}
OF_THE_RATIO: Mapping[bool | None, str] = {
    True: "The ratio changed there too: probably the code or the packages of this side.",
    False: "The ratio did not change: either something that both sides share, or the machine.",
    None: "",
}
"""What the ratio of the same cell tells about a change of one side; nothing about its own change."""
BOTH = "The other side changed there too, and so did the ratio: both sides changed, by different factors."


def trend_name(trend: Trend) -> str:
    """Return what a series is about."""
    cell = f"{trend.scenario}, {trend.load}, " if trend.load is not None else ""
    unit = "" if trend.what in ("ratio", "control") else " (p99, ms)" if trend.metric == "p99" else " (requests/s)"
    return f"{cell}{WHOSE[trend.what]}{unit}"


def figure_in_words(trend: Trend, index: int) -> str:
    """Write a figure of a series with its interval."""
    figure = trend.figures[index]
    is_ratio = trend.what in ("ratio", "control")
    write = ratio if is_ratio else milliseconds if trend.metric == "p99" else number
    spread = "" if figure.interval is None else f" ({write(figure.interval[0])} to {write(figure.interval[1])})"
    return f"{write(figure.value)}{spread}"


def bars(trend: Trend, signs: str = BARS) -> str:
    """Return the latest figures of a series as bars; a series that varies little is drawn flat."""
    values = [figure.value for figure in trend.figures[-WIDEST:]]
    low, high = min(values), max(values)
    middle, span = (low + high) / 2, max(high - low, LEAST_SPAN * high)
    return "".join(signs[min(7, int(8 * ((value - middle) / span + 0.5)))] for value in values)


def change_in_words(trend: Trend, change: TrendChange) -> str:
    """Say where a level changed, by how much, between which commits, and what that hints at."""
    low, high = change.point.interval
    said = (
        f"{trend_name(trend)}: × {ratio(change.point.ratio)} ({ratio(low)} to {ratio(high)}) from {change.after.name}"
        f" on, after {change.before.name}"
    )
    if spans := [f"side {label} {_span(span)}" for label, span in change.commits.items()]:
        said += f"; {', '.join(spans)}"
    if change.also:
        said += f"; also changed: {listed(change.also)}"
    return printable(f"{said}. {reason(trend, change)}".strip())


def reason(trend: Trend, change: TrendChange) -> str:
    """Say what the other series tell about a change."""
    if trend.what in ALONE:
        return ALONE[trend.what]
    if change.driver_bound:
        return "In a run next to it the load driver may have been the limit: this says nothing about the sides."
    if change.of_the_machine:
        return "The control or the driver's own ceiling changed there too: probably the machine, not the code."
    if change.commits and all(span.is_same for span in change.commits.values()):
        return "The commit is the same before and after: not the code."
    if change.with_ratio and change.with_other:
        return BOTH
    return OF_THE_RATIO[change.with_ratio]


def _span(span: CommitRange) -> str:
    before, after = (_short(commit) for commit in (span.before, span.after))
    return f"at {after} before and after" if span.is_same else f"{before}..{after}"


def _short(commit: str | None) -> str:
    if commit is None:
        return "unknown"
    return commit[:SHORT] + ("+" if commit.endswith("+") else "")


def heading(history: History) -> str:
    """Say which runs these are."""
    first, last = history.runs[0].manifest, history.runs[-1].manifest
    count = f"{len(history.runs)} run{'s' if len(history.runs) > 1 else ''}"
    seen = last.environment
    sides = f"{last.b.spec} ÷ {last.a.spec}"
    days = " to ".join(dict.fromkeys(f"{each.created:%Y-%m-%d}" for each in (first, last)))
    return printable(f"{count}, {days}: {sides}; {seen.cpu}, {seen.cores} cores, {seen.system}")


def history_table(history: History, signs: str = BARS) -> RenderableType:
    """Return what the terminal shows of one history."""
    table = Table(title=Text(heading(history), style="bold"), title_justify="left")
    for column, justify in (("series", "left"), ("runs", "right"), ("trend", "left"), ("latest", "left")):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    last = None
    for trend in history.trends:
        cell = (trend.scenario, trend.load, trend.what == "control")
        if last is not None and cell != last:
            table.add_section()
        last = cell
        style = "yellow" if trend.changes else ""
        table.add_row(
            Text(printable(trend_name(trend)), style=style),
            str(len(trend.figures)),
            bars(trend, signs),
            figure_in_words(trend, -1),
        )
    return Group(table, *(Text(line) for line in lines(history)))


def lines(history: History) -> Sequence[str]:
    """Return the lines under the table, a sentence or two each."""
    if not history.is_long_enough:
        return [f"To look for changes, it takes at least {LEAST_LENGTH} runs."]
    said = [change_in_words(trend, change) for trend in history.trends for change in trend.changes]
    return said or ["No change of level was found."]
