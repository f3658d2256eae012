"""Good answers of both sides, by size: told where they differ, and not where they are alike but for a few bytes."""

from dataclasses import replace

import pytest

from loadtests.analysis.answer_sizes import Difference, differences, in_words, pooled, size_in_words, sizes_of
from loadtests.analysis.flag_checks import flags_of
from loadtests.analysis.flags import Conditions, Flag
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.samples import BodyBytes
from loadtests.records.summary import AnswerSize
from tests.made_up_samples import recording, summary

FULL, EMPTY = 56_391.0, 2.0
UNKNOWN = Conditions()


def sizes(*means: float) -> list[AnswerSize]:
    return [AnswerSize(f"GET /{number}", 10, mean) for number, mean in enumerate(means)]


@pytest.mark.parametrize(
    ("a", "b", "differ"),
    [
        (FULL, EMPTY, True),
        (EMPTY, FULL, True),
        (FULL, 40.0, True),
        (40.0, 2.0, True),  # an error with a good status, beside an empty list
        (FULL, FULL, False),
        (FULL, 1.09 * FULL, False),
        (20.0, 27.0, False),  # a longer number
        (0.0, 0.0, False),
    ],
)
def test_sides_differ_if_one_sends_much_more(a: float, b: float, differ: bool) -> None:
    assert bool(differences(sizes(a), sizes(b))) is differ


def test_each_request_is_looked_at_and_the_largest_difference_comes_first() -> None:
    found = differences(sizes(100, 500, 9000), sizes(200, 500, 10))
    assert found == [Difference("GET /2", 9000, 10), Difference("GET /0", 100, 200)]
    assert differences(sizes(100), []) == []


def test_a_mean_is_over_all_answers_of_all_blocks() -> None:
    made = replace(recording([]), requests=("GET /x",), good_bytes=(BodyBytes(0, 4, 40), BodyBytes(1, 1, 7)))
    assert sizes_of(made) == [AnswerSize("GET /x", 4, 10.0), AnswerSize("", 1, 7.0)]
    assert pooled([[AnswerSize("GET /x", 1, 10.0)], [AnswerSize("GET /x", 3, 30.0)]]) == [AnswerSize("GET /x", 4, 25.0)]


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1, "1 byte"), (2, "2 bytes"), (999, "999 bytes"), (FULL, "56.4 kB"), (2.5e6, "2.5 MB")],
)
def test_sizes_are_in_words(size: float, words: str) -> None:
    assert size_in_words(size) == words


def test_differences_are_in_words() -> None:
    found = differences(sizes(FULL, 900, 800, 700), sizes(EMPTY, 100, 100, 100))
    assert in_words(found[:1], "full", "empty") == "GET /0: 56.4 kB from full, 2 bytes from empty"
    assert in_words(found, "full", "empty").endswith("; and 1 more request")


def test_a_cell_whose_sides_do_not_answer_alike_is_flagged() -> None:
    a, b = (replace(summary(1000), answer_sizes=tuple(sizes(size))) for size in (FULL, EMPTY))
    [flag] = flags_of(ClosedLoop(8), [(a, b)] * 6, UNKNOWN)
    assert flag == Flag("answers-differ", None, "GET /0: 56.4 kB from a, 2 bytes from b")
    assert flags_of(ClosedLoop(8), [(a, a)] * 6, UNKNOWN) == []


def test_users_who_choose_what_they_ask_are_not_compared_by_size() -> None:
    a, b = (replace(summary(1000), answer_sizes=tuple(sizes(size))) for size in (FULL, EMPTY))
    assert flags_of(ClosedLoop(8), [(a, b)] * 6, UNKNOWN, thinking=True) == []
