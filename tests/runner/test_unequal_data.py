"""Builds that hold different amounts of data do different work, which is refused unless it is meant."""

import pytest

from loadtests.analysis.same_answers import AnswerComparison
from loadtests.experiment.options import RunOptions
from loadtests.runner.next_rows import NextRows
from loadtests.runner.same_answers import OF_A_COMMIT, AnswersDiffer, ComparedAnswers, check_answers, data_differences
from loadtests.system.cores import Cores


def checked(a: str, b: str, *, unequal: bool = False) -> ComparedAnswers:
    """Check two builds, for which no server is needed."""
    options = RunOptions(scenarios=("get_post",), a=a, b=b, users="8", blocks=6, unequal=unequal)
    return check_answers(options.experiment(), Cores((), ()), AnswerComparison(), NextRows())


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ("sync", "async,seed_posts=5000", [("seed_posts", "20", "5000")]),
        (
            "sync,seed_users=9",
            "async,seed_users=8,seed_posts=30",
            [("seed_users", "9", "8"), ("seed_posts", "20", "30")],
        ),
    ],
)
def test_different_amounts_are_named_and_not_measured(a: str, b: str, found: list[tuple[str, str, str]]) -> None:
    with pytest.raises(AnswersDiffer, match="--unequal measures all the same") as failure:
        checked(a, b)
    assert [(each.what, each.a, each.b) for each in failure.value.differences] == found
    assert checked(a, b, unequal=True).differences == failure.value.differences  # kept, and told in the report


@pytest.mark.parametrize("b", ["async", "async,seed_posts=20", "async,seed_users=5"])
def test_equal_amounts_need_no_word(b: str) -> None:
    assert checked("sync", b).differences == []
    assert checked("sync,seed_posts=5000", "async,seed_posts=5000").differences == []


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ("sync@HEAD~1", "sync@HEAD", []),
        ("sync@HEAD~1", "sync", []),
        ("sync", "async@HEAD~9", []),
        ("sync@HEAD", "sync@HEAD,seed_posts=30", [("seed_posts", OF_A_COMMIT, "30")]),
        ("sync@HEAD,seed_posts=30", "sync,seed_posts=30", []),
    ],
)
def test_what_a_commit_has_by_default_is_not_known(a: str, b: str, found: list[tuple[str, str, str]]) -> None:
    """A commit may be older than the setting."""
    options = RunOptions(scenarios=("get_post",), a=a, b=b, users="8", blocks=6)
    assert [(each.what, each.a, each.b) for each in data_differences(options.experiment())] == found
