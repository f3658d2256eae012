"""On a terminal of 80 columns nothing is cut, and no line ends within a word."""

import shutil
from pathlib import Path

import pytest

from loadtests.cli import _wrapped
from loadtests.cli.lesson import print_lesson
from loadtests.lessons.record import LESSON_FILE
from loadtests.records.run_folder import EXAMPLE

HERE = Path(__file__).parents[2]


@pytest.mark.parametrize("columns", [80, 120])
def test_a_lesson_names_its_scenarios_whole(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shutil.copy(HERE / EXAMPLE / "lessons" / "waiting.json", tmp_path / LESSON_FILE)
    print_lesson(tmp_path / LESSON_FILE)
    screen = capsys.readouterr().out
    assert "…" not in screen
    assert "[wait_ms=50]" in screen
    assert max(map(len, screen.splitlines())) <= columns
    judged = next(i for i, line in enumerate(screen.splitlines()) if line.startswith("  ✔ "))
    assert screen.splitlines()[judged + 1][:2] in ("", "  ")


def test_an_error_is_broken_between_words_and_an_option_stays_whole() -> None:
    said = "bench: did not become ready within 20 s (connection refused); allow more with --start-limit, or with less"
    lines = _wrapped(said, 80).splitlines()
    assert lines[1].startswith("--start-limit, ")
    assert " ".join(lines) == said
    assert _wrapped("first\nsecond", 80) == "first\nsecond"
