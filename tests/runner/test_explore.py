"""Both sides are asked the same, and what is found is told: differences, failures of both, and what was left out."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from loadtests.analysis.same_answers import AnswerComparison
from loadtests.experiment.exploration import Exploration
from loadtests.experiment.request_options import TypedOption
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.scenario_text import parse_scenarios
from loadtests.runner import explore as module
from loadtests.runner.explore import explore
from loadtests.runner.same_answers import Explored
from loadtests.servers.server import Server
from loadtests.system.connections import SYSTEMS
from loadtests.system.errors import RunError, UsageError

Answer = tuple[int, str]
Respond = Callable[[str], Answer]
DOCUMENT = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {"/x": {"get": {"responses": {}}}}}
NUMBERS = {**DOCUMENT, "paths": {"/orders/{number}": {"get": {}}}}


@contextmanager
def side(spec: str, respond: Respond, asked: list[str]) -> Iterator[Server]:
    """Serve a side; what it is asked is appended to a list, the path with the header authorization behind it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('authorization', '')}".strip())
            status, body = respond(self.path)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = SimpleNamespace(
            url=f"http://127.0.0.1:{server.server_address[1]}",
            trust=SYSTEMS,
            side=SimpleNamespace(spec=spec, url=None, app=None),
            exit_status=lambda: None,
            last_exception=lambda: "KeyError: 3",
            without_secrets=lambda text: text.replace("hidden", "<SECRET>"),
        )
        yield cast("Server", made)
        server.shutdown()


def case(route: str, path: str, **more: Any) -> dict[str, Any]:
    return {"route": f"GET {route}", "method": "GET", "path": path, "headers": [], "body": "", **more}


def serving(respond: Respond, document: object = DOCUMENT) -> Respond:
    return lambda path: (200, json.dumps(document)) if path == "/openapi.json" else respond(path)


def explored(
    monkeypatch: pytest.MonkeyPatch,
    a: Respond,
    b: Respond,
    cases: Sequence[dict[str, Any]],
    *,
    scenarios: Sequence[Scenario] = (),
    exploration: Exploration | None = None,
    ignored: Sequence[str] = (),
) -> tuple[Explored, list[str], list[str]]:
    """Return what is found if these requests are thought of, and what each side was asked but for its document."""
    monkeypatch.setattr(module, "think", lambda *_: (list(cases), []))
    asked: tuple[list[str], list[str]] = [], []
    with ExitStack() as stack:
        servers = [
            stack.enter_context(side(*each))
            for each in zip(("old:app", "new:app"), map(serving, (a, b)), asked, strict=True)
        ]
        found = explore(
            exploration or Exploration(), servers, AnswerComparison(ignored), scenarios=scenarios, work=Path("unused")
        )
    asked_a, asked_b = ([path for path in each if "openapi" not in path] for each in asked)
    return found, asked_a, asked_b


def test_both_sides_get_the_same_and_are_asked_again_only_where_they_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [case("/x", "/x?q=1"), case("/y", "/y/%2F")]
    found, a, b = explored(monkeypatch, lambda _: (200, "1"), lambda path: (200, "1" if path[1] == "x" else "2"), cases)
    assert a == b == ["/x?q=1", "/y/%2F", "/y/%2F"]
    [difference] = found.differences
    assert (difference.request, difference.what, difference.a, difference.b) == ("GET /y/%2F", "$", "1", "2")
    assert difference.curl == "curl http://127.0.0.1:8000/y/%2F"
    assert difference.stops
    assert found.said == ["explored 2 requests of 2 routes, of those that only read (--explore-writes asks all)"]


def test_of_many_that_differ_alike_the_shortest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def new(path: str) -> Answer:
        return (200, "[]") if path == "/orders/1" else (404, '{"detail": "hidden"}')

    cases = [case("/orders/{number}", f"/orders/{number}") for number in (1, 222, 33, 4444)]
    found, *_ = explored(monkeypatch, lambda _: (200, "[]"), new, cases)
    [difference] = found.differences
    assert difference.request == "GET /orders/33 (and 2 more like it)"
    assert (difference.a, difference.b) == ("200 OK", '404 Not Found: {"detail": "<SECRET>"}')


def test_what_changes_from_time_to_time_and_what_may_differ_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(100))
    cases = [case("/x", "/x")]
    changing = explored(
        monkeypatch, lambda _: (200, f'{{"n": {next(numbers)}}}'), lambda _: (200, f'{{"n": {next(numbers)}}}'), cases
    )
    declared = explored(monkeypatch, lambda _: (200, '{"n": 1}'), lambda _: (200, '{"n": 2}'), cases, ignored=["$.n"])
    assert changing[0].differences == declared[0].differences == []


def test_what_fails_on_both_sides_is_a_note_and_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [case("/x", "/x?q=10"), case("/x", "/x?q=2")]
    found, *_ = explored(monkeypatch, lambda _: (500, "oh"), lambda _: (500, "oh"), cases)
    assert found.differences == []
    assert found.said[1:] == [
        "both sides fail: GET /x answers 500, 2 times (KeyError: 3): curl 'http://127.0.0.1:8000/x?q=2'"
    ]


def test_a_side_that_gives_no_answer_differs_from_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    found, *_ = explored(monkeypatch, lambda _: (200, "1"), lambda _: (0, ""), [case("/x", "/x")])
    [difference] = found.differences
    assert difference.a == "200 OK"
    assert difference.b.startswith("no answer: ")


def test_a_route_that_takes_too_long_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)

    def slow(path: str) -> Answer:
        if path.startswith("/slow"):
            time.sleep(0.5)
        return 200, "1"

    cases = [case("/slow", "/slow/1"), case("/slow", "/slow/2"), case("/x", "/x")]
    found, a, b = explored(monkeypatch, lambda _: (200, "1"), slow, cases)
    assert (a, b) == (["/slow/1", "/x"], ["/slow/1", "/x"])
    assert found.differences == []
    assert found.said[1:] == ["not explored further: GET /slow took more than 0.05 s"]


def test_when_time_is_up_it_is_said_how_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_: str) -> Answer:
        time.sleep(0.2)
        return 200, "1"

    cases = [case("/x", f"/x?q={number}") for number in range(50)]
    found, *_ = explored(monkeypatch, slow, slow, cases, exploration=Exploration(seconds=0.5, writes=True))
    assert "more did not fit into 0.5 s (--explore-time)" in found.said[0]


def test_headers_that_all_requests_have_go_along_and_what_looks_like_a_place_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN", "hidden")
    typed = [TypedOption(0, "--header", "Authorization: Bearer ${TOKEN}"), TypedOption(1, "--header", "X-One: 1")]
    scenarios = parse_scenarios(["GET /x", "GET /y"], typed, sequence=True)
    own = [["authorization", "made up"], ["x-bad", "a\nb"], ["x-name", "${HOME}"]]
    cases = [case("/x", "/x?q=${HOME}", headers=own)]
    found, a, _ = explored(monkeypatch, lambda _: (200, "1"), lambda _: (200, "2"), cases, scenarios=scenarios)
    assert a[0] == "/x?q=${HOME} Bearer hidden"
    [difference] = found.differences
    assert "Bearer ${TOKEN}" in difference.curl
    assert "hidden" not in difference.curl
    assert "x-bad" not in difference.curl


def test_a_side_without_a_document_is_explored_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    documents: list[Any] = []

    def think(_: Exploration, given: Sequence[Any], *_more: object) -> tuple[list[Any], list[str]]:
        documents.extend(given)
        return [], ["GET /odd: no sense"]

    monkeypatch.setattr(module, "think", think)
    with side("a", serving(lambda _: (404, "")), []) as a, side("b", lambda _: (404, ""), []) as b:
        found = explore(Exploration(), [a, b], AnswerComparison(), scenarios=(), work=Path("unused"))
        assert documents == [DOCUMENT]
        assert found.said[-1] == "not explored: GET /odd: no sense"
        with pytest.raises(
            UsageError, match=r"no side has an OpenAPI document at /docs\.json \(b answers 404; b answers"
        ):
            explore(Exploration(document="/docs.json"), [b, b], AnswerComparison(), scenarios=(), work=Path("unused"))


@pytest.mark.parametrize(
    ("at", "paths", "expected"),
    [
        ("/openapi.json", ("/v1/x", "/v1/y/{z}", "/v2/x", "/v10/x"), {"/x", "/y/{z}"}),
        ("/v1/openapi.json", ("/v1/x", "/v2/x"), {"/x"}),
        ("/v1/openapi.json", ("/x", "/y"), {"/x", "/y"}),
    ],
    ids=["of the whole app", "of the whole app, below the base path", "of a mounted app"],
)
def test_the_paths_of_a_document_are_counted_from_a_side_s_base_path(
    monkeypatch: pytest.MonkeyPatch, at: str, paths: tuple[str, ...], expected: set[str]
) -> None:
    given: list[dict[str, Any]] = []

    def think(_: Exploration, documents: Sequence[dict[str, Any]], *_more: object) -> tuple[list[Any], list[str]]:
        given.extend(documents)
        return [case("/x", "/x")], []

    def respond(path: str) -> Answer:
        if path == at:
            return 200, json.dumps({**DOCUMENT, "paths": {each: {"get": {}} for each in paths}})
        return (500, "") if path == "/v1/x" else (404, "")

    monkeypatch.setattr(module, "think", think)
    asked: list[str] = []
    with side("a", respond, asked) as a:
        a.url += "/v1"
        found = explore(Exploration(), [a, a], AnswerComparison(), scenarios=(), work=Path("unused"))
    assert [set(document["paths"]) for document in given] == [expected]
    assert "/v1/x" in asked
    assert found.said[1].endswith(": curl http://127.0.0.1:8000/v1/x")


def test_a_document_without_a_path_below_the_base_path_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "think", lambda *_: ([], []))
    with side("a", serving(lambda _: (404, "")), []) as a:
        a.url += "/v1"
        with pytest.raises(UsageError, match="a has a document without a path below /v1"):
            explore(Exploration(), [a, a], AnswerComparison(), scenarios=(), work=Path("unused"))


def test_the_thinking_is_done_in_a_process_that_ends_in_time(tmp_path: Path) -> None:
    with side("a", serving(lambda _: (200, "1"), NUMBERS), []) as a:
        found = explore(Exploration(cases=3), [a, a], AnswerComparison(), scenarios=(), work=tmp_path / "work")
        assert found.differences == []
        assert found.said[0].startswith("explored 3 requests of 1 route,")
        with pytest.raises(RunError, match=r"took more than 0\.01 s; give it more --explore-time"):
            explore(Exploration(seconds=0.01), [a, a], AnswerComparison(), scenarios=(), work=tmp_path / "work")
