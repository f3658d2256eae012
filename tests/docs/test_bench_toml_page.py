"""docs/bench-toml.md: its example is read, its tables have every key, and bench init writes what it shows."""

import re
from pathlib import Path

import pytest

from loadtests.experiment.bench_toml import BenchToml, RequestTable, ScenarioTable, SideTable, Table, parse_bench_toml
from loadtests.experiment.bench_toml_options import file_options
from loadtests.experiment.from_openapi import bench_toml
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.app_check import openapi_of
from tests.docs.test_pages import FENCE, ROOT

PAGE = (ROOT / "docs" / "bench-toml.md").read_text(encoding="utf-8")
EXAMPLE, WRITTEN = (fence["body"] for fence in FENCE.finditer(PAGE) if fence["kind"] == "toml")


def keys(heading: str) -> set[str]:
    """Return what the first column of the tables under a heading names."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def names(*tables: type[Table]) -> set[str]:
    return {field.alias or name for table in tables for name, field in table.model_fields.items()}


def test_the_example_asks_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSWORD", "letmein")
    (tmp_path / "users.csv").write_text("user\nada\n")
    found = file_options(parse_bench_toml(EXAMPLE.encode()), Path("bench.toml"))
    run = found.run_options({}).experiment()
    assert [scenario.name for scenario in run.scenarios] == ["place an order", "read and write", "GET /items"]
    assert run.budget_s == 240
    demands, left_out = found.threshold_options({}, run)
    assert len(demands.thresholds([each.name for each in run.scenarios], run.loads)) == 3
    assert not left_out


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("The whole run", names(BenchToml) - {"a", "b", "scenario"}),
        ("A side: [a] and [b]", names(SideTable)),
        ("A scenario: [[scenario]]", names(ScenarioTable, RequestTable)),
    ],
)
def test_every_key_is_in_a_table(heading: str, known: set[str]) -> None:
    assert keys(heading) == known


def test_init_writes_what_the_page_shows_of_it() -> None:
    text = bench_toml(openapi_of(parse_side("sync")), "sync", "async")
    lines = text.splitlines()
    assert [line for line in WRITTEN.splitlines() if line not in lines] == []
    parts = [part for part in WRITTEN.strip().split("\n\n") if "[scenario]" in part]
    assert len(parts) == 3
    assert all(part in text for part in parts)
    parse_bench_toml(WRITTEN.encode())
