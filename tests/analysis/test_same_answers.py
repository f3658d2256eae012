"""What counts as a difference between two sides' answers, and what does not."""

import json
from typing import Any

import pytest

from loadtests.analysis.same_answers import MOST, NOTHING, AnswerComparison
from loadtests.records.answer_differences import Difference, WholeAnswer

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}


def answer(document: Any, status: int = 200, statements: int | None = None) -> WholeAnswer:
    body = json.dumps(document).encode()
    return WholeAnswer(status, JSON, body, len(body), statements)


def page(text: str, headers: dict[str, str] = HTML) -> WholeAnswer:
    return WholeAnswer(200, headers, text.encode(), len(text))


def compare(a: list[WholeAnswer], b: list[WholeAnswer], **declared: Any) -> list[tuple[str, str, str]]:
    return [(each.what, each.a, each.b) for each in AnswerComparison(**declared)("GET /x", a, b)]


def test_equal_answers_do_not_differ() -> None:
    assert compare([answer({"a": [1, {"b": None}]})] * 2, [answer({"a": [1, {"b": None}]})] * 2) == []
    assert compare([page("<p>\n one </p>")] * 2, [page("<p>\none</p>  \n".replace("one", " one "))] * 2) == []


def test_each_value_that_differs_is_named_with_its_place() -> None:
    a = answer({"posts": [{"author": {"id": 1}, "title": "one"}], "total": 1})
    b = answer({"posts": [{"author": None, "title": "one"}], "total": 2})
    assert compare([a, a], [b, b]) == [
        ("$.posts[0].author.id", "1", NOTHING),
        ("$.total", "1", "2"),
        ("$.posts[0].author", NOTHING, "null"),
    ]


def test_what_changes_within_a_side_is_no_difference() -> None:
    a = [answer({"id": 1, "at": "10:00", "name": "x"}), answer({"id": 2, "at": "10:01", "name": "x"})]
    b = [answer({"id": 7, "at": "11:00", "name": "x"}), answer({"id": 8, "at": "11:01", "name": "x"})]
    assert compare(a, b) == []


def test_times_of_day_that_lie_close_together_are_no_difference() -> None:
    a, b = answer({"at": "2026-05-01T10:00:00Z"}), answer({"at": "2026-05-01T10:01:30+00:00"})
    assert compare([a, a], [b, b]) == []
    c = answer({"at": "2026-05-01T11:00:00Z"})
    assert [what for what, *_ in compare([a, a], [c, c])] == ["$.at"]


@pytest.mark.parametrize("ignored", ["$[0].date", "$[*].date", "$..date"])
def test_what_was_declared_may_differ(ignored: str) -> None:
    a, b = answer([{"date": 1, "data": 1}]), answer([{"date": 2, "data": 1}])
    assert compare([a, a], [b, b]) == [("$[0].date", "1", "2")]
    assert compare([a, a], [b, b], ignored=[ignored]) == []
    c = answer([{"date": 2, "data": 2}])
    assert compare([a, a], [c, c], ignored=[ignored]) == [("$[0].data", "1", "2")]


def test_order_counts_unless_it_was_declared_not_to() -> None:
    a, b = answer({"ids": [{"id": 1}, {"id": 2}]}), answer({"ids": [{"id": 2}, {"id": 1}]})
    assert len(compare([a, a], [b, b])) == 2
    assert compare([a, a], [b, b], unordered=["$.ids"]) == []


def test_a_refusal_is_shown_with_its_words_and_nothing_else_of_it() -> None:
    a, b = answer({"x": 1}), answer({"detail": "MissingGreenlet: greenlet_spawn has not been called"}, status=500)
    (difference,) = compare([a, a], [b, b])
    assert difference[:2] == ("status", "200 OK")
    assert difference[2].startswith('500 Internal Server Error: {"detail": "MissingGreenlet')


def test_headers_that_matter_are_compared() -> None:
    assert compare([page("x")] * 2, [page("x", {"content-type": "text/plain"})] * 2) == [
        ("content-type", "text/html", "text/plain")
    ]
    assert compare([page("x")] * 2, [page("x", HTML | {"date": "now", "server": "other"})] * 2) == []


def test_the_first_line_that_differs_is_shown() -> None:
    assert compare([page("one\ntwo\nthree")] * 2, [page("one\n2\n3")] * 2) == [("line 2", "two", "2")]
    assert compare([page("one")] * 2, [page("one\ntwo")] * 2) == [("line 2", NOTHING, "two")]
    a, b = [page("token 1\nsame"), page("token 2\nsame")], [page("token 3\nsame"), page("token 4\nsame")]
    assert compare(a, b) == []


def test_bodies_that_are_no_text_are_compared_as_they_are() -> None:
    one, other = (
        WholeAnswer(200, {"content-type": "image/png"}, body, len(body)) for body in (b"\xff\x00", b"\xff\x01")
    )
    assert compare([one, one], [one, one]) == []
    assert compare([one, one], [other, other]) == [("body", "2 bytes", "2 bytes, others")]
    assert compare([one, other], [other, one]) == []


def test_statements_are_told_but_do_not_stop_a_run() -> None:
    differences = AnswerComparison()("GET /x", [answer(1, statements=21)] * 2, [answer(1, statements=2)] * 2)
    assert differences == [Difference(request="GET /x", what="statements", a="21", b="2", stops=False)]
    assert compare([answer(1, statements=21)] * 2, [answer(1)] * 2) == []


def test_no_more_than_a_few_are_named() -> None:
    a, b = answer(list(range(100))), answer(list(range(1, 101)))
    assert len(compare([a, a], [b, b])) == MOST


def test_long_values_are_shortened() -> None:
    (difference,) = compare([answer("x" * 1000)] * 2, [answer("y" * 1000)] * 2)
    assert max(map(len, difference)) <= 80
