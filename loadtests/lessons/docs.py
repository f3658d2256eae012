"""Blocks of the docs that are generated: what stands between their marks is replaced, the rest is left alone (pure).

A block begins with ``<!-- from the example: NAME -->`` and ends with ``<!-- end -->``.

What the docs quote: tables and sentences, each from what was measured (pure).
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

from loadtests.analysis.model.limits import worded
from loadtests.experiment.sides import LABELS
from loadtests.lessons import text
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.deadlock import finding as deadlock_finding
from loadtests.lessons.example import TIMELINE, Example
from loadtests.lessons.lesson import SIGNS
from loadtests.lessons.record import claim_results as claim_verdicts
from loadtests.records.outcome import Comparison
from loadtests.report.charts.dial import finding as dial_finding
from loadtests.report.view import RunView
from loadtests.report.wording import kind_of, number, ratio, word
from loadtests.system.errors import UsageError

BEGIN, END = "\n<!-- from the example: ", "\n<!-- end -->\n"
_BLOCK = re.compile(r"(<!-- from the example: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Block = Callable[[Example], str]
DOCS = Path("docs")
README = Path("README.md")


class UnknownBlock(UsageError):
    """A page asks for a block that there is not."""


def fill(page: str, blocks: Mapping[str, Block], example: Example) -> str:
    """Return a page with every block written anew; raises UnknownBlock."""

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in blocks:
            raise UnknownBlock(f"there is no block {name!r}; there are: {', '.join(blocks)}")
        return f"{match[1]}{blocks[name](example).rstrip()}\n{match[3]}"

    if page.count(BEGIN) != page.count(END):
        raise UnknownBlock(
            f"{page.count(BEGIN)} blocks begin and {page.count(END)} end on a page that begins: {page[:40]!r}"
        )
    return _BLOCK.sub(replaced, page)


def verdicts(example: Example) -> str:
    """Return the table of verdicts of the default run."""
    run = example.run
    lines = [
        "| scenario | " + " | ".join(str(load) for load in run.loads) + " |",
        "| --- |" + " --- |" * len(run.loads),
    ]
    for scenario in run.scenarios:
        cells = [run.comparisons.get((scenario.name, load, run.metric)) for load in run.loads]
        lines.append(f"| {scenario.name}: {scenario.title} | " + " | ".join(_verdict(run, c) for c in cells) + " |")
    return "\n".join([*lines, "", _source(run)])


def limits(example: Example) -> str:
    """Return predicted against measured, misses included."""
    run = example.run
    lines = ["| scenario | users | side | predicted/s | measured/s | off by | limit, predicted | limit, seen |",
             "| --- | ---: | --- | ---: | ---: | ---: | --- | --- |"]  # fmt: skip
    for cell in run.cells.values():
        if cell.predicted_rps is None or cell.limit is None or cell.throughput is None:
            continue
        side = run.manifest.a if cell.label == "a" else run.manifest.b
        off = cell.predicted_rps / cell.throughput.value - 1
        seen = "–" if cell.limit_seen is None else worded(cell.limit_seen, side)
        lines.append(
            f"| {cell.scenario} | {cell.load.size:g} | {run.names[cell.label]} | {number(cell.predicted_rps)} |"
            f" {number(cell.throughput.value)} | {off:+.0%} | {worded(cell.limit, side)} | {seen} |"
        )
    return "\n".join([*lines, "", model(example)])


def model(example: Example) -> str:
    """Return how well the model predicted the default run, in a sentence."""
    cells = [c for c in example.run.cells.values() if c.predicted_rps is not None and c.limit and c.throughput]
    offs = [abs(c.predicted_rps / c.throughput.value - 1) for c in cells if c.predicted_rps and c.throughput]
    right = [c.limit == c.limit_seen for c in cells if c.limit_seen]
    within = sum(off <= 0.10 for off in offs)
    said = f"Median error {median(offs):.1%}; {within} of {len(offs)} within 10 %" if offs else "Nothing was predicted"
    judged = f"; the limit is the one that was seen in {sum(right)} of {len(right)}" if right else ""
    return f"{said}{judged}. {_source(example.run)}"


def precision(example: Example) -> str:
    """Return how narrow the intervals of the default run's headlines are, by load."""
    run = example.run
    lines = ["| load | half of the intervals are within | the widest is |", "| --- | ---: | ---: |"]
    for load in run.loads:
        intervals = [c.interval for c in run.headlines() if c.load == load and c.interval]
        halves = [math.sqrt(high / low) - 1 for low, high in intervals]
        if halves:
            lines.append(f"| {load} | ± {median(halves):.1%} | ± {max(halves):.1%} |")
    took = f"It took {run.manifest.seconds / 60:.0f} minutes to measure. " if run.manifest.seconds else ""
    return "\n".join([*lines, "", f"{took}{_source(run)}"])


def timeline(example: Example) -> str:
    """Return where the requests of one cell were, at the highest load, and its picture."""
    run = example.run
    load = run.highest
    said = [
        f"of {seen.in_flight:.0f} requests in {run.names[label]} {seen.threads_waiting or 0:.0f} wait for a thread"
        for label in LABELS
        if (cell := run.cells.get((TIMELINE, load, label))) and (seen := cell.seen)
    ]
    text = f"{TIMELINE} with {load}" + (f": {', '.join(said)}, on average over all blocks" if said else "")
    return f"![{text}](../results/example/timeline.png)\n\n{text}."


def which(example: Example) -> str:
    """Return when to use which kind of route, with the figure that says so."""
    lines = ["| the route … | use | measured here | as expected | lesson |", "| --- | --- | --- | --- | --- |"]
    for about, use, lesson in WHICH:
        outcome = example.lessons[lesson].outcome
        rows = text.figures(LESSONS[lesson], outcome)
        standing = text.standing([each.judged for each in text.findings_of(LESSONS[lesson], outcome)])
        link = f"[{LESSONS[lesson].title}](docs/lessons/{lesson}.md)"
        said = "; ".join(f"{where}: {figures}" for where, figures in map(_short, rows))
        lines.append(f"| {about} | {use} | {said} | {SIGNS[standing]} {standing} | {link} |")
    date = f"{example.lessons[WHICH[0][2]].created:%-d %B %Y}"
    return "\n".join(
        [
            *lines,
            "",
            "Ratios are async ÷ sync in requests per second, with 95 % intervals, where nothing else is said;"
            f" from results/example/lessons, {date}.",
        ]
    )


WHICH = (
    ("waits for another service, with many users", "`async def`, with an async client", "waiting"),
    ("makes several independent calls", "`async def` and `asyncio.gather`; threads do it too", "fan_out"),
    ("reads a row or two", "either; `def` with SQLite, whose async driver is a thread", "fast_query"),
    ("waits for a slow query", "either: the pool of connections is the limit", "slow_query"),
    ("computes for long", "either; more processes, if there are cores", "cpu"),
    ("computes, beside cheap routes", "`def`, never `async def`", "starved_neighbour"),
    ("calls a library without async", "`def`, never `async def`", "blocked_loop"),
)


def claims(example: Example) -> str:
    """Return the table of claims."""
    lines = ["| claim | | figure (95 % interval) | lesson |", "| --- | --- | --- | --- |"]
    for record in claim_verdicts(example.claims):
        lesson = f"[{LESSONS[record.lesson].title}](lessons/{record.lesson}.md)" if record.lesson else ""
        figure = " – ".join(filter(None, (record.figure, record.why)))
        sign = f"{SIGNS[record.standing]} {record.standing}"
        lines.append(f"| {record.says} ({record.origin}) | {sign} | {figure} | {lesson} |")
    when = f"{example.claims.created:%-d %B %Y}"
    return "\n".join([*lines, "", f"From results/example/claims.json, {when}."])


def dial(example: Example) -> str:
    """Return what the dial says, and its picture."""
    return f"![{dial_finding(example.dial)}](../results/example/dial.png)\n\n{dial_finding(example.dial)}."


def deadlock(example: Example) -> str:
    """Return what the grid of users and connections says, and its picture."""
    said = deadlock_finding(example.deadlock)
    return f"![{said}](../results/example/deadlock.png)\n\n{said}."


def headline(example: Example) -> str:
    """Return the README's chart."""
    from loadtests.report.titles import loads_title  # noqa: PLC0415

    said = loads_title(example.run)
    return f"![{said}](results/example/ratio.png)\n\n{_source(example.run)}"


BLOCKS: Mapping[str, Block] = {
    "headline": headline,
    "verdicts": verdicts,
    "which": which,
    "limits": limits,
    "model": model,
    "precision": precision,
    "timeline": timeline,
    "claims": claims,
    "dial": dial,
    "deadlock": deadlock,
}


def _verdict(run: RunView, c: Comparison | None) -> str:
    if c is None:
        return "–"
    said = word(c, run.names)
    bold = f"**{said}**" if kind_of(c) in ("a", "b") else said
    spread = f" ({ratio(c.interval[0])} to {ratio(c.interval[1])})" if c.interval else ""
    return f"{bold} {ratio(c.ratio)}{spread}" if c.ratio else bold


def _short(row: tuple[str, str, str, str, str]) -> tuple[str, str]:
    where, unit, a, b, found = row
    if found == "–":
        return where, f"{a} against {b}"
    return where, found if unit == "requests/s" else f"{found} × as long for the slowest 1 %"


def _source(run: RunView) -> str:
    machine = run.manifest.environment
    return (
        f"From results/example/run: {machine.cpu}, {machine.cores} cores, {machine.python},"
        f" {run.manifest.database_version}, {run.manifest.created:%-d %B %Y}, {run.blocks} blocks."
    )


def pages(example: Example) -> Iterator[tuple[str, str]]:
    """Yield each page that is generated as a whole, by its path."""
    from loadtests.lessons.text import lesson_index, lesson_page  # noqa: PLC0415

    yield "docs/lessons/README.md", lesson_index(example.lessons)
    for name, record in example.lessons.items():
        yield f"docs/lessons/{name}.md", lesson_page(LESSONS[name], record)


def written(example: Example) -> dict[Path, str]:
    """Return every page with its figures, as it should be: those that are generated whole, and those with blocks."""
    whole = {Path(path): text for path, text in pages(example)}
    edited = {
        path: fill(path.read_text(encoding="utf-8"), BLOCKS, example)
        for path in [README, *sorted(DOCS.rglob("*.md"))]
        if path not in whole
    }
    return whole | edited


def write_docs(example: Example) -> list[Path]:
    """Write the pages that are not as they should be; return their paths."""
    changed = []
    for path, page in written(example).items():
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
            changed.append(path)
    return changed
