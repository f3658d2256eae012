"""Conditions of a whole run: what is printed, written and returned."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from tests.e2e.harness import bench, bench_here

SIDE = "tests.e2e.faulty:waits"
SCENARIO = "'GET /waits'"
MISSED = f"{SCENARIO}@8.b.p50 > 5ms"
"""No answer can come sooner than after 20 ms."""
KEPT = (f"{SCENARIO}@8.throughput.ratio < 0.1", "errors > 50%")


class Ended(NamedTuple):
    """A run that was made with conditions, and what it said."""

    folder: Path
    status: int
    output: str
    errors: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("results") / "run"
    status, output, errors = bench(
        *("run", "GET /waits", f"--a={SIDE}", f"--b={SIDE}", "--users=8", "--blocks=6", "--time=0.3", "--no-control"),
        f"--out={folder}",
        *(f"--fail-if={each}" for each in (MISSED, *KEPT)),
        f"--junit={folder.parent / 'junit.xml'}",
        f"--markdown={folder.parent / 'summary.md'}",
    )
    return Ended(folder, status, output, errors)


def test_a_threshold_that_was_missed_is_a_line_and_exit_status_1(ended: Ended) -> None:
    assert ended.status == 1, ended.errors
    head, *lines = ended.errors.splitlines()
    assert head == "bench: thresholds were missed"
    (line,) = lines
    assert line.startswith(f"{MISSED}: ")
    assert line.endswith(" in side B")
    assert "Thresholds: ✓ 3 met, ✗ 1 missed." in ended.output
    assert str(ended.folder / "report.html") in ended.output


def test_junit_and_markdown_say_the_same(ended: Ended) -> None:
    suites = ElementTree.parse(ended.folder.parent / "junit.xml").getroot()  # noqa: S314 - our own file
    assert (suites.get("tests"), suites.get("failures"), suites.get("skipped")) == ("4", "1", "0")
    summary = (ended.folder.parent / "summary.md").read_text(encoding="utf-8")
    assert f"| ✗ | `{MISSED}` |" in summary
    assert "Thresholds: ✓ 3 met, ✗ 1 missed." in summary


def test_a_report_judges_a_run_that_was_made_without_or_by_other_conditions(ended: Ended) -> None:
    status, output, errors = bench_here("report", str(ended.folder), f"--fail-if={KEPT[0]}")
    assert (status, errors) == (0, "")
    assert "Thresholds: ✓ 1 met." in output
    status, _, errors = bench_here("report", str(ended.folder), f"--fail-if={MISSED}")
    assert (status, len(errors.splitlines())) == (1, 2)


def test_what_is_not_decided_does_what_the_user_wants(ended: Ended) -> None:
    """That there will never be an error can't be shown."""
    never = "b.errors > 0"
    status, output, errors = bench_here("report", str(ended.folder), f"--fail-if={never}")
    assert (status, errors) == (0, "")
    assert "? 1 not decided, which passes" in output
    assert f"not decided: {SCENARIO}@8.{never}: 0 % (0 % to " in output
    status, _, errors = bench_here("report", str(ended.folder), f"--fail-if={never}", "--not-decided=fail")
    assert status == 1
    assert f"not decided: {SCENARIO}@8.{never}: 0 % (0 % to " in errors


def test_a_report_appends_to_a_summary(ended: Ended, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n", encoding="utf-8")
    status, _, errors = bench_here("report", str(ended.folder), f"--markdown={file}")
    assert (status, errors) == (0, "")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("before\n### side B against side A")


@pytest.mark.parametrize(
    ("condition", "mend"),
    [
        ("p99 > 200", "write it as in 'p99 > 200ms'"),
        ("waits.p99 > 200ms", f"did you mean {SCENARIO}?"),
        (f"{SCENARIO}@4.p99 > 200ms", "choose one of: 8"),
    ],
)
def test_what_is_no_condition_of_a_run_is_told(ended: Ended, condition: str, mend: str) -> None:
    status, output, errors = bench_here("report", str(ended.folder), f"--fail-if={condition}")
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert mend in errors


@pytest.mark.slow
def test_a_run_that_is_resumed_can_be_given_conditions(ended: Ended, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(ended.folder, run)
    manifest = json.loads((run / "run.json").read_text())
    manifest["name"] = run.name
    (run / "run.json").write_text(json.dumps(manifest))
    for trial in (run / "trials").glob("005-*.npz"):
        trial.unlink()
    status, _, errors = bench_here("run", f"--resume={run}", "--fail-if=p98 > 5ms")
    assert (status, len(errors.splitlines())) == (2, 1)
    assert not list((run / "trials").glob("005-*.npz"))
    status, _, errors = bench_here("run", f"--resume={run}", f"--fail-if={MISSED}")
    assert status == 1, errors
    assert errors.splitlines()[0] == "bench: thresholds were missed"
    assert len(list((run / "trials").glob("005-*.npz"))) == 2
