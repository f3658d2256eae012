"""Folders of every kind beside runs: each that can't be compared gets one clear sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.analysis.saved_runs import read_saved_run, runs_in
from loadtests.records.run_folder import RunFolder, UnreadableRun
from loadtests.system.errors import UsageError
from tests.e2e.harness import bench_here
from tests.made_up_history import save_history
from tests.records.test_schedule_samples import schedule_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_history(tmp_path / "nightly", 3)


OF_ANOTHER = "left out: RUN/summary.json is not about the run in RUN/run.json; bench report RUN rebuilds it"


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def of_another_run(run: Path) -> None:
    shutil.copy(run.with_name("day-00") / "summary.json", run / "summary.json")


def with_another_scenario(run: Path) -> None:
    path = run / "summary.json"
    path.write_text(path.read_text().replace('"query"', '"noop"'))


def a_folder_instead(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "summary.json").mkdir()


def without_summary(run: Path) -> None:
    (run / "summary.json").unlink()


def half_a_summary(run: Path) -> None:
    path = run / "summary.json"
    path.write_bytes(path.read_bytes()[:500])


def no_text(run: Path) -> None:
    (run / "run.json").write_bytes(b"\xff\xfe\x00")


def of_another_version(run: Path) -> None:
    change_json(run / "run.json", schema=1)


def that_ended_early(run: Path) -> None:
    change_json(run / "run.json", complete=False)


def of_a_schedule(run: Path) -> None:
    shutil.rmtree(run)
    schedule_folder(run)


def a_copy(run: Path) -> None:
    shutil.rmtree(run)
    shutil.copytree(run.with_name("day-00"), run)


def a_check(run: Path) -> None:
    shutil.rmtree(run)
    run.mkdir()
    (run / "check.json").write_text("{}")


def nothing(run: Path) -> None:
    shutil.rmtree(run)
    run.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            of_another_run,
            "left out: RUN/summary.json is not about the run in RUN/run.json; bench report RUN rebuilds it",
        ),
        (
            with_another_scenario,
            "left out: RUN/summary.json is not about the run in RUN/run.json; bench report RUN rebuilds it",
        ),
        (a_folder_instead, "left out: RUN/summary.json can't be read: Is a directory; bench report RUN rebuilds it"),
        (without_summary, "left out: RUN/summary.json is missing; bench report RUN writes it"),
        (half_a_summary, "left out: RUN/summary.json can't be read: Invalid JSON: EOF while parsing"),
        (no_text, "left out: RUN/run.json is not a manifest of this version: file: Invalid JSON"),
        (of_another_version, "left out: RUN/run.json is not a manifest of this version: schema: Input should be 2"),
        (that_ended_early, "left out: day-01 is incomplete; bench run --resume RUN completes it"),
        (of_a_schedule, "left out: RUN is a run of a schedule, which has no cells; bench report RUN shows it"),
        (a_copy, "left out: day-01 is a copy of day-00"),
        (a_check, "left out: day-01: no run"),
        (nothing, "left out: day-01: no run"),
    ],
)
def test_a_folder_that_is_no_whole_run_is_told_in_one_sentence(
    folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(folder / "day-01")
    runs, sentences = runs_in(folder)
    assert [run.name for run in runs] == ["day-00", "day-02"]
    [found] = [each for each in sentences if "day-01" in each]
    assert found.startswith(said.replace("RUN", str(folder / "day-01")))
    assert "\n" not in found
    assert len(sentences) == 1
    status, output, errors = bench_here("history", str(folder))
    assert (status, errors) == (0, "")
    assert f"{found}." in output


def test_a_folder_that_holds_no_runs_says_what_it_is(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"is a run; name the folder that holds it and others, {folder}$"):
        runs_in(folder / "day-00")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: the folder holds no complete run$"):
        runs_in(tmp_path / "empty")
    with pytest.raises(UsageError, match="there is no folder"):
        runs_in(folder / "day-00" / "run.json")
    (folder / ".bench-123").mkdir()  # a run that is just being made
    shutil.copy(folder / "day-00" / "run.json", folder / ".bench-123" / "run.json")
    assert not [each for each in runs_in(folder)[1] if ".bench" in each]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("check.json", "is not a run: it holds what bench check found"),
        ("slo.json", "is not a run: it holds the probes of bench capacity --slo"),
        ("lesson.json", "is not a run: it holds a lesson"),
        ("other.json", r"is not a run: it has no run\.json$"),
    ],
)
def test_the_folder_of_another_command_is_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(UnreadableRun, match=said):
        read_saved_run(tmp_path)


def test_what_stands_where_a_run_was_expected_is_named(folder: Path) -> None:
    with pytest.raises(UnreadableRun, match=f"but there are runs in it, such as {folder}/day-02"):
        RunFolder(folder).read_manifest()
    with pytest.raises(UnreadableRun, match="there is no such folder"):
        RunFolder(folder / "none").read_manifest()
    with pytest.raises(UnreadableRun, match="is a file; name a run's folder"):
        RunFolder(folder / "day-00" / "run.json").read_manifest()


def test_runs_to_compare_are_whole_and_different(folder: Path) -> None:
    one, two, three = (str(folder / name) for name in ("day-00", "day-01", "day-02"))
    a_copy(folder / "day-01")
    assert bench_here("compare", one, two, three) == (
        2,
        "",
        f"bench: bench compare: {two} is a copy of {one}; leave one of them out\n",
    )
    of_another_run(folder / "day-02")
    status, output, errors = bench_here("compare", one, three)
    assert (status, output) == (2, "")
    assert (
        errors
        == f"bench: {three}/summary.json is not about the run in {three}/run.json; bench report {three} rebuilds it\n"
    )
