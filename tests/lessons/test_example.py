"""The example is put together by one command: everything finds its place, and nothing is in another's way."""

import shutil
from pathlib import Path

import pytest

from loadtests.cli.example import example
from loadtests.experiment.options import RunOptions
from loadtests.lessons import deadlock
from loadtests.lessons.catalogue import CLAIMS, LESSONS
from loadtests.lessons.deadlock import DeadlockOptions
from loadtests.lessons.example import measure_example, read_example
from loadtests.lessons.lesson import Lesson, Measure
from loadtests.lessons.record import LESSON_FILE, Evidence, LessonRecord, read_claims, read_lesson
from loadtests.records.run_folder import RunFolder, check_free
from loadtests.runner import run
from loadtests.system.errors import UsageError

HERE = Path(__file__).parents[2]
EXAMPLE = HERE / "results" / "example"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every measurement be what it was when the example was made."""

    def measure(options: RunOptions, _make_schedule: object = None) -> Path:
        assert options.out is not None
        check_free(options.out)
        options.experiment()
        shutil.copytree(EXAMPLE / options.out.name, options.out)
        return options.out

    def measure_deadlock(options: DeadlockOptions) -> None:
        assert options.out is not None
        check_free(options.out)
        shutil.copytree(EXAMPLE / "deadlock", options.out)

    def measure_lesson(lesson: Lesson, out: Path) -> LessonRecord:
        check_free(out)
        out.mkdir(parents=True)
        shutil.copy(EXAMPLE / "lessons" / f"{lesson.name}.json", out / LESSON_FILE)
        return read_lesson(out / LESSON_FILE)

    def keep(path: Path, out: Path) -> None:
        RunFolder(path).copy_figures(out)

    def evidence(_measure: Measure, out: Path) -> Evidence:
        check_free(out)
        return Evidence(why="not measured in a test")

    monkeypatch.setattr(run, "measure", measure)
    monkeypatch.setattr(deadlock, "measure_deadlock", measure_deadlock)
    monkeypatch.setattr("loadtests.lessons.example.measure_lesson", measure_lesson)
    monkeypatch.setattr("loadtests.lessons.example._keep", keep)
    monkeypatch.setattr("loadtests.lessons.measure._measure_claim", evidence)


@pytest.mark.slow
@pytest.mark.usefixtures("measured")
def test_all_of_it_finds_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    out = tmp_path / "example"
    measure_example(out)
    assert {path.name for path in out.iterdir()} == {path.name for path in EXAMPLE.iterdir()}
    found = read_example(out)
    assert set(found.lessons) == set(LESSONS)
    assert found.claims.claims == [claim.name for claim in CLAIMS]
    kept = read_claims(out / "claims.json").evidence
    assert set(kept) == {claim.name for claim in CLAIMS if claim.measure}
    with pytest.raises(UsageError, match="exists already"):
        measure_example(out)


@pytest.mark.usefixtures("measured")
def test_of_some_parts_the_others_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    monkeypatch.setattr("loadtests.lessons.example.draw_pictures", lambda _out: None)
    taken = []

    def measure_lesson(lesson: Lesson, out: Path) -> None:
        taken.append(lesson.name)
        out.mkdir(parents=True)
        (out / LESSON_FILE).write_bytes((EXAMPLE / "lessons" / f"{lesson.name}.json").read_bytes())

    monkeypatch.setattr("loadtests.lessons.example.measure_lesson", measure_lesson)
    measure_example(tmp_path / "new", ["waiting", "no-io"])
    new, old = read_claims(tmp_path / "new" / "claims.json"), read_claims(EXAMPLE / "claims.json")
    assert taken == ["waiting"]
    assert new.evidence.pop("no-io") == Evidence(why="not measured in a test")
    assert old.evidence.pop("no-io").outcome is not None
    assert new.evidence == {name: found for name, found in old.evidence.items() if name not in LESSONS}
    for same in ("run/summary.json", "dial/run.json", "lessons/cpu.json"):
        assert (tmp_path / "new" / same).read_bytes() == (EXAMPLE / same).read_bytes()


def test_an_unknown_part_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no part 'dail'; choose one of: run, curve, dial"):
        measure_example(tmp_path / "new", ["dail"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", LESSONS)
def test_a_hypothesis_is_older_than_its_measurement(name: str) -> None:
    assert LESSONS[name].written <= read_lesson(EXAMPLE / "lessons" / f"{name}.json").created.date()


@pytest.mark.slow
@pytest.mark.usefixtures("measured")
def test_a_new_example_takes_the_place_of_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("\n<!-- from the example: model -->\n<!-- end -->\n")
    (tmp_path / "results" / "example").mkdir(parents=True)
    (tmp_path / "results" / "example" / "old").touch()
    example(measure=True)
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"example"}
    assert not (tmp_path / "results" / "example" / "old").exists()
    assert "Median error" in (tmp_path / "README.md").read_text()
    assert (tmp_path / "docs" / "lessons" / "waiting.md").exists()


def test_what_an_attempt_left_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="run it in the project's folder"):
        example(measure=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").touch()
    (tmp_path / "results" / "example-new").mkdir(parents=True)
    with pytest.raises(UsageError, match="is left over from an unfinished attempt; remove it"):
        example(measure=True)
