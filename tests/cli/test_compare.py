"""bench compare: what it prints and writes, and what it refuses in one line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.records.run_folder import create_run_folder
from tests.e2e.harness import bench_here
from tests.made_up_runs import Run, make_run, slower


def save(path: Path, run: Run) -> Path:
    folder = create_run_folder(path, run[0].model_copy(update={"created": datetime.now(UTC)}))
    folder.write_outcome(run[1])
    return path


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    """The folders of two runs, of which the second has a slower side b."""
    one = save(tmp_path / "monday", make_run(["query"], [8]))
    two = save(tmp_path / "friday", make_run(["query"], [8], seed=8, change=slower(0.2, ["query"], [8])))
    return str(one), str(two)


def test_it_prints_what_is_fair_and_the_change(runs: tuple[str, str]) -> None:
    status, output, errors = bench_here("compare", *runs)
    assert (status, errors) == (0, "")
    assert "The runs recorded no differences." in output
    assert "b lost" in output
    assert "worse" in output


def test_it_writes_markdown_and_a_page(runs: tuple[str, str], tmp_path: Path) -> None:
    page, text = tmp_path / "c.html", tmp_path / "c.md"
    text.write_text("before\n")
    assert bench_here("compare", *runs, "--html", str(page), "--markdown", str(text))[0] == 0
    assert text.read_text().startswith("before\n### monday, friday\n")
    assert "**b lost**" in text.read_text()
    assert "<strong>b lost</strong>" in page.read_text()
    assert "http" not in page.read_text().replace("http-equiv", "")


def test_names_of_runs_are_text(tmp_path: Path) -> None:
    one = save(tmp_path / "[bold]<b>|x", make_run(["query"], [8]))
    two = save(tmp_path / "two", make_run(["query"], [8]))
    page, text = tmp_path / "c.html", tmp_path / "c.md"
    status, output, _ = bench_here("compare", str(one), str(two), "--html", str(page), "--markdown", str(text))
    assert status == 0
    heads = [line for line in output.splitlines() if "two" in line and "[bold]<b>|x" in line]
    assert heads, "the columns have the names of the runs, whole"
    assert "<b>" not in page.read_text()
    assert "\\<b>\\|x" in text.read_text()


def test_folders_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    folders = [str(save(tmp_path / name / "run", make_run(["query"], [8]))) for name in ("a", "b")]
    page = tmp_path / "c.html"
    assert bench_here("compare", *folders, "--html", str(page))[0] == 0
    assert all(folder in page.read_text() for folder in folders)


def test_what_is_no_run_to_compare_is_one_sentence(runs: tuple[str, str], tmp_path: Path) -> None:
    monday, friday = runs

    def refused(*folders: str) -> str:
        status, output, errors = bench_here("compare", *folders)
        assert (status, output) == (2, "")
        assert len(errors.splitlines()) == 1
        return errors

    assert "name at least two runs" in refused(monday)
    assert "is given twice" in refused(monday, f"{friday}/../monday")
    assert "is not a run: it has no run.json" in refused(monday, str(tmp_path))
    (Path(friday) / "summary.json").unlink()
    assert f"summary.json is missing; bench report {friday} writes it" in refused(monday, friday)
    (Path(friday) / "summary.json").write_text('{"schema": 9}')
    assert "another version of this harness wrote it" in refused(monday, friday)
    manifest = json.loads((Path(friday) / "run.json").read_text())
    (Path(friday) / "run.json").write_text(json.dumps({**manifest, "schema": 1}))
    assert "is not a manifest of this version" in refused(monday, friday)
    (Path(friday) / "run.json").write_text('{"schema": 2')
    assert "is not a manifest of this version" in refused(monday, friday)
