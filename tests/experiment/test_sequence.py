"""What users take from answers, the rows that they use, and their way through a sequence."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtests.experiment.fresh_values import FreshValues
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sequence import SequenceUser
from loadtests.experiment.takes import missing, parse_take, reader, take
from loadtests.experiment.values import Values, Variables, read_values
from loadtests.system.errors import UsageError

BODY = (
    b'{"token": "t", "n": 1, "big": 9007199254740993, "x": 1.5, "ok": true, "none": null,'
    b' "items": [{"id": "i0"}, {"a b": 2}]}'
)
HEADERS = [(b"Location", b"/orders/7"), (b"Set-Cookie", b"a=1; Path=/"), (b"set-cookie", b"session=s%3D; HttpOnly")]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$.token", "t"),
        ("$.n", "1"),
        ("$.big", "9007199254740993"),
        ("$.x", "1.5"),
        ("$.ok", "true"),
        ("$.items[0].id", "i0"),
        ("$['items'][1][\"a b\"]", "2"),
        ("header:LOCATION", "/orders/7"),
        ("cookie:session", "s%3D"),
        (r'regex:"id": "(\w+)"', "i0"),
        ("$.none", None),
        ("$.items", None),
        ("$.items[9]", None),
        ("$.items.id", None),
        ("$.token[0]", None),
        ("$.no", None),
        ("$", None),
        ("header:x", None),
        ("cookie:sess", None),
        ("regex:(nothing)", None),
    ],
)
def test_each_source_finds_its_value_or_none(source: str, value: str | None) -> None:
    assert parse_take(f"name={source}") == ("name", source)
    assert reader(source)(BODY, HEADERS) == value


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_has_no_fields(body: bytes) -> None:
    assert reader("$.a")(body, []) is None


def test_what_can_not_be_taken_is_named_and_what_can_is_not() -> None:
    takes = [("token", "$.token"), ("id", "$.id"), ("tag", "header:ETag")]
    assert missing(takes, b'{"id": 7}', [(b"etag", b"x")]) == ["token=$.token"]
    assert missing(takes, b"no JSON", []) == ["token=$.token", "id=$.id", "tag=header:ETag"]


def test_all_is_taken_or_nothing() -> None:
    readers = [("a", reader("$.a")), ("b", reader("$.b"))]
    assert take(readers, b'{"a": 1, "b": "x"}', []) == {"a": "1", "b": "x"}
    assert take(readers, b'{"a": 1}', []) is None
    assert take(readers, b'{"a": 1, "b": ""}', []) is None
    assert take(readers, b'{"a": 1, "b": "x\\r\\nInjected: 1"}', []) is None


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("token", "as in token=$.access_token"),
        ("=$.a", "as in token=$.access_token"),
        ("to ken=$.a", "as in token=$.access_token"),
        ("t=", "an empty source"),
        ("counter=$.n", "${counter} is a number that never comes again; take it under another name"),
        ("t=access_token", "header:NAME, cookie:NAME or regex:PATTERN"),
        ("t=header:", "header:NAME"),
        ("t=$.items[x]", "'[x]' is not valid"),
        ("t=$token", "'token' is not valid"),
        ("t=regex:(", "missing )"),
        ("t=regex:abc", "whose first group is taken"),
    ],
)
def test_what_is_no_source_is_named_with_its_mend(text: str, mend: str) -> None:
    with pytest.raises(UsageError, match=re.escape(mend)):
        parse_take(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", '\ufeffname,n\r\nada,1\r\n\r\n"bob, jr",2\r\n'),
        ("x.jsonl", '{"name": "ada", "n": 1}\n\n{"n": 2, "name": "bob, jr"}\n'),
    ],
)
def test_a_file_has_its_rows_in_their_order(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    values = read_values(str(file))
    assert (values.columns, values.rows) == (("name", "n"), (("ada", "1"), ("bob, jr", "2")))


@pytest.mark.parametrize(
    ("name", "text", "mend"),
    [
        ("x.csv", "", "it has no rows"),
        ("x.csv", "a,b\n", "it has no rows"),
        ("x.csv", "a,b\n1\n", "line 2 has 1 values for 2 columns"),
        ("x.csv", "a,a\n1,2\n", "the same name"),
        ("x.csv", "a b\n1\n", "unlike 'a b'"),
        ("x.csv", "a,uuid\n1,2\n", "${uuid} is a random UUID, whatever a file holds; give its column another name"),
        ("x.csv", 'a\n"1', "unexpected end of data"),
        ("x.csv", b"a\n\xff\n", "can't decode"),
        ("x.jsonl", "{", "line 1 is no JSON"),
        ("x.jsonl", '{"a": 1}\n{"b": 1}', "line 2 should be an object with the same names"),
        ("x.jsonl", "[1]", "line 1 should be an object"),
        ("x.txt", "a\n1", "a file not named .csv is read as JSON lines"),
    ],
)
def test_a_file_that_is_no_good_is_named_with_the_line(name: str, text: str | bytes, mend: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=re.escape(mend)):
        read_values(str(file))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"--values no\.csv: it can't be read: No such file"):
        read_values("no.csv")


URL = urlsplit("http://here")
LOGIN = Request("POST", "/login", body=b"${name}", takes=(("token", "$.t"),), once=True)
LOOK = Request("GET", "/${token}/${name}/${HOST}")
PLAIN = Request("GET", "/plain")
VALUES = Values("users.csv", "", ("name",), (("ada",), ("bob",)))


def asked_by(user: SequenceUser, *bodies: bytes | None) -> list[str]:
    """Return what a user asks, who gets these bodies for answers; None is a bad one."""
    asked = []
    for body in bodies:
        asked.append(user.message().content.split(b" HTTP")[0].decode())
        user.answered(good=body is not None, body=body or b"")
    return asked


def test_what_was_taken_is_used_in_this_pass_and_in_later_ones() -> None:
    rows = FreshValues(Variables(values=VALUES))
    user = SequenceUser(URL, (LOGIN, LOOK, PLAIN), {"HOST": "h"}, rows)
    assert asked_by(user, b'{"t": "t0"}', b"", b"", b"", b"") == [
        "POST /login",
        "GET /t0/ada/h",
        "GET /plain",
        "GET /t0/bob/h",
        "GET /plain",
    ]
    assert user.at_start
    assert rows.next_row == 2


def test_what_was_taken_comes_before_a_column_and_a_column_before_the_environment() -> None:
    takes = Request("GET", "/${name}", takes=(("name", "$.n"),))
    user = SequenceUser(URL, (takes, PLAIN), {}, FreshValues(Variables(values=VALUES)))
    assert asked_by(user, b'{"n": "taken"}', b"", b'{"n": "again"}', b"", b"{}") == [
        "GET /ada",
        "GET /plain",
        "GET /taken",
        "GET /plain",
        "GET /again",
    ]


@pytest.mark.parametrize("bad", [None, b"{}"], ids=["a bad status", "nothing to take"])
def test_a_user_without_what_he_needs_starts_over(bad: bytes | None) -> None:
    refresh = Request("GET", "/refresh", takes=(("token", "$.t"),))
    user = SequenceUser(URL, (LOGIN, refresh, PLAIN), {"name": "x"}, None)
    assert asked_by(user, b'{"t": "t0"}', b'{"t": "t1"}', b"", bad, b'{"t": "t2"}', b'{"t": "t3"}') == [
        "POST /login",
        "GET /refresh",
        "GET /plain",
        "GET /refresh",
        "POST /login",
        "GET /refresh",
    ]


def test_a_bad_answer_from_which_nothing_is_taken_is_passed_over_and_what_was_to_be_done_once_is_tried_again() -> None:
    first = Request("POST", "/hello", once=True)
    user = SequenceUser(URL, (first, PLAIN), {}, None)
    assert asked_by(user, None, None, b"", b"", b"") == [
        "POST /hello",
        "GET /plain",
        "POST /hello",
        "GET /plain",
        "GET /plain",
    ]


def test_what_was_sent_once_serves_another_user_too() -> None:
    refresh = Request("GET", "/refresh/${token}", takes=(("token", "$.t"),))
    requests = (LOGIN, refresh, PLAIN)
    first = SequenceUser(URL, requests, {"name": "x"})
    logins = [first.login]
    asked_by(first, b'{"t": "t0"}', b'{"t": "t1"}')
    nothing, login = [*logins, first.login]
    assert nothing is None
    assert login is not None
    assert asked_by(SequenceUser(URL, requests, {"name": "x"}, login=login), b'{"t": "t2"}', b"", b"{}") == [
        "GET /refresh/t0",
        "GET /plain",
        "GET /refresh/t2",
    ]
    assert SequenceUser(URL, (PLAIN,), {}).login is None


@pytest.mark.parametrize("passed_on", [False, True])
def test_a_login_that_has_expired_is_taken_anew_and_one_that_never_worked_is_not(passed_on: bool) -> None:
    requests, environment = (LOGIN, LOOK, PLAIN), {"HOST": "h", "name": "x"}
    user = SequenceUser(URL, requests, environment)
    asked_by(user, b'{"t": "t0"}', b"", b"")
    if passed_on:
        user = SequenceUser(URL, requests, environment, login=user.login)
    assert user.message().content.startswith(b"GET /t0/x/h ")
    assert not user.answered(good=False, status=401)
    assert user.login is None
    asked = []
    for body in (b'{"t": "t1"}', None, b"", None, b""):
        asked.append(user.message().content.split(b" HTTP")[0].decode())
        user.answered(good=body is not None, status=200 if body is not None else 401, body=body or b"")
    assert asked == ["POST /login", "GET /t1/x/h", "GET /plain", "GET /t1/x/h", "GET /plain"]


def test_a_pass_has_one_row_and_requests_that_are_no_sequence_one_each() -> None:
    requests = (Request("GET", "/a/${name}"), PLAIN, Request("GET", "/b/${name}"))
    for each_anew, second in ((False, "ada"), (True, "bob")):
        fresh = FreshValues(Variables(values=VALUES))
        user = SequenceUser(URL, requests, {}, fresh, each_anew=each_anew)
        assert asked_by(user, b"", b"", b"") == ["GET /a/ada", "GET /plain", f"GET /b/{second}"]


def scenario(*requests: Request, values: Values | None = None) -> Scenario:
    return Scenario("x", "custom", "", "", requests, sequence=True, values=values)


def test_only_what_is_neither_taken_before_nor_a_column_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOST", "h")
    monkeypatch.setenv("name", "n")
    monkeypatch.setenv("token", "initial")
    assert dict(scenario(LOGIN, LOOK, values=VALUES).variables().environment) == {"HOST": "h"}
    assert dict(scenario(LOOK, LOGIN).variables().environment) == {"HOST": "h", "name": "n", "token": "initial"}
    assert "initial" not in repr(scenario(LOOK, LOGIN).variables())


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOST", raising=False)
    with pytest.raises(
        UsageError,
        match=r"\$\{HOST\}, which GET /.* needs, is not set, no column of users.csv and not taken .*; export HOST=…",
    ):
        scenario(LOGIN, LOOK, values=VALUES).variables()
    monkeypatch.setenv("HOST", "hidden\r\nX: 1")
    with pytest.raises(UsageError, match="can't be sent") as refused:
        scenario(LOGIN, LOOK, values=VALUES).variables()
    assert "hidden" not in str(refused.value)
