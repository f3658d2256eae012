"""What is kept of failed requests: one of each kind, cut short, on one line, and no more kinds than a page can hold."""

import pytest

from loadtests.drivers.failure_examples import MOST_KINDS, SHOWN_BYTES, FailureExamples, shown, without_origin
from loadtests.records.samples import Failure, FailureExample


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""),
        (b'{"detail":"Not Found"}', '{"detail":"Not Found"}'),
        (b"<html>\r\n  <h1>502\tBad Gateway</h1>\n\n</html>\n", "<html> <h1>502 Bad Gateway</h1> </html>"),
        ("café ✓".encode(), "café ✓"),
        (b"\xff\xfe no text", "\ufffd\ufffd no text"),
        (b"red \x1b[31m bell \x07 nul \x00", "red \\x1b[31m bell \\x07 nul \\x00"),
        ("a\u200bb\u202ec".encode(), "a\\u200bb\\u202ec"),
        (b"x" * SHOWN_BYTES, "x" * SHOWN_BYTES),
        (b"x" * (SHOWN_BYTES + 1), "x" * SHOWN_BYTES + "…"),
        (b"x" * (SHOWN_BYTES - 1) + "é and more".encode(), "x" * (SHOWN_BYTES - 1) + "…"),
    ],
)
def test_a_body_is_shown_on_one_line_and_cut_short(content: bytes, line: str) -> None:
    assert shown(content) == line


def test_the_first_of_each_kind_is_kept() -> None:
    examples = FailureExamples()
    for body in (b"first", b"second"):
        examples.keep(0, Failure.STATUS, 404, body=body)
    examples.keep(1, Failure.STATUS, 404, body=b"of another request")
    examples.keep(0, Failure.CONNECT, reason="connection refused")
    assert examples.all() == (
        FailureExample(0, Failure.STATUS, 404, body="first"),
        FailureExample(1, Failure.STATUS, 404, body="of another request"),
        FailureExample(0, Failure.CONNECT, reason="connection refused"),
    )
    assert not examples.lacks(0, Failure.STATUS, 404)
    assert examples.lacks(0, Failure.STATUS, 500)


def test_a_server_that_answers_with_another_status_each_time_fills_no_memory() -> None:
    examples = FailureExamples()
    for status in range(400, 600):
        examples.keep(0, Failure.STATUS, status)
    assert len(examples.all()) == MOST_KINDS


def test_only_a_redirection_points_anywhere() -> None:
    examples = FailureExamples()
    examples.keep(0, Failure.STATUS, 307, location=b"/shelf/")
    examples.keep(0, Failure.STATUS, 201, location=b"/orders/1")
    assert [each.location for each in examples.all()] == ["/shelf/", ""]


@pytest.mark.parametrize(
    ("location", "base_url", "path"),
    [
        (b"http://127.0.0.1:8000/shelf/", "http://127.0.0.1:8000", b"/shelf/"),
        (b"http://127.0.0.1:8000/api/shelf/", "http://me:secret@127.0.0.1:8000/api", b"/api/shelf/"),
        (b"https://127.0.0.1:8000/shelf/", "http://127.0.0.1:8000", b"https://127.0.0.1:8000/shelf/"),
        (b"http://127.0.0.1:80001/", "http://127.0.0.1:8000", b"http://127.0.0.1:80001/"),
        (b"/shelf/", "http://127.0.0.1:8000", b"/shelf/"),
    ],
)
def test_a_redirection_within_a_server_is_told_by_its_path(location: bytes, base_url: str, path: bytes) -> None:
    assert without_origin(location, base_url) == path
