"""Lessons, claims and the deadlock, as a user takes them."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.lesson import Lesson
from loadtests.lessons.record import claim_results, read_claims, read_lesson
from loadtests.records import manifest
from tests.e2e.harness import bench, bench_here, eventually, started

pytestmark = pytest.mark.timeout(300)


def test_lessons_are_listed() -> None:
    status, output, _ = bench_here("lesson")
    assert status == 0
    assert all(name in output for name in LESSONS)


def test_a_lesson_that_there_is_not() -> None:
    status, _, errors = bench_here("lesson", "nosuch")
    assert status == 2
    assert errors.startswith("bench: there is no lesson 'nosuch'; choose one of: waiting, ")


@pytest.fixture
def one_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lesson with one start of each server, as if one were enough to be sure: six show the same six times."""
    lesson = LESSONS["missing_greenlet"]
    short = replace(lesson, measure=replace(lesson.measure, blocks=1))
    monkeypatch.setitem(cast("dict[str, Lesson]", LESSONS), lesson.name, short)
    monkeypatch.setattr(manifest, "least_blocks", lambda _cells, _budget_s: 1)


@pytest.mark.slow
@pytest.mark.usefixtures("one_start")
def test_a_lesson_asks_measures_and_answers(tmp_path: Path) -> None:
    status, output, errors = bench_here("lesson", "missing_greenlet", "--out", str(tmp_path / "lesson"))
    assert status == 0, errors
    parts = [
        "Question",
        "Hypothesis",
        "async def lazy",
        "Measured",
        "Verdict: The hypothesis holds here",
        "Why",
        "Try next",
    ]
    places = [output.index(part) for part in parts]
    assert places == sorted(places)
    record = read_lesson(tmp_path / "lesson" / "lesson.json")
    assert record.lesson == "missing_greenlet"
    assert record.outcome.comparisons
    assert (tmp_path / "lesson" / "report.html").exists()
    status, again, errors = bench_here("report", str(tmp_path / "lesson"))
    assert status == 0, errors
    assert "Verdict: The hypothesis holds here" in again


@pytest.mark.slow
@pytest.mark.usefixtures("one_start")
def test_claims_are_tested_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "claims"
    status, output, errors = bench_here("claims", "lazy-raises", "--out", str(out))
    assert status == 0, errors
    found = {each.name: each for each in claim_results(read_claims(out / "claims.json"))}
    assert found["lazy-raises"].standing == "supported"
    assert found["lazy-raises"].lesson == "missing_greenlet"
    assert "supported" in output
    status, again, errors = bench_here("report", str(out))
    assert status == 0, errors
    assert again in output


@pytest.mark.parametrize(
    "command",
    [
        ("claims", "lazy-raises"),
        pytest.param(("lesson", "lying_client"), marks=pytest.mark.slow),
        pytest.param(("deadlock",), marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_it_at_once_and_nothing_is_left(command: tuple[str, ...], tmp_path: Path) -> None:
    with started(*command, "--out", str(tmp_path / "out")) as harness:
        assert eventually(lambda: len(harness.family()) > 2)
        harness.process.send_signal(signal.SIGINT)
        status, _, errors = harness.finish()
        assert status == 130
        assert errors.startswith("bench: interrupted by SIGINT")
        assert eventually(lambda: not harness.family())


@pytest.mark.parametrize("names", [["nosuch"], ["lazy-raises", "nosuch"]])
def test_a_claim_that_there_is_not(names: list[str], tmp_path: Path) -> None:
    status, _, errors = bench_here("claims", *names, "--out", str(tmp_path / "claims"))
    assert status == 2
    assert "there is no claim 'nosuch'" in errors
    assert not (tmp_path / "claims").exists()


@pytest.mark.slow
def test_the_deadlock_is_seen_and_cured(tmp_path: Path) -> None:
    out = tmp_path / "deadlock"
    grid = ["--pools", "4", "--users", "4,64", "--threads", "16", "--blocks", "1", "--time", "0.4"]
    status, output, errors = bench("deadlock", *grid, "--out", str(out))
    assert status == 0, errors
    said = " ".join(output.split())
    assert "4 connections stall with 64 users, in 1 of 1 start; with max_concurrency, in none of 1 start" in said
    assert (out / "deadlock.png").exists()
    page = (out / "pool-4" / "report.html").read_text()
    assert "a deadlock of threads and connections" in page
    assert "requests waiting for a thread" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pools", "x"], "write numbers, as in --pools 15,40,80"),
        (["--pools", "0"], "name 1 to 8 sizes from 1 to 1,000"),
        (["--threads", "0"], "thread_limit"),
    ],
)
def test_a_grid_that_is_no_good_is_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    status, _, errors = bench_here("deadlock", *arguments, "--out", str(tmp_path / "deadlock"))
    assert status == 2
    assert said in errors
    assert not (tmp_path / "deadlock").exists()
