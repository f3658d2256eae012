"""The verdict in the terminal: one row a scenario, one column a load."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.loads import ascending
from loadtests.manifest import Manifest
from loadtests.outcome import Comparison, Outcome, headline_of, side_names
from loadtests.warnings import MEANING

MINOR = frozenset({"small"})
"""Flags that qualify a verdict without casting doubt on it; they get no footnote mark."""


def verdict_table(manifest: Manifest, outcome: Outcome) -> RenderableType:
    """Return the table of headline verdicts with a legend, and a footnote for every flag in it."""
    a, b = side_names(manifest.a.spec, manifest.b.spec)
    headlines = {(c.scenario, c.load): c for c in outcome.comparisons if c.metric == headline_of(c.load)}
    loads = ascending({load for _, load in headlines})
    table = Table(
        title=f"Throughput, {b} ÷ {a}" + ("" if outcome.complete else "   (incomplete run)"),
        title_justify="left",
        title_style="bold",
        show_lines=True,
    )
    table.add_column("scenario")
    for load in loads:
        table.add_column(str(load), justify="right")
    marks: dict[str, str] = {}
    for scenario in manifest.scenarios:
        cells = [headlines.get((scenario.name, load)) for load in loads]
        name = Text(scenario.name, style="bold").append(f"\n{scenario.kind}", style="not bold dim")
        table.add_row(name, *(_cell(cell, (a, b), marks) for cell in cells))
    return Group(table, *_legend(a, b, manifest, outcome, marks))


def _cell(comparison: Comparison | None, names: tuple[str, str], marks: dict[str, str]) -> Text:
    if comparison is None or (
        comparison.ratio is None and comparison.verdict == "inconclusive" and not comparison.flags
    ):
        return Text("not measured", style="dim")
    footnotes = ""
    for flag in comparison.flags:
        if flag not in MINOR:
            footnotes += marks.setdefault(flag, str(len(marks) + 1))
    word, style = _word(comparison, names)
    text = Text(word, style=style)
    if footnotes:
        text.append(f"\N{NO-BREAK SPACE}[{','.join(footnotes)}]", style="yellow")
    if comparison.ratio is not None:
        text.append(f"\n{comparison.ratio:.2f} ×", style="not bold")
        if comparison.interval is not None:
            text.append("\n{:.2f} – {:.2f}".format(*comparison.interval), style="dim not bold")
    return text


def _word(comparison: Comparison, names: tuple[str, str]) -> tuple[str, str]:
    match comparison.verdict:
        case "a":
            return names[0], "bold blue"
        case "b":
            return names[1], "bold green"
        case "equivalent":
            return "no difference", "bold"
        case _:
            return "not decided", "dim"


def _legend(a: str, b: str, manifest: Manifest, outcome: Outcome, marks: dict[str, str]) -> list[Text]:
    planned = len(manifest.blocks)
    done = sorted({c.blocks for c in outcome.comparisons if c.metric == headline_of(c.load) and c.blocks})
    blocks = f"{planned} blocks" if done in ([], [planned]) else f"{done[0]} to {done[-1]} of {planned} blocks"
    lines = [
        Text(
            f"The side named answers more requests per second; × is {b} ÷ {a}, "
            f"and below it its 95 % interval over {blocks}."
        ),
        Text("“no difference”: the interval lies within ± 10 %. “not decided”: this run can't tell."),
    ]
    for flag, mark in sorted(marks.items(), key=lambda item: int(item[1])):
        name, _, label = flag.partition(":")
        side = {"a": a, "b": b}.get(label)
        lines.append(Text(f"[{mark}] {f'{side}: ' if side else ''}{MEANING[name]}.", style="yellow"))
    return lines
