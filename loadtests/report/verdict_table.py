"""The table of verdicts in the terminal: one row a scenario, one column a load, a footnote for every flag."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.analysis.comparison import MARGIN_PERCENT
from loadtests.analysis.control import control_in_words
from loadtests.analysis.flags import MEANING, written
from loadtests.analysis.verdict_kinds import ALIKE, Kind, kind_of, lead_in_words, winner
from loadtests.experiment.loads import Load, OpenLoop, ascending
from loadtests.records.manifest import Manifest
from loadtests.records.summary import Comparison, Outcome, headline_of
from loadtests.report import answers, differences, limits
from loadtests.report.answers import MOST_LINES
from loadtests.report.view import short_names, view_of
from loadtests.report.wording import NO_BREAK, REASONS, word

MOST_COLUMNS = 6
"""Loads that stand side by side, a column each; of more there is a row each."""
MINOR = frozenset({"small"})
"""Flags that qualify a verdict without casting doubt on it; they get no footnote mark."""
STYLES: dict[Kind, str] = {"a": "bold blue", "b": "bold green", "equivalent": "bold"}
LEGEND = {
    ALIKE: f"the interval lies within ± {MARGIN_PERCENT} %",
    "not decided": "this run can't tell",
    "not confirmed": "the interval excludes 1, but a stricter test does not agree",
    "driver-bound": f"no verdict, {REASONS['driver-bound']}",
    "leaves work behind": f"no verdict, {REASONS['work-left']}",
    "too few requests": "to know the slowest 1 %",
}
"""Words of the table that are not a side's name."""


def verdict_table(manifest: Manifest, outcome: Outcome) -> RenderableType:
    """Return the table of headline verdicts with a legend, and a footnote for every flag in it."""
    specs = manifest.a.spec, manifest.b.spec
    names = short_names(*specs)
    headlines = {(c.scenario, c.load): c for c in outcome.comparisons if c.metric == headline_of(c.load)}
    loads = ascending({load for _, load in headlines})
    open_loop = any(isinstance(load, OpenLoop) for load in loads)
    what = "Response time of the slowest 1 % (p99)" if open_loop else "Throughput"
    table = Table(
        title=f"{what}, {names[1]} ÷ {names[0]}" + ("" if outcome.complete else "   (incomplete run)"),
        title_justify="left",
        title_style="bold",
        show_lines=True,
    )
    marks: dict[str, str] = {}
    upright = len(loads) > MOST_COLUMNS
    if upright:
        _add_rows_of_loads(table, manifest, headlines, names, marks)
    else:
        table.add_column("scenario")
        for load in loads:
            table.add_column(str(load), justify="right")
        for scenario in manifest.scenarios:
            cells = [headlines.get((scenario.name, load)) for load in loads]
            name = Text(scenario.name, style="bold")
            if not scenario.is_own:
                name.append(f"\n{scenario.kind}", style="not bold dim")
            table.add_row(name, *(_cell(cell, names, marks) for cell in cells))
    lines = [
        _how_to_read(names, _blocks_in_words(manifest, outcome), open_loop=open_loop, upright=upright),
        " ".join(f"{name} is {spec}." for name, spec in zip(names, specs, strict=True) if name != spec),
        *_asked_by_side(manifest, names),
        _legend(list(headlines.values()), names),
        control_in_words(outcome.control, names[0]) if outcome.control else "",
    ]
    run = view_of(manifest, outcome)
    limited = limits.lines(run)
    lines += [*limited[:MOST_LINES], *([_more(limited)] if len(limited) > MOST_LINES else [])]
    told = [*answers.unmeasured(run), *answers.failures(run)]
    more = [_more(told)] if len(told) > MOST_LINES else []
    said = [*(f"{line}." for line in [*differences.lines(run), *answers.unlike(run)]), *told[:MOST_LINES], *more]
    notes = (Text(note, style="yellow") for note in [*said, *footnotes(names, marks)])
    return Group(table, *(Text(line) for line in lines if line), *notes)


def _asked_by_side(manifest: Manifest, names: tuple[str, str]) -> list[str]:
    """Return a line for each scenario in which the sides are asked different requests."""
    said = []
    for scenario in manifest.scenarios:
        pairs = [(f"{each.method} {each.path}", " ".join(each.b)) for each in scenario.requests if each.b]
        if pairs:
            a, b = (", ".join(asked) for asked in zip(*pairs, strict=True))
            said.append(f"{scenario.name}: {names[0]} is asked {a}, {names[1]} is asked {b}.")
    return said


def _add_rows_of_loads(
    table: Table,
    manifest: Manifest,
    headlines: Mapping[tuple[str, Load], Comparison],
    names: tuple[str, str],
    marks: dict[str, str],
) -> None:
    """Fill the table with a row for each cell: so many loads have no room side by side."""
    table.show_lines = False
    table.add_column("scenario")
    table.add_column("load", justify="right")
    table.add_column("better")
    table.add_column("×", justify="right")
    table.add_column("95 % interval", justify="right")
    for scenario in manifest.scenarios:
        cells = [(load, headlines[name, load]) for name, load in headlines if name == scenario.name]
        for number, (load, c) in enumerate(sorted(cells, key=lambda cell: cell[0].size)):
            verdict, lead, figures = _parts(c, names, marks)
            verdict = Text("\n").join(filter(None, [verdict, lead]))
            figures = [
                Text(figure.plain.removesuffix(" ×"), style="dim" if i else "") for i, figure in enumerate(figures)
            ]
            name = Text("" if number else scenario.name, style="bold")
            last = number == len(cells) - 1
            table.add_row(name, str(load), verdict, *(figures or [Text("–")]), end_section=last)


def _more(told: list[str]) -> str:
    return f"… and {len(told) - MOST_LINES} more in the report."


def _cell(comparison: Comparison | None, names: tuple[str, str], marks: dict[str, str]) -> Text:
    verdict, lead, figures = _parts(comparison, names, marks)
    return Text("\n").join([verdict, *filter(None, [lead]), *figures])


def _parts(
    comparison: Comparison | None, names: tuple[str, str], marks: dict[str, str]
) -> tuple[Text, Text, list[Text]]:
    """Return the verdict, a sure lead within the margin, and the ratio and its interval, as far as there are such."""
    if comparison is None or (
        comparison.ratio is None and comparison.verdict == "inconclusive" and not comparison.flags
    ):
        return Text("not measured", style="dim"), Text(), []
    numbers = marks_of(comparison, marks)
    text = Text(_word(comparison, names), style=STYLES.get(kind_of(comparison), _winner_style(comparison)))
    if numbers:
        text.append(f"\N{NO-BREAK SPACE}[{','.join(numbers)}]", style="yellow")
    lead = Text(lead_in_words(comparison, *names).replace(" %", f"{NO_BREAK}%"))
    figures = []
    if comparison.ratio is not None:
        figures.append(Text(f"{written(comparison.ratio)} ×", style="dim" if kind_of(comparison) in REASONS else ""))
        if comparison.interval is not None:
            figures.append(Text("{} – {}".format(*map(written, comparison.interval)), style="dim"))
    return text, lead, figures


def _word(comparison: Comparison, names: tuple[str, str]) -> str:
    """Return the better side's name, or the word for there being none."""
    if better := winner(comparison):
        return names[0] if better == "a" else names[1]
    if kind_of(comparison) == "equivalent":
        return ALIKE
    return word(comparison, {"a": names[0], "b": names[1]})


def _winner_style(comparison: Comparison) -> str:
    """Return the style of a verdict by collapse, which is the winner's; else that of no verdict."""
    better = winner(comparison)
    return "dim" if better is None else "bold blue" if better == "a" else "bold green"


def _blocks_in_words(manifest: Manifest, outcome: Outcome) -> str:
    planned = len(manifest.blocks)
    done = sorted({c.blocks for c in outcome.comparisons if c.metric == headline_of(c.load) and c.blocks})
    if done in ([], [planned]):
        return f"{planned} block{'s' if planned != 1 else ''}"
    if manifest.budget_s is None:
        return f"{done[0]} to {done[-1]} of {planned} blocks"
    return f"{done[0]} block{'s' if done[0] != 1 else ''}" if len(done) == 1 else f"{done[0]} to {done[-1]} blocks"


def _how_to_read(names: tuple[str, str], blocks: str, *, open_loop: bool, upright: bool) -> str:
    a, b = names
    where = "beside" if upright else "under"
    if open_loop:
        return (
            f"The named side's slowest 1 % of requests wait less. × is {b} ÷ {a}; below 1, {b} is better. "
            f"The 95 % interval over {blocks} is {where} it."
        )
    return (
        f"The named side answers more requests per second. × is {b} ÷ {a}; "
        f"the 95 % interval over {blocks} is {where} it."
    )


def _legend(comparisons: list[Comparison], names: tuple[str, str]) -> str:
    said = {_word(c, names) for c in comparisons}
    told = [f"“{text}”: {meaning}." for text, meaning in LEGEND.items() if text in said]
    if lead := next(filter(None, (lead_in_words(c, *names) for c in comparisons)), ""):
        told.append(f"“{lead}”: that lead is sure, and too small to be a reason to rewrite an app.")
    return " ".join(told)


def marks_of(comparison: Comparison, marks: dict[str, str]) -> list[str]:
    """Return the numbers of a cell's footnotes, ascending; flags that are new get the next numbers in ``marks``."""
    numbers = [marks.setdefault(flag, str(len(marks) + 1)) for flag in comparison.flags if flag not in MINOR]
    return sorted(numbers, key=int)


def footnotes(names: tuple[str, str], marks: dict[str, str]) -> list[str]:
    """Explain every flag in the table; what was said of one side is not repeated for the other."""
    lines = []
    told: dict[str, str] = {}
    for flag, mark in marks.items():
        name, _, label = flag.partition(":")
        side = {"a": f"{names[0]}: ", "b": f"{names[1]}: "}.get(label, "")
        text = f"as [{told[name]}]" if name in told else MEANING[name]
        told.setdefault(name, mark)
        lines.append(f"[{mark}] {side}{text}.")
    return lines
