"""Options that say more of a request: which request they belong to, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.options import RunOptions, check_driver
from loadtests.experiment.request import JSON, Request
from loadtests.experiment.request_options import TypedOption
from loadtests.experiment.scenario_text import parse_scenario, parse_scenarios
from loadtests.experiment.sides import LABELS
from loadtests.records.scenario_record import record_of, scenario_of
from loadtests.system.errors import UsageError

FORM = ("content-type", "application/x-www-form-urlencoded")
BYTES = ("content-type", "application/octet-stream")


def request(name: str, *options: tuple[str, str]) -> Request:
    """Return the one request of a scenario with options behind it."""
    [scenario] = parse_scenarios([name], [TypedOption(1, *option) for option in options])
    [found] = scenario.requests
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([("--json", '{"a": 1}')], {"headers": (JSON,), "body": b'{"a": 1}'}),
        ([("--json", '{"n": ${HOME}}')], {"headers": (JSON,), "body": b'{"n": ${HOME}}'}),
        ([("--form", "a=1&b=é")], {"headers": (FORM,), "body": "a=1&b=é".encode()}),
        ([("--data", "a b")], {"headers": (BYTES,), "body": b"a b"}),
        (
            [("--data", "x"), ("--header", "Content-Type: text/x")],
            {"headers": (("Content-Type", "text/x"),), "body": b"x"},
        ),
        ([("--header", "content-type: a/b"), ("--json", "1")], {"headers": (("content-type", "a/b"),), "body": b"1"}),
        ([("--header", "X: 1"), ("--header", "X: 2")], {"headers": (("X", "1"), ("X", "2"))}),
        ([("--expect", "404")], {"status": 404}),
        ([("--contains", "é")], {"contains": "é".encode()}),
    ],
)
def test_an_option_is_part_of_the_request(options: list[tuple[str, str]], expected: dict[str, object]) -> None:
    made = request("POST /x", *options)
    assert {name: getattr(made, name) for name in expected} == expected


def test_a_body_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"\xff\x00\n")
    made = request("PUT /x", ("--data", f"@{file}"))
    assert (made.body, made.body_file) == (b"\xff\x00\n", str(file))
    with pytest.raises(UsageError, match=r"--data no-file: it can't be read"):
        request("PUT /x", ("--data", "@no-file"))


def test_options_hold_for_every_request_that_is_a_scenario_of_its_own() -> None:
    typed = [TypedOption(2, "--header", "X: 1"), TypedOption(2, "--expect", "200")]
    one, other = parse_scenarios(["/one", "GET /other /third"], typed)
    assert (one.name, other.name) == ("GET /one", "GET /other /third")
    assert {r.headers for r in (*one.requests, *other.requests)} == {(("X", "1"),)}
    assert {r.status for r in (*one.requests, *other.requests)} == {200}


SEQUENCE = [
    TypedOption(0, "--header", "Accept: a/b"),
    TypedOption(0, "--header", "X: all"),
    TypedOption(1, "--form", "user=ada"),
    TypedOption(1, "--take", "token=$.token"),
    TypedOption(1, "--once"),
    TypedOption(2, "--header", "Authorization: Bearer ${token}"),
    TypedOption(2, "--header", "x: mine"),
    TypedOption(2, "--expect", "200"),
]


def test_in_a_sequence_an_option_belongs_to_the_request_that_it_stands_behind() -> None:
    [scenario] = parse_scenarios(["POST /login", "GET /me"], SEQUENCE, sequence=True)
    assert scenario.name == "POST /login, GET /me"
    assert scenario.title == "POST /login, then GET /me, by each user"
    assert scenario.sequence
    assert scenario.writes
    login, me = scenario.requests
    assert login.headers == (FORM, ("Accept", "a/b"), ("X", "all"))
    assert (login.takes, login.once, login.status) == ((("token", "$.token"),), True, None)
    assert me.headers == (("Accept", "a/b"), ("Authorization", "Bearer ${token}"), ("x", "mine"))
    assert (me.takes, me.once, me.status, me.body) == ((), False, 200, b"")


def test_side_b_can_be_asked_another_request_and_all_else_holds_for_both() -> None:
    typed = [TypedOption(1, "--b-request", "/users/async"), TypedOption(2, "--json", "{}")]
    typed += [TypedOption(2, "--b-request", "PUT /b"), TypedOption(2, "--expect", "201")]
    [read, write] = parse_scenarios(["GET /users/sync", "POST /a"], [each for each in typed if each.name != "--json"])
    assert (read.name, read.title) == ("GET /users/sync against GET /users/async",) * 2
    assert record_of(read).heading == read.name
    assert [str(each) for label in ("a", "b") for each in read.requests_of(label)] == [
        "GET /users/sync",
        "GET /users/async",
    ]
    assert [(str(r), r.status) for label in ("a", "b") for r in write.requests_of(label)] == [
        ("POST /a", 201),
        ("PUT /b", 201),
    ]
    [sequence] = parse_scenarios(["POST /a", "POST /b"], typed[1:], sequence=True)
    assert sequence.name == "POST /a, POST /b against PUT /b"
    assert [str(each) for each in sequence.requests_of("b")] == ["POST /a", "PUT /b"]
    assert sequence.requests_of("b")[1].body == b"{}"


def test_a_request_that_writes_on_one_side_writes_and_its_places_are_filled_on_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAY", "async")
    [made] = parse_scenarios(["GET /users"], [TypedOption(1, "--b-request", "POST /users/${WAY}")])
    assert made.writes
    assert made.variables().environment == {"WAY": "async"}


def test_what_is_new_each_time_fills_the_request_of_either_side(values: str) -> None:
    typed = [TypedOption(1, "--b-request", "/b/${id}?n=${counter}"), TypedOption(1, "--json", '{"id": "${uuid}"}')]
    [made] = parse_scenarios(["POST /a"], typed, values=values)
    variables = made.variables()
    assert variables.built_in == {"counter", "uuid"}
    assert [request.names for label in LABELS for request in made.requests_of(label)] == [
        ("uuid",),
        ("id", "counter", "uuid"),
    ]
    assert scenario_of(record_of(made)) == made


def test_what_side_b_is_asked_belongs_to_one_request() -> None:
    with pytest.raises(UsageError, match="--b-request applies to one request: write it after that request"):
        parse_scenarios(["GET /x"], [TypedOption(0, "--b-request", "/y")])


def test_a_curl_command_takes_options_like_any_request() -> None:
    command = "curl h/orders -H 'Accept: a/b' -d item=tea"
    made = request(command, ("--header", "accept: c/d"), ("--expect", "201"))
    assert made == Request("POST", "/orders", (FORM, ("accept", "c/d")), b"item=tea", 201)
    assert parse_scenario(command).name == "POST /orders"


@pytest.mark.parametrize(
    ("text", "writes"), [("GET /x", False), ("OPTIONS /x", False), ("POST /x", True), ("DELETE /x", True)]
)
def test_what_may_change_something_is_taken_to_write(text: str, writes: bool) -> None:
    assert parse_scenario(text).writes is writes
    if not writes:
        [scenario] = parse_scenarios([text], [TypedOption(1, "--data", "x")])
        assert not scenario.writes


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    rows = [{"id": "1", "text": "a"}, {"id": "2", "text": "b\nc"}]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return "rows.jsonl"


def test_rows_fill_the_requests_places(values: str) -> None:
    [scenario] = parse_scenarios(["GET /x/${id}"], values=values)
    assert scenario.values is not None
    assert scenario.values.columns == ("id", "text")
    assert scenario.variables().environment == {}
    assert hash(scenario) == hash(scenario)


@pytest.mark.parametrize(
    ("names", "typed", "more", "mend"),
    [
        (["get_post"], [("--header", "X: 1")], {}, "'get_post' is fixed in the catalogue"),
        ([], [("--header", "X: 1")], {}, 'name one, as in "POST /orders"'),
        (["GET /x"], [("--header", "X")], {}, "write it as Name: value"),
        (["GET /x"], [("--take", "a=$.b")], {}, "--take is for a user who sends requests one after another"),
        (["GET /x"], [("--once", "")], {}, "add --sequence"),
        (["POST /x", "GET /y"], [("--json", "{}")], {}, "--json would also apply to GET /y"),
        (["POST /x"], [("--json", "{a: 1}")], {}, "--json: this is not JSON"),
        (["POST /x"], [("--json", "{}"), ("--data", "")], {}, "POST /x has a body already"),
        (["POST /x"], [("--data", "\udcff")], {}, "not UTF-8 text"),
        (["GET /x"], [("--expect", "2xx")], {}, "as in --expect 201"),
        (["GET /x"], [("--expect", "100")], {}, "as in --expect 201"),
        (["HEAD /x"], [("--contains", "x")], {}, "the answer to HEAD /x has no body"),
        (
            ["GET /x"],
            [("--contains", "x"), ("--header", "Accept-Encoding: gzip, br;q=0.5")],
            {},
            "can't decode an answer that is encoded with br",
        ),
        (
            ["GET /x"],
            [("--header", "Authorization: Bearer x")],
            {},
            "'Authorization: Bearer ${TOKEN}' in single quotes",
        ),
        (["GET /x?token=x"], [], {}, "export TOKEN=…"),
        (
            ["GET /x/${NO_SUCH_VARIABLE}"],
            [],
            {},
            "${NO_SUCH_VARIABLE}, which GET /x/${NO_SUCH_VARIABLE} needs, is not set; export",
        ),
        (["GET /x"], [("--once", "")], {"sequence": True}, "at least one request of a sequence"),
        (["GET /x"], [("--b-request", "GET /a /b")], {}, 'write one request, as in --b-request "GET /users/async"'),
        (["GET /x"], [("--b-request", "get_post")], {}, "write one request"),
        (["GET /x"], [("--b-request", "/x")], {}, "side a gets the same request"),
        (
            ["GET /x"],
            [("--b-request", "/y"), ("--b-request", "/z")],
            {},
            "one request that side b gets instead of GET /x",
        ),
        (["GET /x /y"], [("--b-request", "/z")], {}, "measure GET /x in a run of its own"),
        (["GET /x"], [("--b-request", "/y?token=x")], {}, "export TOKEN=…"),
        (["GET /x"], [("--b-request", "HEAD /y"), ("--contains", "x")], {}, "the answer to HEAD /y has no body"),
        (["GET /x"], [], {"values": "rows.jsonl"}, "no request uses its columns: ${id}, ${text}"),
        (["GET /x"], [("--header", "X: ${text}")], {"values": "rows.jsonl"}, "text has a line break"),
    ],
)
def test_what_can_not_be_asked_is_one_line_with_its_mend(
    names: list[str],
    typed: list[tuple[str, str]],
    more: dict[str, str],
    mend: str,
    values: str,
) -> None:
    options = [TypedOption(1, *option) for option in typed]
    with pytest.raises(UsageError, match=re.escape(mend)) as refused:
        parse_scenarios(names, options, **more)  # type: ignore[arg-type]  # one name each
    assert "\n" not in str(refused.value)


def test_what_stands_before_all_requests_is_taken_from_none() -> None:
    with pytest.raises(UsageError, match="--take applies to one request: write it after that request"):
        parse_scenarios(["GET /x"], [TypedOption(0, "--take", "a=$.b")], sequence=True)


def test_a_sequence_needs_users_and_the_drivers_own_client(values: str) -> None:
    [sequence] = parse_scenarios(["GET /x", "GET /y"], sequence=True)
    [filled] = parse_scenarios(["GET /${id}"], values=values)
    [twice] = parse_scenarios(["GET /x"], [TypedOption(1, "--header", "X: 1"), TypedOption(1, "--header", "x: 2")])
    check_driver("httpx", 0, [sequence, filled, twice], [ClosedLoop(1)])
    check_driver("httpx", 0, [filled, twice], [OpenLoop(1.0)])
    with pytest.raises(UsageError, match="--sequence needs users"):
        check_driver("httpx", 0, [sequence], [OpenLoop(1.0)])
    check_driver("locust", 0, [filled], [ClosedLoop(1)])
    for scenario, what in ((sequence, "--sequence is for the httpx"), (twice, "has x twice")):
        with pytest.raises(UsageError, match=what):
            check_driver("locust", 0, [scenario], [ClosedLoop(1)])


def test_a_run_takes_requests_and_their_options() -> None:
    typed = (TypedOption(1, "--json", "{}"), TypedOption(1, "--expect", "201"))
    experiment = RunOptions(scenarios=("POST /orders",), typed=typed, a="x:app", b="y:app").experiment()
    [scenario] = experiment.scenarios
    assert (scenario.name, scenario.requests[0].status) == ("POST /orders", 201)
    with pytest.raises(UsageError, match='name one, as in "POST /orders"'):
        RunOptions(typed=typed).experiment()


def test_two_scenarios_of_one_name_are_not_taken_for_one() -> None:
    asked = "curl h/orders -d item=tea"
    assert len(RunOptions(scenarios=(asked, asked), a="x:app", b="y:app").experiment().scenarios) == 1
    with pytest.raises(UsageError, match="'POST /orders' is given twice"):
        RunOptions(scenarios=(asked, "curl h/orders -d item=salt"), a="x:app", b="y:app").experiment()
