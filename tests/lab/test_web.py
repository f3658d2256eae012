"""The web server of the lab: who gets in, what may be changed by whom, and what viewers are sent."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from loadtests.lab import gate
from loadtests.lab.state import Hello, Snapshot, State
from loadtests.lab.web import PAGE, create_app
from tests.lab.made_up_engine import MadeUpEngine
from tests.lab.serving import served

TOKEN = "printed-in-the-terminal"  # noqa: S105 (of a server that ends with its test)
CHANGES: dict[str, Any] = {
    "/settings": {"users": 41},
    "/preset": {"name": "users_41"},
    "/reveal": {"guess": "a"},
    "/restart": {"lane": "a"},
    "/invite": None,
}


@pytest.fixture(scope="module")
def engine() -> MadeUpEngine:
    return MadeUpEngine(period_s=0.02)


@pytest.fixture(scope="module")
def address(engine: MadeUpEngine) -> Iterator[str]:
    with served(create_app(engine, TOKEN)) as found:
        yield found


@pytest.fixture(scope="module")
def welcome(address: str) -> httpx.Response:
    return httpx.get(address, params={"token": TOKEN})


@pytest.fixture
def client(address: str, welcome: httpx.Response, engine: MadeUpEngine) -> Iterator[httpx.Client]:
    wait_until(lambda: engine.watching == 0)
    engine.reset()
    with httpx.Client(base_url=address, cookies=dict(welcome.cookies)) as found:
        yield found


@pytest.fixture
def stranger(address: str, welcome: httpx.Response) -> Iterator[httpx.Client]:
    assert welcome.status_code == 303
    with httpx.Client(base_url=address) as found:
        yield found


def own(client: httpx.Client) -> dict[str, str]:
    return {"Origin": str(client.base_url).rstrip("/")}


def read_events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@contextmanager
def stream(client: httpx.Client) -> Iterator[Iterator[tuple[str, Any]]]:
    with client.stream("GET", "/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield read_events(response.iter_lines())


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_has(welcome: httpx.Response) -> None:
    assert welcome.status_code == 303
    assert welcome.headers["location"] == "/"
    cookie = welcome.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie


def test_the_token_works_once(stranger: httpx.Client, client: httpx.Client) -> None:
    again = stranger.get("/", params={"token": TOKEN})
    assert (again.status_code, again.text) == (403, gate.USED)
    assert client.get("/", params={"token": TOKEN}).headers["location"] == "/"  # reloaded where it was used


@pytest.mark.parametrize("query", ["", "?token=", "?token=guessed", "?token=gu%C3%A9ss%C3%A9"])
@pytest.mark.parametrize("path", ["/", "/events", "/page/lab.js", "/snapshot.json", "/alive"])
def test_without_cookie_or_token_nothing_is_shown(stranger: httpx.Client, path: str, query: str) -> None:
    answer = stranger.get(path + query, headers={"Cookie": "lab_000000000000=guessed; other"})
    assert (answer.status_code, answer.text) == (403, gate.NO_COOKIE)


@pytest.mark.parametrize("path", CHANGES)
def test_without_cookie_nothing_is_changed(stranger: httpx.Client, engine: MadeUpEngine, path: str) -> None:
    engine.reset()
    assert stranger.post(path, json=CHANGES[path], headers=own(stranger)).status_code == 403
    assert engine.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", CHANGES)
def test_no_foreign_page_changes_anything(
    client: httpx.Client, engine: MadeUpEngine, path: str, headers: dict[str, str]
) -> None:
    answer = client.post(path, json=CHANGES[path], headers=headers)
    assert (answer.status_code, answer.text) == (403, gate.FOREIGN_ORIGIN)
    assert engine.asked == []


@pytest.mark.parametrize("headers", [None, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_page_changes_things(
    client: httpx.Client, engine: MadeUpEngine, headers: dict[str, str] | None
) -> None:
    for path, body in CHANGES.items():
        assert client.post(path, json=body, headers=headers or own(client)).is_success
    assert engine.asked == [("change", {"users": 41}), ("choose", "users_41"), ("reveal", "a"), ("restart", "a")]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil:1", "10.0.0.1", "127.0.0.1:x"],
)
def test_a_name_that_only_resolves_to_this_machine_gets_nothing(client: httpx.Client, host: str) -> None:
    for path in ("/", "/events", f"/?token={TOKEN}"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.text) == (403, gate.FOREIGN_HOST)
    origin = {"Host": host, "Origin": f"http://{host}"}
    assert client.post("/settings", json={"users": 41}, headers=origin).text == gate.FOREIGN_HOST


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:9000", "[::1]:9000", "LOCALHOST"])
def test_a_tunnel_may_have_another_port(client: httpx.Client, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert client.post("/settings", json={"users": 41}, headers=headers).status_code == 204


def test_another_viewer_is_let_in_once_by_an_address_of_its_own(client: httpx.Client, stranger: httpx.Client) -> None:
    address = client.post("/invite", headers=own(client)).json()["address"]
    assert address.startswith(f"{client.base_url}/?token=")
    assert stranger.get(address).status_code == 303
    assert stranger.get("/").status_code == 200
    with httpx.Client() as late:
        assert late.get(address).text == gate.USED


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/settings", {"users": 301}, "users: input should be less than or equal to 300 (it was 301)."),
        ("/settings", {"users": "many"}, "users: input should be a valid integer"),
        ("/settings", {"wait_ms": -1}, "wait_ms: input should be greater than or equal to 0 (it was -1)."),
        ("/settings", {"colour": "red"}, "colour: extra inputs are not permitted"),
        ("/settings", {"scenario": "none"}, "there is no scenario 'none'"),
        ("/settings", [], "the request: input should be"),
        ("/preset", {"name": "none"}, "there is no preset 'none'"),
        ("/preset", {}, "name: field required."),
        ("/reveal", {"guess": "a"}, "there is nothing to reveal"),
        ("/restart", {"lane": "c"}, "lane: input should be 'a' or 'b'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    client: httpx.Client, engine: MadeUpEngine, path: str, body: Any, sentence: str
) -> None:
    answer = client.post(path, json=body, headers=own(client))
    assert answer.status_code == 422
    assert answer.text.startswith(sentence)
    assert "\n" not in answer.text
    assert engine.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b'{"users": NaN}', b'{"wait_ms": 1e999}'])
def test_what_is_no_setting_is_refused(client: httpx.Client, engine: MadeUpEngine, body: bytes) -> None:
    headers = {**own(client), "Content-Type": "application/json"}
    assert client.post("/settings", content=body, headers=headers).status_code == 422
    assert engine.asked == []


def test_a_session_limit_can_be_taken_away(client: httpx.Client, engine: MadeUpEngine) -> None:
    client.post("/settings", json={"session_limit": None}, headers=own(client))
    assert engine.asked == [("change", {"session_limit": None})]


def test_two_viewers_are_sent_the_same(client: httpx.Client, engine: MadeUpEngine) -> None:
    with stream(client) as first, stream(client) as second:
        for events in (first, second):
            name, said = next(events)
            assert name == "hello"
            assert Hello.model_validate(said).build == engine.hello().build
        assert engine.watching == 2
        seen: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        for _ in range(400):  # whoever is behind reads on, until both were sent the same ones
            events, states = min(zip((first, second), seen, strict=True), key=lambda each: max(each[1], default=0))
            _, said = next(events)
            states[said["sequence"]] = said
            if len(both := seen[0].keys() & seen[1].keys()) >= 3:
                break
    assert len(both) >= 3
    for sequence in both:
        assert State.model_validate(seen[0][sequence]).sequence == sequence
        assert seen[0][sequence] == seen[1][sequence]


def test_what_one_viewer_changes_the_other_sees(client: httpx.Client) -> None:
    with stream(client) as events:
        next(events)
        client.post("/preset", json={"name": "users_41"}, headers=own(client))
        seen = next(said for _, said in events if said["preset"])
        assert seen["preset"]["hidden"]
        assert client.get("/snapshot.json").status_code == 422
        client.post("/reveal", json={"guess": "b"}, headers=own(client))
        seen = next(said for _, said in events if not said["preset"]["hidden"])
        assert seen["preset"]["guess"] == "b"


def test_states_come_in_order_and_none_twice(client: httpx.Client) -> None:
    with stream(client) as events:
        _, hello = next(events)
        numbers = [said["sequence"] for _, said in (next(events) for _ in range(20))]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > hello["history"][-1]["sequence"]


def test_who_leaves_watches_no_longer(client: httpx.Client, engine: MadeUpEngine) -> None:
    with stream(client) as events:
        next(events)
        assert engine.watching == 1
    wait_until(lambda: engine.watching == 0)


def test_viewers_do_not_keep_the_server_from_ending(engine: MadeUpEngine) -> None:
    engine.reset()
    with ExitStack() as left_open:
        with served(create_app(engine, "t")) as address:
            viewer = left_open.enter_context(httpx.Client(base_url=address))
            viewer.get("/?token=t")
            events = left_open.enter_context(stream(viewer))
            next(events)
            assert engine.watching == 1
        assert engine.watching == 0


def test_the_last_minute_can_be_saved(client: httpx.Client) -> None:
    saved = Snapshot.model_validate(client.get("/snapshot.json").json())
    assert saved.note == "live, not a verdict"
    assert saved.states


def test_every_answer_forbids_other_origins(client: httpx.Client, stranger: httpx.Client) -> None:
    answers = [client.get("/"), client.get("/page/lab.js"), client.get("/none"), stranger.get("/")]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 403]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/page/../web.py", "/page/%2e%2e/web.py", "/page/..%2fweb.py", "/docs", "/openapi"])
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_names_no_other_address() -> None:
    files = [path for path in PAGE.rglob("*") if path.is_file() and "uplot" not in path.parts]
    assert {path.suffix for path in files} == {".html", ".css", ".js", ".svg"}
    for path in files:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"//[\w.-]+\.\w|https?:", text), path.name


def test_the_chart_library_comes_with_its_licence() -> None:
    assert "MIT License" in (PAGE / "uplot" / "LICENSE").read_text(encoding="utf-8")
    assert "uPlot (v1." in (PAGE / "uplot" / "uPlot.iife.min.js").read_text(encoding="utf-8")[:100]
