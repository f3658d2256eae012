"""One cell, one verdict: terminal, Markdown, report page, charts and docs say the same kind of it."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.analysis.flags import explain
from loadtests.analysis.verdict_kinds import ALIKE, kind_of, lead_in_words
from loadtests.experiment.loads import Load
from loadtests.experiment.sides import LABELS
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.docs import written
from loadtests.lessons.example import RUN, Example, read_example
from loadtests.lessons.same_cells import elsewhere, on_sqlite
from loadtests.lessons.text import figures
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import EXAMPLE, RunFolder
from loadtests.records.summary import Comparison, Outcome, Verdict, headline_of
from loadtests.report.charts.marks import MARKS, mark_kind
from loadtests.report.html.page import render
from loadtests.report.html.sections import answer
from loadtests.report.markdown import verdict_rows
from loadtests.report.verdict_table import verdict_table
from loadtests.report.view import RunView, view_of
from loadtests.report.wording import word
from tests.made_up_runs import make_run

HERE = Path(__file__).parents[2]
Cell = tuple[str, Load]
MADE_UP: list[tuple[Verdict, list[str]]] = [
    ("b", []), ("b", ["small"]), ("equivalent", []), ("a", ["small", "noisy-machine"]),
    ("a", []), ("inconclusive", []), ("inconclusive", ["many-comparisons"]), ("inconclusive", ["driver-bound:a"]),
]  # fmt: skip
FIGURES: dict[str, tuple[float, tuple[float, float]]] = {
    "b": (1.5, (1.4, 1.6)), "a": (0.7, (0.6, 0.8)), "b small": (1.03, (1.01, 1.05)), "a small": (0.97, (0.95, 0.99)),
    "equivalent": (1.01, (0.98, 1.04)), "inconclusive": (1.1, (0.8, 1.5)),
}  # fmt: skip
"""Ratio and interval for a verdict, of throughput."""


def made_up(*, rates: bool) -> tuple[Manifest, Outcome]:
    """Return a run with a cell of each kind; of response times, where less is better, the figures are turned round."""
    loads = [10, 20, 30, 40]
    names = ["noop", "external_api"]
    manifest, outcome = make_run(names, loads, rates=loads if rates else (), a="threads", b="loop", noise=0)
    cells = [(name, size) for name in names for size in loads]
    changed = []
    for c in outcome.comparisons:
        verdict, flags = MADE_UP[cells.index((c.scenario, int(c.load.size)))]
        ratio, (low, high) = FIGURES[f"{verdict} small" if "small" in flags else verdict]
        if c.metric != "throughput":
            ratio, low, high = 1 / ratio, 1 / high, 1 / low
        changed.append(replace(c, verdict=verdict, flags=flags, ratio=ratio, interval=(low, high)))
    return manifest, replace(outcome, comparisons=changed)


@pytest.fixture(scope="module")
def example() -> Iterator[Example]:
    before = Path.cwd()
    os.chdir(HERE)
    yield read_example()
    os.chdir(before)


def said_kind(words: str, view: RunView) -> str:
    """Return the kind of verdict that words tell: of a cell of a table, or of a piece of a sentence."""
    if ALIKE in words:
        return "equivalent"
    other = {
        "not confirmed": "unconfirmed", "not decided": "inconclusive", "driver-bound": "driver-bound",
        "leaves work behind": "work-left", "collapsed": "collapsed",
    }  # fmt: skip
    found = [kind for word, kind in other.items() if word in words]
    found += [label for label in LABELS if re.match(rf"\W*{re.escape(view.names[label])}\b", words)]
    assert found, words
    return found[0]


def leads(words: str) -> list[str]:
    return re.findall(r"[^\s(]+ [+−][\d.]+ %", words.replace("\N{NO-BREAK SPACE}", " "))


def in_terminal(manifest: Manifest, outcome: Outcome, width: int) -> list[list[str]]:
    """Return the cells of the table in the terminal, row by row, as text on one line."""
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(verdict_table(manifest, outcome))
    rows: list[list[str]] = [[]]
    for line in capture.get().splitlines():
        if line.startswith(("├", "┡")):
            rows.append([])
        elif line.startswith("│"):
            pieces = [piece.strip() for piece in line.strip("│").split("│")]
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1] or [""] * len(pieces), pieces, strict=True)]
    return [row[1:] for row in rows if row]


def in_markdown(lines: list[str]) -> list[list[str]]:
    rows = [re.sub(r"\*\*", "", line).strip("| ").split(" | ") for line in lines if line.startswith("|")]
    return [row[1:] for row in rows[2:]]


def on_page(manifest: Manifest, outcome: Outcome) -> list[list[tuple[str, str]]]:
    """Return the sign and the words of each cell of the page's first table of verdicts."""
    page = unescape(render(manifest, outcome, []))
    table = page[page.index('id="verdicts"') :].split("</table>")[0]
    rows = [re.findall(r'aria-hidden="true">(.)</span>([^<]*)</span>', row) for row in table.split("<tr>")]
    return [row for row in rows if row]


def check(manifest: Manifest, outcome: Outcome) -> None:
    """Compare what every place says of each cell with the rule, and what they say of leads with each other."""
    view = view_of(manifest, outcome)
    grid = [[view.comparisons[s.name, load, view.metric] for load in view.loads] for s in view.scenarios]
    page = on_page(manifest, outcome)
    tables = {
        "80 columns": in_terminal(manifest, outcome, 80),
        "200 columns": in_terminal(manifest, outcome, 200),
        "Markdown": in_markdown(verdict_rows(view)),
        "page": [[words for _, words in row] for row in page],
    }
    kinds = [[kind_of(c) for c in row] for row in grid]
    told = [[lead_in_words(c, view.names["a"], view.names["b"]) for c in row] for row in grid]
    assert [[bool(each) for each in row] for row in told] == [["small" in c.flags for c in row] for row in grid]
    for place, table in tables.items():
        assert [[said_kind(cell, view) for cell in row] for row in table] == kinds, place
        assert [["".join(leads(cell)) for cell in row] for row in table] == told, place
    assert [[sign for sign, _ in row] for row in page] == [[MARKS[kind].symbol for kind in row] for row in kinds]
    drawn = [["inconclusive" if kind == "unconfirmed" else kind for kind in row] for row in kinds]
    assert [[mark_kind(c) for c in row] for row in grid] == drawn
    for scenario, row in zip(view.scenarios, grid, strict=True):
        clauses = answer(view, scenario.name)
        assert (ALIKE in clauses) == any(kind_of(c) == "equivalent" for c in row)
        for label in LABELS:
            assert bool(re.search(rf"\b{view.names[label]} is better", clauses)) == any(
                kind_of(c) == label for c in row
            )
        assert leads(clauses) == [lead for c in row if (lead := lead_in_words(c, view.names["a"], view.names["b"]))]
    for c in (c for row in grid for c in row if kind_of(c) in ("a", "b", "equivalent")):
        said = explain(c, [], {}, left_out=False)
        assert said_kind(said[0].lower() + said[1:], view) == kind_of(c)


def test_the_example_run_has_one_verdict_a_cell(example: Example) -> None:
    folder = RunFolder(EXAMPLE / RUN)
    manifest = folder.read_manifest()
    outcome = replace(folder.read_outcome(), comparisons=list(example.run.comparisons.values()))
    assert {kind_of(c) for c in example.run.headlines()} >= {"a", "b", "equivalent", "unconfirmed"}
    check(manifest, outcome)


@pytest.mark.parametrize("rates", [False, True])
def test_a_made_up_run_has_one_verdict_a_cell(rates: bool) -> None:
    manifest, outcome = made_up(rates=rates)
    view = view_of(manifest, outcome)
    assert {kind_of(c) for c in view.headlines()} >= {"a", "b", "equivalent", "unconfirmed", "driver-bound"}
    check(manifest, outcome)


def test_less_is_better_where_it_is_a_response_time() -> None:
    for rates, said in ((False, ["loop +3 %", "threads +3 %"]), (True, ["loop −3 %", "threads −3 %"])):
        assert leads(" ".join(verdict_rows(view_of(*made_up(rates=rates))))) == said


def test_a_lesson_never_quotes_a_small_lead_as_a_win(example: Example) -> None:
    pages = {path.stem: page for path, page in written(example).items()}
    small = 0
    for name, record in example.lessons.items():
        for c in record.outcome.comparisons:
            if "small" in c.flags and c.explanation in pages[name]:
                small += 1
                assert c.explanation.startswith(f"No {ALIKE.removeprefix('no ')} (")
    assert small


def test_a_lesson_says_of_each_quotation_which_cell_it_is_about(example: Example) -> None:
    pages = {path.stem: page for path, page in written(example).items()}
    for name, record in example.lessons.items():
        lesson = LESSONS[name]
        said = re.findall(r"^> (.+?) – ", pages[name], re.MULTILINE)
        rows = [row.where for row in figures(lesson, record.outcome)]
        assert said == (rows if lesson.measure.compares == "sides" else []), name


def test_pages_that_show_a_cell_of_two_runs_agree_or_say_that_another_run_found_otherwise(example: Example) -> None:
    pages = {path.stem: page for path, page in written(example).items()}
    shown: dict[Cell, dict[str, Comparison]] = {}
    for c in example.run.headlines():
        shown.setdefault((c.scenario, c.load), {})["results"] = c
    for name, record in example.lessons.items():
        same_database = record.database == example.run.manifest.database_version
        if same_database and (LESSONS[name].measure.a, LESSONS[name].measure.b) == ("sync", "async"):
            for c in record.outcome.comparisons:
                if c.metric == headline_of(c.load):
                    shown.setdefault((c.scenario, c.load), {})[name] = c
    several = {cell: found for cell, found in shown.items() if len(found) > 1}
    assert several
    for (scenario, load), found in several.items():
        differ = len({kind_of(c) for c in found.values()}) > 1
        for name, c in found.items():
            assert word(c, example.run.names) in pages[name]
            assert (f"found otherwise: {scenario} at {load}: " in pages[name]) == differ, (name, scenario, load)


def test_a_contradiction_between_two_runs_is_told_on_both_pages(example: Example) -> None:
    record = example.lessons["fast_query"]
    turned = [replace(c, verdict="b") if c.metric == "throughput" else c for c in record.outcome.comparisons]
    other = record.model_copy(update={"outcome": replace(record.outcome, comparisons=turned)})
    changed = replace(example, lessons={**example.lessons, "fast_query": other})
    assert "get_post at 8 users: async better, " in elsewhere(changed, RUN)
    assert "get_post at 8 users: sync better, " in elsewhere(changed, "fast_query")
    assert elsewhere(example, "fast_query") == ""


def test_a_lesson_on_postgresql_says_what_sqlite_gave(example: Example) -> None:
    said = on_sqlite(example, "postgres")
    assert said.startswith("On SQLite ")
    assert re.search(r"get_post at 32 users: .*\(\d", said)
    assert "[the default run](../results.md)" in said
    assert said in written(example)[Path("docs/lessons/postgres.md")]
    assert on_sqlite(example, "waiting") == ""
