"""Requests that schemathesis derives from an OpenAPI document: which, how many, and the same ones each time."""

import re
from typing import Any

from loadtests.runner.openapi_cases import Case, cases_of, first_ones

READING = ("GET", "HEAD")
NUMBER = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "", "version": ""},
    "paths": {
        "/orders/{number}": {
            "get": {"parameters": [NUMBER], "responses": {}},
            "delete": {"parameters": [NUMBER], "responses": {}},
        },
        "/health": {"get": {"responses": {}}},
        "/search": {
            "get": {
                "parameters": [
                    {"name": "text", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "x-name", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {},
            }
        },
        "/photos": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "properties": {"photo": {"type": "string", "format": "binary"}},
                                "required": ["photo"],
                            }
                        }
                    },
                },
                "responses": {},
            }
        },
    },
}


def found(most: int = 20, seed: int = 1, methods: tuple[str, ...] = READING, **document: Any) -> list[Case]:
    """Return the cases of a document, of which no route is left out."""
    routes, left_out = cases_of({**DOCUMENT, **document}, methods, most, seed)
    assert left_out == []
    return first_ones(routes, most)


def test_only_what_was_chosen_is_asked_and_the_simplest_of_each_route_first() -> None:
    cases = found()
    assert {case["method"] for case in cases} == {"GET"}
    assert [case["route"] for case in cases[:3]] == ["GET /orders/{number}", "GET /health", "GET /search"]
    assert 10 < len(cases) <= 20
    assert len({str(case) for case in cases}) == len(cases)
    for case in cases:
        pattern = case["route"].partition(" ")[2].replace("{number}", r"-?\d+")
        assert re.fullmatch(pattern, case["path"].partition("?")[0])
        assert {name.lower() for name, _ in case["headers"]} <= {"x-name"}


def test_one_seed_thinks_of_the_same_requests_and_another_one_of_others() -> None:
    everything = (*READING, "DELETE", "POST")
    assert found(methods=everything) == found(methods=everything)
    assert found(seed=2) != found()


def test_a_form_has_a_boundary_that_is_the_same_each_time() -> None:
    [case, *_] = found(methods=("POST",))
    assert case["headers"] == [["Content-Type", "multipart/form-data; boundary=bench-explored"]]
    assert case["body"].startswith("--bench-explored\r\n")


def test_a_route_that_makes_no_sense_is_left_out_with_the_reason() -> None:
    odd = {"parameters": [{**NUMBER, "schema": {"$ref": "#/nowhere"}}], "responses": {}}
    document = {**DOCUMENT, "paths": {"/odd/{number}": {"get": odd}, "/health": {"get": {"responses": {}}}}}
    routes, left_out = cases_of(document, READING, 4, 1)
    assert [case["route"] for case in first_ones(routes, 4)] == ["GET /health"]
    [reason] = left_out
    assert "/odd/{number}" in reason or "nowhere" in reason
