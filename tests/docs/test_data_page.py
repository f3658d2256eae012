"""The page on a run's data: its examples run, and its tables name every column and every metric."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.analysis.run_differences import SavedRun
from loadtests.records.sample_columns import COLUMNS
from loadtests.report.open_metrics import families
from tests.made_up_runs import failing, make_run

PAGE = Path("docs/data.md")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_there_are_three_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES, ids=["verdicts", "medians", "slowest"])
def test_an_example_prints_figures(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 5
    assert all(re.search(r"\d", line) for line in lines)


def test_every_column_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == COLUMNS


def test_every_metric_is_named() -> None:
    manifest, outcome = make_run(["query"], [1], change=failing(0.1, "b"))
    run = SavedRun("run", manifest, replace(outcome, control=outcome.comparisons[0]))
    added = {"counter": "_total", "info": "_info", "gauge": ""}
    named = set(re.findall(r"`(bench_\w+)`", PAGE.read_text(encoding="utf-8")))
    assert {family.name + added[family.kind] for family in families(run)} == named
