import hashlib
from random import Random
from typing import Any

import httpx
import pytest

from shared import cpu
from tests.contract.servers import Server

W = "/api/workloads"


def ask(client: httpx.Client, name: str, **parameters: Any) -> Any:
    answer = client.get(f"{W}/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_noop(client: httpx.Client) -> None:
    assert ask(client, "noop") == {"done": True}


@pytest.mark.every_database
@pytest.mark.parametrize("name", ["query", "blocking", "blocking-session"])
def test_waiting_says_how_long(client: httpx.Client, name: str) -> None:
    assert ask(client, name, wait_ms=2.5) == {"wait_ms": 2.5}
    assert ask(client, name, wait_ms=0) == {"wait_ms": 0}
    assert ask(client, name) == {"wait_ms": 50}


@pytest.mark.every_database
def test_counting_counts_a_new_post(client: httpx.Client, user: dict[str, Any]) -> None:
    before = ask(client, "count")["posts"]
    post = client.post("/api/posts", json={"title": "One more", "content": "x", "user_id": user["id"]}).json()
    assert ask(client, "count") == {"posts": before + 1}
    client.delete(f"/api/posts/{post['id']}")
    assert ask(client, "count") == {"posts": before}


def test_upstream_calls_are_all_made(client: httpx.Client) -> None:
    assert ask(client, "upstream", wait_ms=1) == {"calls": 1, "waited_ms": [1]}
    for mode in ("native", "threads"):
        assert ask(client, "upstream", wait_ms=2, calls=20, mode=mode) == {"calls": 20, "waited_ms": [2] * 20}
    assert ask(client, "blocking-client", wait_ms=3) == {"calls": 1, "waited_ms": [3]}


@pytest.mark.parametrize("wait_ms", [13, 14])
def test_an_upstream_that_breaks_down_is_a_bad_gateway(client: httpx.Client, wait_ms: int) -> None:
    for url in (f"{W}/upstream?calls=3&wait_ms={wait_ms}", f"{W}/blocking-client?wait_ms={wait_ms}"):
        answer = client.get(url)
        assert answer.status_code == 502
        assert "upstream" in answer.json()["detail"]


def test_the_file_is_the_same_everywhere(client: httpx.Client) -> None:
    content = Random(0).randbytes(1024 * 1024)
    assert ask(client, "file", kib=1) == {"kib": 1, "sha256": hashlib.sha256(content[:1024]).hexdigest()}
    assert ask(client, "file", kib=16384) == {
        "kib": 16384,
        "sha256": hashlib.sha256(content * 16).hexdigest(),
    }


def test_hash_is_fnv_1a(client: httpx.Client) -> None:
    assert ask(client, "hash", rounds=1) == {"rounds": 1, "digest": "af63bd4c8601b7df"}  # of one zero byte
    assert ask(client, "hash", rounds=5000)["digest"] == f"{cpu.fnv1a(5000):016x}"


@pytest.mark.parametrize("to", ["thread", "process"])
def test_offloaded_work_is_the_same_work(client: httpx.Client, to: str) -> None:
    assert ask(client, "offloaded", rounds=777, to=to) == ask(client, "hash", rounds=777)


def test_thumbnails_have_the_size_that_is_asked_for(client: httpx.Client) -> None:
    small = ask(client, "thumbnail", size=16)
    assert (small["width"], small["height"]) == (16, 16)
    assert small == ask(client, "thumbnail", size=16)
    assert ask(client, "thumbnail", size=64)["sha256"] != small["sha256"]


def test_crunching_describes_the_rows(client: httpx.Client) -> None:
    numbers = ask(client, "crunch", rows=500)
    assert numbers["rows"] == 500
    assert 95 < numbers["mean"] < 105
    assert 12 < numbers["deviation"] < 18
    assert ask(client, "crunch", rows=1)["deviation"] == 0


def test_mixed_burns_at_least_the_cpu_that_is_asked_for(client: httpx.Client) -> None:
    mixed = ask(client, "mixed", cpu_ms=2, wait_ms=1)
    assert mixed["cpu_ms"] >= 2
    assert mixed["wait_ms"] == 1
    assert ask(client, "mixed", cpu_ms=0, wait_ms=0) == {"cpu_ms": pytest.approx(0, abs=2), "wait_ms": 0}


@pytest.mark.every_database
def test_lazy_loading_works_in_sync_and_teaches_in_async(server: Server, client: httpx.Client) -> None:
    for _ in range(20):  # more often than there are connections: none may be lost
        answer = client.get(f"{W}/lazy")
        if server.build == "sync":
            assert answer.status_code == 200
            assert "ada" in answer.json()["authors"]
            assert answer.json()["posts"] >= 20
        else:
            assert answer.status_code == 409
            assert "MissingGreenlet" in answer.json()["detail"]
            assert "selectinload" in answer.json()["detail"]
    assert client.get("/api/posts").status_code == 200


@pytest.mark.parametrize(
    ("name", "parameter", "lowest", "highest"),
    [
        ("query", "wait_ms", 0, 10_000),
        ("upstream", "wait_ms", 0, 10_000),
        ("upstream", "calls", 1, 20),
        ("file", "kib", 1, 16_384),
        ("hash", "rounds", 1, 1_000_000),
        ("thumbnail", "size", 16, 2_048),
        ("crunch", "rows", 1, 1_000_000),
        ("mixed", "cpu_ms", 0, 1_000),
        ("mixed", "wait_ms", 0, 10_000),
        ("blocking", "wait_ms", 0, 10_000),
        ("blocking-session", "wait_ms", 0, 10_000),
        ("blocking-client", "wait_ms", 0, 10_000),
        ("offloaded", "rounds", 1, 1_000_000),
    ],
)
def test_parameters_are_bounded(client: httpx.Client, name: str, parameter: str, lowest: int, highest: int) -> None:
    for wrong in (lowest - 1, highest + 1, "", "x", "nan", "inf", "1e999", "9" * 5000):
        answer = client.get(f"{W}/{name}", params={parameter: wrong})
        assert answer.status_code == 422, wrong
        assert answer.json()["detail"][0]["loc"] == ["query", parameter]


@pytest.mark.parametrize(("name", "parameter"), [("upstream", "mode"), ("offloaded", "to")])
def test_choices_are_closed(client: httpx.Client, name: str, parameter: str) -> None:
    assert client.get(f"{W}/{name}", params={parameter: "elsewhere"}).status_code == 422


def test_the_largest_work_is_possible(client: httpx.Client) -> None:
    assert ask(client, "hash", rounds=1_000_000)["rounds"] == 1_000_000
    assert ask(client, "thumbnail", size=2_048)["width"] == 2_048
