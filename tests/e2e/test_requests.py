"""Requests of one's own, from the command line to the report; and no secret is written on the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import bench, bench_here, summary
from tests.e2e.orders import PASSWORD

SIDES = ("--a=tests.e2e.orders:app", "--b=tests.e2e.orders:app")
SHORT = ("--users=2", "--blocks=1", "--time=0.6", "--slice=0.3", "--no-control")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", PASSWORD)


def manifest(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / "run.json").read_text())
    return loaded


def check_well(run: Path, *scenarios: str) -> None:
    """Assert that a run has these scenarios, that all answers were good, and that it holds no secret."""
    cells = summary(run)["cells"]
    assert list(dict.fromkeys(cell["scenario"] for cell in cells)) == list(scenarios)
    assert all(cell["requests"] and not cell["failures"] for cell in cells)
    files = [path for path in run.rglob("*") if path.is_file()]
    assert (run / "report.html") in files
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_a_body_and_a_secret_in_a_header(tmp_path: Path) -> None:
    out = tmp_path / "run"
    header, body = "Authorization: Bearer ${TOKEN}", '{"item": "tea"}'
    status, output, errors = bench(
        "run", "--curl", f"curl -X POST https://h/orders -H 'Content-Type: application/json' -d '{body}'",
        "get /orders", "--header", header, *SIDES, *SHORT, f"--out={out}",
    )  # fmt: skip
    assert status == 0, errors
    check_well(out, "POST /orders", "GET /orders")
    assert errors.splitlines() == ["bench: https://h is left out: sides say where servers are (--a, --b)"]
    assert PASSWORD not in output
    post, get = manifest(out)["scenarios"]
    assert (post["requests"][0]["body"], post["requests"][0]["status"]) == (body, None)
    assert get["requests"][0]["headers"] == [["Authorization", "Bearer ${TOKEN}"]]


def test_each_user_logs_in_and_goes_on_from_there(tmp_path: Path) -> None:
    out, values = tmp_path / "run", tmp_path / "users.csv"
    values.write_text("user,item\nada,tea\nbob,salt\n")
    status, _, errors = bench_here(
        "run", "--sequence", f"--values={values}",
        "POST /login", "--json", '{"name": "${user}", "password": "${TOKEN}"}', "--once",
        "--take", "token=$.access_token",
        "POST /orders", "--json", '{"item": "${item}"}', "--expect=201", "--take", "id=$.id",
        "GET /orders?after=${id}", "--header", "Authorization: Bearer ${token}", "--contains", "tea",
        *SIDES, *SHORT, f"--out={out}",
    )  # fmt: skip
    assert status == 0, errors
    check_well(out, "POST /login, POST /orders, GET /orders?after=${id}")
    [said] = [event["message"] for event in manifest(out)["events"] if event["kind"] == "values"]
    assert f"the 2 rows of {values} were used again; ${{counter}}" in said
    assert said in (out / "report.html").read_text()
    [recorded] = manifest(out)["scenarios"]
    assert recorded["values"]["rows"] == 2
    assert [request["once"] for request in recorded["requests"]] == [True, False, False]


def test_what_must_be_new_each_time_is_new_in_every_trial(tmp_path: Path) -> None:
    out, values = tmp_path / "run", tmp_path / "members.csv"
    values.write_text("name\n" + "".join(f"m{number}\n" for number in range(50_000)))
    status, _, errors = bench_here(
        "run", "POST /members/${name}", "--expect=201", f"--values={values}",
        *SIDES, "--users=1,2", "--blocks=1", "--time=0.3", "--no-control", f"--out={out}",
    )  # fmt: skip
    assert status == 0, errors
    check_well(out, "POST /members/${name}")
    requests = [cell["requests"] for cell in summary(out)["cells"]]
    assert manifest(out)["next_rows"][str(values)] > max(requests)


@pytest.mark.slow
def test_two_ways_of_one_app_are_explored_and_get_values_that_are_new(tmp_path: Path) -> None:
    out, names = tmp_path / "run", tmp_path / "names.csv"
    names.write_text("name\n" + "".join(f"n{number}\n" for number in range(50_000)))
    status, output, errors = bench_here(
        "run", "POST /members/${name}", "--b-request", "/guests/${name}?number=${counter}", "--expect=201",
        f"--values={names}", "--explore", "--explore-cases=5", SIDES[0], "--users=1,2", "--blocks=1", "--time=0.3",
        "--no-control", f"--out={out}",
    )  # fmt: skip
    assert status == 0, errors + output
    scenario = "POST /members/${name} against POST /guests/${name}?number=${counter}"
    check_well(out, scenario)
    written = manifest(out)
    assert written["next_rows"][str(names)] > 0
    assert any(event["message"].startswith("explored ") for event in written["events"] if event["kind"] == "explored")
    assert {label: record["runs"] for label, record in written["handlers"][scenario].items()} == {
        "a": ["async def"],
        "b": ["def"],
    }
    assert set(written["executed"][scenario]) == {"a", "b"}


def test_locust_sends_bodies_and_headers_too(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ("--header", "Authorization: Bearer ${TOKEN}", "--header", "user-agent: Zoë", "--driver=locust")
    status, _, errors = bench_here("run", "GET /orders", "/orders?x=é", *options, *SIDES, *SHORT, f"--out={out}")
    assert status == 0, errors
    check_well(out, "GET /orders", "GET /orders?x=é")


def test_what_a_secret_is_missing_from_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN")
    header = "--header=Authorization: Bearer ${TOKEN}"
    status, output, errors = bench_here("run", "GET /orders", header, *SIDES, f"--out={tmp_path / 'run'}")
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert "${TOKEN}, which GET /orders needs, is not set; export TOKEN=…" in errors
    assert list(tmp_path.iterdir()) == []
