"""Failed requests by what came instead: counted by status, described by an example, in words."""

from dataclasses import replace
from http import HTTPStatus

import numpy as np
import pytest

from loadtests.analysis.cells import CellTrials, compare_cells
from loadtests.analysis.failed_requests import (
    MOST_KINDS,
    added_up,
    counted_in_words,
    in_full,
    status_name,
)
from loadtests.analysis.trial_summary import Summary, summarise
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.samples import Failure, FailureExample, Recording
from loadtests.records.summary import FailedRequests
from tests.made_up_samples import recording

NOT_FOUND = FailedRequests("GET /x", "status", 404, 51, body='{"detail":"Not Found"}')
ERROR = FailedRequests("GET /x", "status", 500, 700)
REFUSED = FailedRequests("GET /x", "connect", 0, 3, reason="connection refused")


def trial(*kinds: tuple[int, Failure, int], examples: tuple[FailureExample, ...] = ()) -> Recording:
    """Return a trial of requests in a window of a second: which of the scenario's it was, its failure, its status."""
    made = recording([(0.1, 0.2)] * len(kinds), (0.0, 1.0))
    which, failure, status = zip(*kinds, strict=True)
    samples = replace(
        made.samples,
        request=np.array(which, np.uint16),
        failure=np.array(failure, np.uint8),
        status=np.array(status, np.uint16),
    )
    return replace(made, samples=samples, requests=("GET /x", "GET /y"), examples=examples)


def test_what_failed_is_counted_by_request_reason_and_status() -> None:
    example = FailureExample(0, Failure.STATUS, 404, body="nothing here")
    found = summarise(
        trial(
            *[(0, Failure.NONE, 200)] * 4,
            *[(0, Failure.STATUS, 404)] * 3,
            *[(1, Failure.STATUS, 404)] * 2,
            (1, Failure.DISCONNECT, 0),
            examples=(example, FailureExample(0, Failure.STATUS, 500, body="before the window opened")),
        )
    )
    assert found.statuses == {404: 5}
    assert found.failures == {Failure.STATUS: 5, Failure.DISCONNECT: 1}
    assert found.failed == (
        FailedRequests("GET /x", "status", 404, 3, body="nothing here"),
        FailedRequests("GET /y", "status", 404, 2),
        FailedRequests("GET /y", "disconnect", 0, 1),
    )


def test_requests_of_a_trial_that_noted_no_names_have_none() -> None:
    found = summarise(replace(trial((0, Failure.STATUS, 404)), requests=()))
    assert found.failed == (FailedRequests("", "status", 404, 1),)


def test_a_trial_without_a_failure_has_nothing_to_say() -> None:
    found = summarise(trial((0, Failure.NONE, 200)))
    assert (found.statuses, found.failed, found.collapsed) == ({}, (), None)


def test_a_side_without_one_good_answer_says_which_status_came_the_most_frequent_first() -> None:
    found = summarise(trial((0, Failure.STATUS, 404), *[(1, Failure.STATUS, 500)] * 2, (0, Failure.CUT_OFF, 0)))
    assert found.collapsed == "not one good answer (2 × 500 Internal Server Error, 1 × 404 Not Found, 1 × cut off)"


def test_blocks_are_added_up_with_the_first_example_that_there_is() -> None:
    assert added_up([[replace(NOT_FOUND, body="")], [ERROR, NOT_FOUND]]) == [ERROR, replace(NOT_FOUND, count=102)]
    many = [FailedRequests("GET /x", "status", status, status) for status in range(400, 600)]
    assert [each.status for each in added_up([many])] == list(range(599, 599 - MOST_KINDS, -1))


def test_the_summary_of_a_run_has_both_of_every_cell_and_side() -> None:
    bad = summarise(trial(*[(0, Failure.STATUS, 404)] * 2, (0, Failure.STATUS, 307)))
    good: Summary = summarise(trial((0, Failure.NONE, 200)))
    cell = CellTrials("GET /x", ClosedLoop(1), {0: {"a": good, "b": bad}, 1: {"a": good, "b": bad}})
    a, b = compare_cells("run", complete=True, sides=("a", "b"), cells=[cell]).cells
    assert (a.statuses, a.failed) == ({}, [])
    assert b.statuses == {404: 4, 307: 2}
    assert [(each.status, each.count) for each in b.failed] == [(404, 4), (307, 2)]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (404, "404 Not Found"),
        (429, "429 Too Many Requests"),
        (422, f"422 {HTTPStatus(422).phrase}"),
        (499, "499"),
        (999, "999"),
    ],
)
def test_a_status_has_its_phrase_if_it_has_one(status: int, name: str) -> None:
    assert status_name(status) == name


def test_counts_are_in_words() -> None:
    assert counted_in_words([NOT_FOUND, ERROR]) == "700 × 500 Internal Server Error, 51 × 404 Not Found"
    of_another = replace(NOT_FOUND, asked="GET /y", count=2000)
    assert counted_in_words([NOT_FOUND, of_another]) == "2,051 × 404 Not Found"
    assert counted_in_words([REFUSED, replace(REFUSED, reason="")]) == "3 × connection refused, 3 × no connection"
    assert counted_in_words([]) == ""


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        (NOT_FOUND, '51 × 404 Not Found “{"detail":"Not Found"}”'),
        (ERROR, "700 × 500 Internal Server Error"),
        (
            FailedRequests("GET /shelf", "status", 307, 188, location="/shelf/"),
            "188 × 307 Temporary Redirect to /shelf/",
        ),
        (REFUSED, "3 × connection refused"),
        (
            FailedRequests("GET /x", "body", 200, 2, body="[]", reason="does not hold “ok”"),
            "2 × wrong body (does not hold “ok”) “[]”",
        ),
        (FailedRequests("GET /x", "disconnect", 200, 1), "1 × broken connection"),
        (FailedRequests("GET /x", "cut_off", 0, 1), "1 × cut off"),
    ],
)
def test_what_came_of_one_of_them_is_told(failed: FailedRequests, said: str) -> None:
    assert in_full(failed) == said
