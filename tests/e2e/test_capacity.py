"""What-if questions, answered without measuring."""

import pytest

from tests.e2e.harness import bench_here


def test_the_model_answers_a_question() -> None:
    status, output, errors = bench_here(
        "capacity", "--wait-ms=80", "--cpu-ms=2", "--threads=40", "--pool=15", "--users=1,200"
    )
    assert status == 0, errors
    words = " ".join(output.split())
    assert "15 connections" in words
    assert "1.00" in words
    assert "async never answers 10% more, whatever the number of users." in words


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["--cpu-ms=0", "--wait-ms=0"], "set one of them above 0"),
        (["--cpu-ms=-1", "--wait-ms=0"], "must be from 0"),
        (["--cpu-ms=1", "--wait-ms=nan"], "must be from 0"),
        (["--cpu-ms=1", "--wait-ms=1", "--threads=0"], "must be from 1"),
        (["--cpu-ms=1", "--wait-ms=1", "--users=0"], "outside 1 to 4096"),
        (["--cpu-ms=1"], "--wait-ms"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], mend: str) -> None:
    status, output, errors = bench_here("capacity", *arguments)
    assert status == 2
    assert mend in errors
    assert len(errors.splitlines()) == 1
    assert output == ""
