"""Requests as they are written, and the places in them."""

import re

import pytest

from loadtests.experiment.message import decoded, filled, target_of
from loadtests.experiment.request import Request, in_turn, parse_header, parse_requests
from loadtests.experiment.templates import Template
from loadtests.system.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("POST /orders", ["POST /orders"]),
        ("get /x", ["GET /x"]),
        ("/orders?a=1", ["GET /orders?a=1"]),
        ("PROPFIND /x", ["PROPFIND /x"]),
        ("GET /one /other", ["GET /one", "GET /other"]),
        ("/one  /other", ["GET /one", "GET /other"]),
        ("GET /café", ["GET /café"]),
        ("GET /price?$top=5&filter[open]=1", ["GET /price?$top=5&filter[open]=1"]),
        ("GET /a?next=http://other/", ["GET /a?next=http://other/"]),
        ("query", []),
        ("query[wait_ms=5]", []),
        ("mixed[cpu_ms=1, wait_ms=2]", []),
        ("", []),
    ],
)
def test_a_request_is_told_from_a_name_of_the_catalogue(text: str, expected: list[str]) -> None:
    found = parse_requests(text)
    assert list(map(str, found)) == expected
    assert {request.status for request in found} <= {None}


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("GET ping", 'as in "GET /ping"'),
        (
            "GET http://127.0.0.1:8000/orders?x=1",
            'write "GET /orders?x=1", and give the host as a side: --a http://127.0.0.1:8000',
        ),
        ("https://me:hidden@there", 'write "GET /", and give the host as a side: --a https://there'),
        ("GET /a#b", "what follows a # is never sent"),
    ],
)
def test_what_can_not_be_sent_is_named_with_its_mend(text: str, mend: str) -> None:
    with pytest.raises(UsageError, match=re.escape(mend)) as refused:
        parse_requests(text)
    assert "hidden" not in str(refused.value)


def test_a_header_is_a_name_and_a_value() -> None:
    assert parse_header("X-Name:  a: b ") == ("X-Name", "a: b")
    assert parse_header("Accept:") == ("Accept", "")
    assert parse_header("X: Zoë") == ("X", "Zoë")


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("hidden", "write it as Name: value"),
        ("X Y: hidden", "write it as Name: value"),
        (": hidden", "write it as Name: value"),
        ("X: hidden\r\nY: 1", "line break"),
        ("X: hidden\x00", "line break"),
        ("X: hidden\udcff", "not UTF-8"),
        ("Content-Length: 5", "sets the length of a body"),
        ("transfer-encoding: chunked", "sets the length of a body"),
    ],
)
def test_what_is_no_header_is_refused_without_its_value(text: str, mend: str) -> None:
    with pytest.raises(UsageError, match=mend) as refused:
        parse_header(text)
    assert "hidden" not in str(refused.value)


def test_requests_weigh() -> None:
    requests = [Request("GET", "/a"), Request("GET", "/b", weight=3), Request("GET", "/c")]
    assert in_turn(requests) == (0, 1, 1, 1, 2)


@pytest.mark.parametrize(
    ("text", "names", "filled_in"),
    [
        ("plain $top $1 ${} ${1} {x}", (), "plain $top $1 ${} ${1} {x}"),
        ("${a}", ("a",), "A"),
        ("<${a}${b}${a}>", ("a", "b", "a"), "<ABA>"),
        ("$${a} ${a} $$${a}", ("a",), "${a} A $${a}"),
        ("${user-id.x}", ("user-id.x",), "U"),
        ("${a", (), "${a"),
    ],
)
def test_places_are_filled_and_all_else_is_kept(text: str, names: tuple[str, ...], filled_in: str) -> None:
    template = Template(text)
    assert template.names == names
    assert template.fill({"a": "A", "b": "B", "user-id.x": "U"}) == filled_in


def test_what_fills_a_place_has_no_places() -> None:
    request = Request("GET", "/${a}", (("X", "${a}"),), b"${a}")
    assert filled(request, {"a": "$${b}${c}"}) == Request("GET", "/$${b}${c}", (("X", "$${b}${c}"),), b"$${b}${c}")
    assert request.names == ("a",)


def test_a_target_is_encoded_where_http_asks_for_it() -> None:
    assert target_of("/a/../b?q=%2B[1,2]|3") == "/a/../b?q=%2B[1,2]|3"
    assert target_of("/caf\u00e9 au lait#top") == "/caf%C3%A9%20au%20lait"


def test_a_body_that_can_not_be_unpacked_is_none() -> None:
    assert decoded(b"plain", b"gzip") is None
    assert decoded(b"", b"gzip") == b""
    assert decoded(b"plain", b"br") == b"plain"
