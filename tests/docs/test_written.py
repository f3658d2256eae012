"""The docs say what the example run says: no figure in them is typed."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.docs import BLOCKS, DOCS, README, UnknownBlock, accuracy, fill, limits, validation, written
from loadtests.lessons.example import Example, read_example
from loadtests.lessons.text import lesson_index
from loadtests.records.run_folder import EXAMPLE
from loadtests.records.summary import Interval

HERE = Path(__file__).parents[2]
MOST_BYTES = 4_000_000


@pytest.fixture(scope="module", autouse=True)
def in_the_project() -> Iterator[None]:
    before = Path.cwd()
    os.chdir(HERE)
    yield
    os.chdir(before)


@pytest.fixture(scope="module")
def example() -> Example:
    return read_example()


def test_docs_and_example_agree(example: Example) -> None:
    """After a change of docs or example: uv run bench example."""
    stale = [
        str(path)
        for path, text in written(example).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == []


def test_a_figure_that_changes_makes_the_docs_stale(example: Example) -> None:
    cells = dict(example.run.cells)
    at, cell = next((at, cell) for at, cell in cells.items() if cell.predicted_rps and cell.throughput)
    cells[at] = replace(cell, throughput=Interval(12345.0, None))
    other = replace(example, run=replace(example.run, cells=cells))
    assert limits(other) != limits(example)
    assert "12,345" in limits(other)


def test_the_accuracy_is_a_part_of_the_validation(example: Example) -> None:
    part, whole = accuracy(example).splitlines(), validation(example).splitlines()
    assert set(part) < set(whole)
    assert any(line.startswith("| false verdicts |") for line in part)
    assert any(line.startswith("| intervals that hold the true ratio |") for line in part)


def test_every_lesson_has_a_page_and_no_page_is_left_over() -> None:
    pages = {path.stem for path in (DOCS / "lessons").glob("*.md")}
    assert pages == {*LESSONS, "README"}


def test_the_example_is_small() -> None:
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < MOST_BYTES
    assert README.exists()


def test_only_what_is_between_the_marks_is_written(example: Example) -> None:
    page = "before\n<!-- from the example: dial -->\nold\n<!-- end -->\nafter\n"
    filled = fill(page, BLOCKS, example)
    assert filled.startswith("before\n<!-- from the example: dial -->\n![")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert "old" not in filled
    assert fill(filled, BLOCKS, example) == filled
    with pytest.raises(UnknownBlock, match="no block 'nosuch'"):
        fill("\n<!-- from the example: nosuch -->\n<!-- end -->\n", BLOCKS, example)
    with pytest.raises(UnknownBlock, match="1 blocks begin and 0 end"):
        fill("\n<!-- from the example: dial -->\nits end was lost\n", BLOCKS, example)


def test_hypotheses_and_claims_that_failed_stand_first(example: Example) -> None:
    table = BLOCKS["claims"](example)
    refuted = [number for number, line in enumerate(table.splitlines()) if "| ✘ refuted |" in line]
    assert refuted == list(range(2, 2 + len(refuted)))
    assert refuted
    mixing = example.lessons["mixing"]
    turned = [replace(c, ratio=0.5, interval=(0.4, 0.6)) for c in mixing.outcome.comparisons]
    failed = mixing.model_copy(update={"outcome": replace(mixing.outcome, comparisons=turned)})
    rows = lesson_index({**example.lessons, "mixing": failed}).split("| --- |")[-1].splitlines()[1:]
    [number] = [number for number, row in enumerate(rows) if "(mixing.md)" in row]
    assert {"✘ does not hold" in row for row in rows[: number + 1]} == {True}
    assert "✔ holds" in rows[-1]
