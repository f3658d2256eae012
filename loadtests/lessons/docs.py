"""Write the figures in README.md and docs/ from results/example.

Pages about lessons are generated as a whole. In other pages only the blocks are replaced that begin with
``<!-- from the example: NAME -->`` and end with ``<!-- end -->``.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from loadtests.analysis.comparison import MARGIN
from loadtests.analysis.model.limits import worded
from loadtests.analysis.verdict_kinds import ALIKE, Kind, kind_of
from loadtests.experiment.blog import DEFAULT_THREADS
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS
from loadtests.lessons import text
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.chapter import chapter
from loadtests.lessons.deadlock import finding as deadlock_finding
from loadtests.lessons.example import CURVE, RUN, TIMELINE, Example
from loadtests.lessons.lesson import SIGNS
from loadtests.lessons.record import ClaimResult, claim_results
from loadtests.lessons.same_cells import elsewhere, on_sqlite
from loadtests.report.charts.dial import finding as dial_finding
from loadtests.report.curves import ceiling_words, curves
from loadtests.report.curves import finding as curve_finding
from loadtests.report.markdown import verdict_rows
from loadtests.report.titles import loads_title
from loadtests.report.view import RunView
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS, named, number
from loadtests.system.errors import UsageError

BEGIN, END = "<!-- from the example: ", "<!-- end -->"
_BLOCK = re.compile(rf"({BEGIN}(?P<name>[a-z-]+) -->\n).*?({END})", re.DOTALL)
Block = Callable[[Example], str]
DOCS = Path("docs")
README = Path("README.md")
WAITS, READS, TRAP = "external_api", "get_post", "blocked_loop"
"""Two scenarios of the default run and a lesson: where async wins, where it costs, and where it is a trap."""
ACCURACY = ("A side against itself", "A known difference")
"""Checks of a validation that say how often verdicts and intervals are right."""
ROUTE_ADVICE = (
    ("waits for another service, with many users", "`async def`, with an async client", "waiting"),
    ("makes several independent calls", "`async def` and `asyncio.gather`; threads do it too", "fan_out"),
    ("reads a row or two", "either; `def` with SQLite, whose async driver is a thread", "fast_query"),
    ("waits for a slow query", "either: the pool of connections is the limit", "slow_query"),
    ("computes for long", "either; more processes, if there are cores", "cpu"),
    ("computes, beside cheap routes", "`def`, never `async def`", "starved_neighbour"),
    ("calls a library without async", "`def`, never `async def`", "blocked_loop"),
)


EXERCISES = ("one_user", "fan_out", "slow_query", "blocked_loop", "lying_client")
"""The lessons of the classroom sheet, in the order of its exercises."""


class UnknownBlock(UsageError):
    """A page names a block that does not exist."""


def write_docs(example: Example) -> list[Path]:
    """Write the pages that have changed; return their paths."""
    changed = []
    for path, page in written(example).items():
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
            changed.append(path)
    return changed


def written(example: Example) -> dict[Path, str]:
    """Return what every page must contain, by its path: pages that are generated as a whole, and pages with blocks."""
    whole = {Path(path): page for path, page in pages(example)}
    with_blocks = {
        path: fill(path.read_text(encoding="utf-8"), BLOCKS, example)
        for path in [README, *sorted(DOCS.rglob("*.md"))]
        if path not in whole
    }
    return whole | with_blocks


def pages(example: Example) -> Iterator[tuple[str, str]]:
    """Yield each page that is generated as a whole, by its path."""
    yield "docs/lessons/README.md", text.lesson_index(example.lessons)
    for name, record in example.lessons.items():
        otherwise = " ".join(filter(None, (elsewhere(example, name), on_sqlite(example, name))))
        yield f"docs/lessons/{name}.md", text.lesson_page(LESSONS[name], record, otherwise=otherwise)


def fill(page: str, blocks: Mapping[str, Block], example: Example) -> str:
    """Return a page with every block replaced; raises UnknownBlock."""

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in blocks:
            raise UnknownBlock(f"there is no block {name!r}; choose one of: {', '.join(blocks)}")
        return f"{match[1]}{blocks[name](example).rstrip()}\n{match[3]}"

    begun, ended = page.count(f"\n{BEGIN}"), page.count(f"\n{END}\n")
    if begun != ended:
        raise UnknownBlock(f"{begun} blocks begin and {ended} end on a page that begins: {page[:40]!r}")
    return _BLOCK.sub(replaced, page)


def verdicts(example: Example) -> str:
    """Return the table of verdicts of the default run."""
    run = example.run
    otherwise = elsewhere(example, RUN)
    return "\n".join([*verdict_rows(run), "", _source(run), *(["", otherwise] if otherwise else [])])


def _source(run: RunView) -> str:
    machine = run.manifest.environment
    return (
        f"From results/example/{run.manifest.name}: {machine.cpu}, {machine.cores} cores, {machine.python},"
        f" {run.manifest.database_version}, {run.manifest.created:%-d %B %Y}, {run.blocks} blocks."
    )


def limits(example: Example) -> str:
    """Return the table of predicted and measured throughput and limits of the default run."""
    run = example.run
    lines = ["| scenario | users | side | predicted/s | measured/s | off by | predicted limit | observed limit |",
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
    """Return a sentence on how well the model predicted the default run."""
    cells = [c for c in example.run.cells.values() if c.predicted_rps is not None and c.limit and c.throughput]
    errors = [abs(c.predicted_rps / c.throughput.value - 1) for c in cells if c.predicted_rps and c.throughput]
    right = [c.limit == c.limit_seen for c in cells if c.limit_seen]
    margin = math.expm1(MARGIN)
    within = sum(error <= margin for error in errors)
    bounds = [abs(c.bound_rps / c.throughput.value - 1) for c in cells if c.bound_rps and c.throughput]
    beside = f" (simple bounds, without a model: {median(bounds):.1%})" if bounds else ""
    accuracy = (
        f"Median error {median(errors):.1%}{beside}; {within} of {len(errors)} within {margin * 100:.0f} %"
        if errors
        else "Nothing was predicted"
    )
    limits_right = f"; the predicted limit was the observed one in {sum(right)} of {len(right)}" if right else ""
    return f"{accuracy}{limits_right}. {_source(example.run)}"


def precision(example: Example) -> str:
    """Return the table of interval widths of the default run's headline metric, by load."""
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
    """Return the timeline of one cell at the highest load, with a caption: where its requests waited."""
    run = example.run
    load = run.highest
    waiting = [
        f"of {seen.in_flight:.0f} requests in {run.names[label]} {seen.threads_waiting or 0:.0f} wait for a thread"
        for label in LABELS
        if (cell := run.cells.get((TIMELINE, load, label))) and (seen := cell.seen)
    ]
    caption = f"{TIMELINE} with {load}" + (f": {', '.join(waiting)}, on average over all blocks" if waiting else "")
    return f"![{caption}](../results/example/timeline.png)\n\n{caption}."


def which(example: Example) -> str:
    """Return the table of which kind of route to use when, with the figures behind it."""
    lines = [
        "| the route … | use | measured here (95 % interval) | as expected | lesson |",
        "| --- | --- | --- | --- | --- |",
    ]
    for about, use, lesson in ROUTE_ADVICE:
        outcome = example.lessons[lesson].outcome
        rows = text.figures(LESSONS[lesson], outcome)
        standing = text.standing([each.judged for each in text.judged_expectations(LESSONS[lesson], outcome)])
        link = f"[{LESSONS[lesson].title}](docs/lessons/{lesson}.md)"
        figures = "; ".join(f"{where}: {figure}" for where, figure in map(text.short, rows))
        lines.append(f"| {about} | {use} | {figures} | {SIGNS[standing]} | {link} |")
    date = f"{example.lessons[ROUTE_ADVICE[0][2]].created:%-d %B %Y}"
    return "\n".join(
        [
            *lines,
            "",
            f"Ratios: async ÷ sync in requests/s; from results/example/lessons, {date}.",
        ]
    )


def classroom(example: Example) -> str:
    """Return what the lessons of the classroom sheet measured, exercise by exercise."""
    lines = [
        "| exercise | measured | first side | second side | second ÷ first (95 % interval) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for exercise, name in enumerate(EXERCISES, 1):
        lesson = LESSONS[name]
        first, second = text.sides(lesson)
        lines += [
            f"| {exercise} | {row.where} | {first}: {row.a} {row.unit} | {second}: {row.b} {row.unit} | {row.ratio} |"
            for row in text.figures(lesson, example.lessons[name].outcome)
        ]
    return "\n".join([*lines, "", f"From results/example/lessons, {example.lessons[EXERCISES[0]].created:%-d %B %Y}."])


def claims(example: Example) -> str:
    """Return the table of claims; those that were refuted stand first."""
    lines = ["| claim | | figure (95 % interval) | lesson |", "| --- | --- | --- | --- |"]
    for record in sorted(claim_results(example.claims), key=lambda each: each.standing != "refuted"):
        lesson = f"[{LESSONS[record.lesson].title}](lessons/{record.lesson}.md)" if record.lesson else ""
        figure = " – ".join(filter(None, (record.figure, record.why)))
        sign = f"{SIGNS[record.standing]} {record.standing}"
        lines.append(f"| {record.says} ({_origin(record)}) | {sign} | {figure} | {lesson} |")
    when = f"{example.claims.created:%-d %B %Y}"
    return "\n".join([*lines, "", f"From results/example/claims.json, {when}."])


def _origin(claim: ClaimResult) -> str:
    """Write who claims it, where that can be looked up, and under which conditions it was measured there."""
    source = f"[{claim.source}]({claim.url})" if claim.url else claim.source
    return ": ".join(filter(None, (", ".join(filter(None, (claim.origin, source))), claim.conditions)))


def curve(example: Example) -> str:
    """Return the curve of one scenario with its finding."""
    [shown] = curves(example.curve)
    caption = curve_finding(example.curve, shown)
    return f"![{caption}](../results/example/curve.png)\n\n{caption}. {_source(example.curve)}"


def dial(example: Example) -> str:
    """Return the dial's chart with its finding."""
    caption = dial_finding(example.dial)
    return f"![{caption}](../results/example/dial.png)\n\n{caption}."


def deadlock(example: Example) -> str:
    """Return the chart of the deadlock grid with its finding."""
    caption = deadlock_finding(example.deadlock)
    return f"![{caption}](../results/example/deadlock.png)\n\n{caption}."


def answer(example: Example) -> str:
    """Return the README's answer: where async pays, where it costs, and where it is a trap, with their figures."""
    waits, reads = _ratios(example.run, WAITS, "b"), _ratios(example.run, READS, "a")
    few = {
        load: ratio for load, ratio in _ratios(example.run, WAITS, "equivalent").items() if load.size < DEFAULT_THREADS
    }
    if not (waits and few and reads):
        raise UsageError("results/example does not bear out the README's answer, which needs another wording")
    most, apart = max(waits, key=waits.__getitem__), max(abs(ratio - 1) for ratio in few.values())
    least, worst = (100 * (1 - ratio) for ratio in (max(reads.values()), min(reads.values())))
    blocked = text.figures(LESSONS[TRAP], example.lessons[TRAP].outcome)[0]
    pays = f"{WAITS} answered {waits[most]:.1f} times as many requests with {most}"
    not_yet = f"{_up_to(few, example.run.loads)} there was {ALIKE} (at most {100 * apart:.0f} %)"
    costs = f"{READS} lost {least:.0f} to {worst:.0f} % of its throughput"
    trap = f"throughput fell to {100 * float(blocked.ratio.split()[0]):.0f} % ({blocked.where})"
    return (
        "**No, don't convert everything.** Async pays where more requests wait for another service than there are"
        f" threads for `def` routes ({DEFAULT_THREADS}): {pays}; {not_yet}. It costs where a route reads a row:"
        f" {costs}. It is a trap where an `async def` route calls a library that blocks: {trap}."
    )


def _up_to(found: Collection[Load], loads: Sequence[Load]) -> str:
    """Write "up to 32 users" where these are the lightest loads of a run, else name all of them."""
    lightest = loads[: len(found)]
    return f"up to {lightest[-1]}" if set(found) == set(lightest) else f"with {named(ascending(found))}"


def _ratios(run: RunView, scenario: str, kind: Kind) -> dict[Load, float]:
    """Return async ÷ sync in requests per second of one scenario, by load, where the verdict is of a kind."""
    return {c.load: c.ratio for c in run.headlines(scenario) if c.ratio is not None and kind_of(c) == kind}


def headline(example: Example) -> str:
    """Return the README's picture: where the curves part, and below it which ceiling each meets first."""
    run = example.curve
    [shown] = curves(run)
    ceilings = [
        f"{run.names[label]}: {ceiling_words(first)}" for label in LABELS if (first := shown.sides[label].first)
    ]
    dotted = f"Ceilings (dotted): {'; '.join(ceilings)}. " if ceilings else ""
    machine = run.manifest.environment
    source = f"From results/example/{CURVE}: {machine.cpu}, {machine.cores} cores, {run.manifest.created:%-d %B %Y}."
    return f"![{curve_finding(run, shown)}](results/example/{CURVE}.png)\n\n{dotted}{source}"


def ratios(example: Example) -> str:
    """Return the chart of all scenarios' ratios, with what it says."""
    caption = loads_title(example.run)
    return f"![{caption}](../results/example/ratio.png)\n\n{caption}."


def validation(example: Example) -> str:
    """Return the table of what `bench validate` found on the example's machine before the run."""
    return _validated(example, None)


def accuracy(example: Example) -> str:
    """Return that part of the table which says how often verdicts and intervals are right."""
    return _validated(example, ACCURACY)


def _validated(example: Example, checks: tuple[str, ...] | None) -> str:
    """Return the targets of some checks, or of all of them, with what was found."""
    found = example.run.manifest.validation
    if found is None:
        return "Nothing yet: the machine of results/example was not validated before its run."
    lines = ["| known answer | found (95 % interval) | target | |", "| --- | --- | --- | --- |"]
    for check in dict.fromkeys(finding.check for finding in found.findings):
        if checks is not None and check not in checks:
            continue
        lines.append(f"| **{check}** | | | |")
        lines += [
            f"| {each.name} | {each.found} | {each.aim} | {STATUS_SIGNS[each.status]} {STATUS_WORDS[each.status]} |"
            for each in found.findings
            if each.check == check
        ]
    when = f"{found.created:%-d %B %Y}, commit {' and '.join(f'`{commit}`' for commit in found.commits)}"
    return "\n".join([*lines, "", f"On the machine of results/example, {when}."])


BLOCKS: Mapping[str, Block] = {
    "answer": answer,
    "headline": headline,
    "ratios": ratios,
    "verdicts": verdicts,
    "which": which,
    "limits": limits,
    "model": model,
    "precision": precision,
    "validation": validation,
    "accuracy": accuracy,
    "timeline": timeline,
    "classroom": classroom,
    "claims": claims,
    "chapter": chapter,
    "curve": curve,
    "dial": dial,
    "deadlock": deadlock,
}
