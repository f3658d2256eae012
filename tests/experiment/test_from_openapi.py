"""A ``bench.toml`` from an OpenAPI document: what is a scenario, what is not and why, and that it can be read."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from loadtests.experiment.bench_toml import parse_bench_toml
from loadtests.experiment.bench_toml_options import FileOptions, file_options
from loadtests.experiment.bench_toml_scenarios import scenario_of
from loadtests.experiment.from_openapi import MOST_ACTIVE, bench_toml, routes, side_keys
from loadtests.experiment.schema_examples import example
from loadtests.experiment.toml_text import key_text, value_text

SHOP: dict[str, Any] = {
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "in_query": {"type": "apiKey", "in": "query", "name": "k"},
        },
        "schemas": {
            "Order": {
                "required": ["item", "password", "lines"],
                "properties": {
                    "item": {"$ref": "#/components/schemas/Item"},
                    "note": {"type": "string"},
                    "password": {"type": "string"},
                    "lines": {"type": "array", "minItems": 2, "items": {"type": "integer", "minimum": 3}},
                },
            },
            "Item": {"type": "string", "enum": ["tea", "salt"]},
            "Node": {
                "type": "object",
                "required": ["next"],
                "properties": {
                    "next": {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "null"}]},
                },
            },
        },
    },
    "paths": {
        "/items": {"get": {"description": "All of them.\nIn order.", "responses": {"200": {}}}},
        "/items/{id}": {
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "integer"}}],
            "get": {},
            "delete": {"responses": {"204": {}}},
        },
        "/kinds/{kind}": {
            "get": {
                "parameters": [
                    {"in": "path", "name": "kind", "required": True, "schema": {"$ref": "#/components/schemas/Item"}},
                    {"in": "query", "name": "q", "required": True, "example": "a b&c", "schema": {"type": "string"}},
                    {"in": "query", "name": "page", "schema": {"type": "integer"}},
                ]
            }
        },
        "/me": {"get": {"security": [{"bearer": []}]}},
        "/mine": {"get": {"parameters": [{"in": "header", "name": "authorization", "required": True, "schema": {}}]}},
        "/old": {"get": {"responses": {"307": {}, "422": {}}}},
        "/orders": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {"201": {}},
            }
        },
        "/login": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {"properties": {"user": {"type": "string"}, "password": {"type": "string"}}}
                        }
                    }
                }
            }
        },
        "/nodes": {
            "put": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}},
            }
        },
        "/files": {"post": {"requestBody": {"content": {"multipart/form-data": {"schema": {}}}}}},
    },
}


def read(text: str) -> FileOptions:
    return file_options(parse_bench_toml(text.encode()), Path("bench.toml"))


def uncommented(text: str) -> str:
    """Take away each # with no space behind it, as whoever follows the file's first lines would."""
    return re.sub(r"^#(?! )", "", text, flags=re.MULTILINE)


def test_what_surely_can_be_asked_is_a_scenario() -> None:
    text = bench_toml(SHOP, "main:app,dir=before", "after/main.py")
    found = read(text)
    assert [each.name for each in found.offered] == ["GET /items", "GET /kinds/tea?q=a+b%26c", "GET /old"]
    run = found.run_options({}).experiment()
    assert (run.a.spec, run.b.spec) == ("main:app,dir=before", "after/main.py")
    assert found.offered[2].requests[0].status == 307
    assert "# All of them.\n[[scenario]]\n" in text


def test_all_else_is_commented_out_with_the_reason_and_can_be_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = bench_toml(SHOP, "main:app", "main:app")
    assert {(route.keys["request"], route.reasons) for route in routes(SHOP) if route.reasons} == {
        ("GET /items/1", ("1 is a guess for id",)),
        ("DELETE /items/1", ("it writes", "1 is a guess for id")),
        ("GET /me", ("it wants a credential; see headers, above",)),
        ("GET /mine", ("it wants the header authorization",)),
        ("POST /orders", ("it writes",)),
        ("POST /login", ("it writes",)),
        ("PUT /nodes", ("it writes",)),
        (
            "POST /files",
            ("it writes", "its body has to be made, as multipart/form-data: its fields in form, its files in upload"),
        ),
    }
    for name in ("PASSWORD", "TOKEN", "API_KEY"):
        monkeypatch.setenv(name, "x")
    found = read(uncommented(text))
    assert len(found.run_options({}).experiment().scenarios) == 11
    by_name = {each.name: each.requests[0] for each in found.offered}
    assert by_name["POST /orders"].body == b'{"item": "tea", "password": "${PASSWORD}", "lines": [3, 3]}'
    assert by_name["POST /orders"].status == 201
    assert by_name["POST /login"].body == b"user=text&password=${PASSWORD}"
    assert by_name["PUT /nodes"].body == b'{"next": null}'
    assert dict(by_name["GET /me"].headers) == {"Authorization": "Bearer ${TOKEN}", "X-Key": "${API_KEY}"}
    assert "write ?k=${API_KEY} there" in text


def test_of_many_routes_a_few_are_scenarios() -> None:
    many: dict[str, Any] = {"paths": {f"/{number}": {"get": {}} for number in range(MOST_ACTIVE + 2)}}
    found = routes(many)
    assert [bool(route.reasons) for route in found] == [False] * MOST_ACTIVE + [True] * 2
    assert found[-1].reasons == ("a run of a few minutes has no time for more",)


def test_two_routes_that_come_to_the_same_request_are_asked_once() -> None:
    given = [{"in": "path", "name": "x", "required": True, "example": "a", "schema": {}}]
    found = routes({"paths": {"/a": {"get": {}}, "/{x}": {"get": {"parameters": given}}}})
    assert [route.reasons for route in found] == [(), ("it is asked above already",)]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"paths": {"/a": {"get": {"description": 'a\tb\x00 "c"', "responses": {"default": {}}}}}},
        {"paths": {"/a/{x}": {"get": {"parameters": [{"$ref": "#/nowhere"}]}}}},
        {"paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": True}}}}}}},
        {
            "paths": {
                "/a": {"post": {"requestBody": {"content": {"application/json": {"example": {"a": "${X} \x7f"}}}}}}
            }
        },
    ],
)
def test_whatever_a_document_holds_the_file_can_be_read(document: dict[str, Any]) -> None:
    text = bench_toml(document, "sync", "async")
    read(text)
    read(uncommented(text))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "example": 7, "default": 8}, (7, True)),
        ({"type": "integer", "examples": [7], "enum": [9]}, (7, True)),
        ({"type": "integer", "default": 8, "enum": [9]}, (8, True)),
        ({"enum": ["x", "y"]}, ("x", True)),
        ({"const": "x"}, ("x", True)),
        ({"type": "integer"}, (1, False)),
        ({"type": "integer", "exclusiveMinimum": 5}, (6, False)),
        ({"type": "integer", "minimum": 5, "exclusiveMinimum": True}, (6, False)),
        ({"type": "integer", "maximum": -1}, (-1, False)),
        ({"type": "integer", "exclusiveMaximum": 0}, (-1, False)),
        ({"type": "number"}, (1.0, False)),
        ({"type": "boolean"}, (True, False)),
        ({"type": ["null", "string"]}, ("text", False)),
        ({"type": "string", "minLength": 6}, ("textxx", False)),
        ({"type": "string", "maxLength": 2}, ("te", False)),
        ({"type": "string", "format": "date"}, ("2026-01-01", False)),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, (1, False)),
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "null"}}}, ({"a": 1}, False)),
        (
            {
                "allOf": [
                    {"$ref": "#/defs/a"},
                    {"required": ["y"], "properties": {"y": {"type": "integer"}, "z": {"type": "integer"}}},
                ]
            },
            ({"x": "text", "y": 1}, False),
        ),
        ({"$ref": "#/defs/none"}, ("text", False)),
        ({}, ("text", False)),
    ],
)
def test_an_example_is_what_the_schema_says_else_a_guess(schema: dict[str, Any], expected: tuple[object, bool]) -> None:
    document = {"defs": {"a": {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}}}
    found = example(schema, document)
    assert (found.value, found.is_given) == expected


@pytest.mark.parametrize("name", ["password", "client-secret", "access_token"])
def test_a_secret_is_a_place_for_one(name: str) -> None:
    assert example({"type": "string", "default": "x"}, {}, name).value == f"${{{name.upper().replace('-', '_')}}}"


@pytest.mark.parametrize(
    "value",
    ['a "b"\\\n\t\x00\x7fé', "", 1, -2.5, 1e300, True, [1, [2]], {"a b": {"c": []}, "": "x", "plain-1": False}, {}],
)
def test_a_value_is_written_as_toml_reads_it(value: object) -> None:
    assert tomllib.loads(f"{key_text('a.b')} = {value_text(value)}") == {"a.b": value}


def test_toml_has_no_null() -> None:
    with pytest.raises(ValueError, match="NoneType"):
        value_text({"a": [None]})


@pytest.mark.parametrize(
    ("side", "keys"),
    [
        ("sync,session_limit=none", {"app": "sync", "settings": {"session_limit": "none"}}),
        (
            "main:app,dir=x,workers=2,start_limit=3,env.A='b,c'",
            {"app": "main:app", "dir": "x", "workers": 2, "start_limit": 3.0, "env": {"A": "b,c"}},
        ),
        ("http://127.0.0.1:8000,pid=4", {"url": "http://127.0.0.1:8000", "pid": 4}),
        ("http://127.0.0.1:8000,agent=9000", {"url": "http://127.0.0.1:8000", "agent": "9000"}),
        ("command='x {port}'", {"command": "x {port}"}),
    ],
)
def test_a_side_has_its_keys(side: str, keys: dict[str, object]) -> None:
    assert side_keys(side) == keys
    lines = "".join(f"{key} = {value_text(value)}\n" for key, value in keys.items())
    assert read(f"[a]\n{lines}").run["a"] == side


def test_the_table_of_a_scenario_needs_no_file() -> None:
    [table] = parse_bench_toml(b'[[scenario]]\nrequest = "/a"').scenario
    assert scenario_of(table).name == "GET /a"
