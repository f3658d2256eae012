import json
from typing import Any

import pytest

from loadtests.check.asks import Answers, Ask, Plan, pattern_of, plan, route_of, wanted
from loadtests.check.raw import RawRoute, RawSite
from loadtests.experiment.request import Request
from loadtests.experiment.request_options import custom_scenario
from loadtests.experiment.scenario import Scenario

ROUTES = [
    RawRoute(index=0, method="GET", path="/orders"),
    RawRoute(index=1, method="GET", path="/orders/{order_id}"),
    RawRoute(index=2, method="POST", path="/orders"),
    RawRoute(index=3, method="DELETE", path="/orders/{order_id:int}"),
    RawRoute(index=4, method="WEBSOCKET", path="/chat", kind="websocket"),
]
BODY = {"content": {"application/json": {"schema": {"type": "object", "properties": {"item": {"type": "string"}}}}}}
ID = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}
DOCUMENT = {
    "paths": {
        "/orders": {"get": {}, "post": {"requestBody": BODY}},
        "/orders/{order_id}": {"get": {"parameters": [ID]}, "delete": {"parameters": [ID]}},
    }
}


def asked(plan: Plan) -> list[str]:
    return [", ".join(map(str, ask.scenario.requests)) for ask in plan.asks]


def scenario(*requests: Request, sequence: bool = False) -> Scenario:
    return custom_scenario(requests, sequence=sequence)


def test_what_reads_is_asked_and_what_writes_is_not_unless_that_is_allowed() -> None:
    reading = plan(ROUTES, [], DOCUMENT)
    assert asked(reading) == ["GET /orders", "GET /orders/1"]
    assert {index for index, note in reading.notes.items() if "--writes" in note} == {2, 3}
    assert "websocket" in reading.notes[4]
    everything = plan(ROUTES, [], DOCUMENT, writes=True)
    assert asked(everything) == ["GET /orders", "GET /orders/1", "POST /orders", "DELETE /orders/1"]
    assert json.loads(everything.asks[2].scenario.requests[0].body) == {"item": "text"}


def test_a_get_that_is_called_delete_is_asked_like_one_that_writes() -> None:
    routes = [
        RawRoute(index=0, path="/delete/{ad_id}", name="main.erase"),
        RawRoute(index=1, path="/ads/{ad_id}/gone", name="main.remove_ad"),
        RawRoute(index=2, path="/deleted/{delete}", name="main.removed_ads"),
    ]
    reading = plan(routes, [], {})
    assert asked(reading) == ["GET /deleted/1"]
    assert ["'delete'" in reading.notes[0], "'remove'" in reading.notes[1]] == [True, True]
    assert len(plan(routes, [], {}, writes=True).asks) == 3
    own = scenario(Request("GET", "/delete/7"))
    assert asked(plan(routes[:1], [own], {})) == ["GET /delete/7"]


def test_requests_of_bench_toml_come_before_what_the_document_says() -> None:
    own = scenario(Request("GET", "/orders/7"), Request("GET", "/orders/8"))
    assert asked(plan(ROUTES, [own], DOCUMENT)) == ["GET /orders/7, GET /orders/8", "GET /orders"]


def test_a_sequence_is_asked_whole_and_a_log_in_is_no_writing() -> None:
    log_in = Request("POST", "/orders", once=True, takes=(("token", "$.token"),))
    own = scenario(log_in, Request("GET", "/orders", headers=(("x", "${token}"),)), sequence=True)
    found = plan(ROUTES, [own], DOCUMENT)
    assert found.asks[0].routes == (2, 0)
    assert not found.asks[0].writes


def test_a_sequence_that_writes_again_and_again_needs_leave() -> None:
    own = scenario(Request("GET", "/orders"), Request("POST", "/orders"), sequence=True)
    assert asked(plan(ROUTES, [own], DOCUMENT)) == ["GET /orders", "GET /orders/1"]
    found = plan(ROUTES, [own], DOCUMENT, writes=True)
    assert asked(found) == ["GET /orders/1", "GET /orders, POST /orders", "DELETE /orders/1"]


def test_every_request_gets_the_headers_but_for_its_own() -> None:
    own = scenario(Request("GET", "/orders", headers=(("X-Key", "own"),)))
    found = plan(ROUTES, [own], DOCUMENT, [("x-key", "given")])
    headers = {str(ask.scenario.requests[0]): ask.scenario.requests[0].headers for ask in found.asks}
    assert headers == {"GET /orders": (("X-Key", "own"),), "GET /orders/1": (("x-key", "given"),)}


def test_without_a_document_routes_get_a_bare_request() -> None:
    assert asked(plan(ROUTES[:2], [], {})) == ["GET /orders", "GET /orders/1"]


def test_a_body_that_has_to_be_made_is_a_note() -> None:
    document: dict[str, Any] = {"paths": {"/orders": {"post": {"requestBody": {"content": {"image/png": {}}}}}}}
    found = plan([ROUTES[2]], [], document, writes=True)
    assert "image/png" in found.notes[2]


def test_a_body_with_a_credential_is_a_note_that_does_not_repeat_it() -> None:
    body = {"schema": {"example": {"password": "sesame-0815"}}}
    document = {"paths": {"/orders": {"post": {"requestBody": {"content": {"application/json": body}}}}}}
    note = plan([ROUTES[2]], [], document, writes=True).notes[2]
    assert "it contains a credential" in note
    assert "sesame" not in note


def test_a_variable_that_is_not_set_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X_API_KEY", raising=False)
    key = {"name": "x-api-key", "in": "header", "required": True, "schema": {"type": "string"}}
    found = plan([ROUTES[0]], [], {"paths": {"/orders": {"get": {"parameters": [key]}}}})
    assert "X_API_KEY" in found.notes[0]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ([{"id": 7}], "7"),
        ([{"order_id": "a/b", "id": 7}], "a/b"),
        ({"items": [{"uuid": "u-1"}]}, None),
        ({"items": [{"id": "u-1"}]}, "u-1"),
        (["first", "second"], "first"),
        ([], None),
        ({"count": 3}, None),
        ([[1]], None),
    ],
)
def test_ids_are_looked_up_in_what_a_list_answers(answer: object, value: str | None) -> None:
    answers = Answers()
    answers.add("/orders?limit=3", json.dumps(answer).encode())
    assert answers.value_of("/orders/{order_id}", "order_id") == value
    assert answers.value_of("/others/{order_id}", "order_id") is None


def test_an_id_that_was_found_takes_the_place_of_a_guess() -> None:
    answers = Answers()
    answers.add("/orders/", b'[{"id": "a b"}]')
    ask = plan(ROUTES[:2], [], DOCUMENT).asks[1]
    assert ask.guessed == {"order_id"}
    found = ask.with_ids(answers)
    assert found.scenario.requests[0].path == "/orders/a%20b"
    assert not found.guessed
    given = Ask((1,), scenario(Request("GET", "/orders/5")), "/orders/{order_id}", {"order_id": "5"})
    assert given.with_ids(answers) == given


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/items/new?x=1", "/items/new"),
        ("/items/old", "/items/{name}"),
        ("/items/a/b", None),
        ("/orders/5", "/orders/{order_id}"),
    ],
)
def test_a_request_belongs_to_the_first_route_that_fits(path: str, expected: str | None) -> None:
    routes = [RawRoute(index=8, path="/items/new"), RawRoute(index=9, path="/items/{name}"), *ROUTES]
    found = route_of(routes, "GET", path)
    assert (found.path if found else None) == expected
    assert route_of(routes, "HEAD", path) == found


def test_a_path_may_have_parameters_of_a_kind() -> None:
    assert pattern_of("/files/{path:path}").fullmatch("/files/a/b.css")
    assert not pattern_of("/n/{n:int}").fullmatch("/n/x")
    assert pattern_of("/a.b/{n}").fullmatch("/a.b/x")
    assert not pattern_of("/a.b/{n}").fullmatch("/acb/x")


def test_pages_of_the_framework_are_not_in_the_table() -> None:
    theirs = RawRoute(index=9, path="/docs", site=RawSite(file="/usr/lib/fastapi/applications.py", line=1))
    own = RawRoute(index=8, path="/docs", site=RawSite(file="main.py", line=1))
    head = RawRoute(index=7, method="HEAD", path="/orders")
    assert wanted([*ROUTES, theirs, head]) == ROUTES
    assert wanted([own]) == [own]
