"""One app checked as a user would, and what it leaves behind."""

import json
from pathlib import Path

import pytest

from tests.e2e.harness import bench, bench_here

APP = """
import time
from fastapi import FastAPI
app = FastAPI()
@app.get("/slow")
async def slow() -> dict[str, str]:
    time.sleep(0.02)
    return {"status": "done"}
@app.get("/quick")
async def quick() -> dict[str, str]:
    return {"status": "done"}
@app.post("/orders")
async def order() -> dict[str, str]:
    return {"status": "done"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "main.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_line_to_touch_is_named_and_the_record_is_kept(folder: Path) -> None:
    status, output, errors = bench("check", "main:app", "--fail-on", "blocking", "--out", "c")
    assert status == 1, errors
    assert "main.py:7" in output
    assert "main.py:7" in errors
    record = json.loads((folder / "c" / "check.json").read_text())
    verdicts = {f"{route['method']} {route['path']}": route["verdict"] for route in record["routes"]}
    assert verdicts == {"GET /slow": "make-def", "GET /quick": "keep", "POST /orders": "not-known"}
    assert sorted(path.name for path in (folder / "c").iterdir()) == ["check.html", "check.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://127.0.0.1:1",), "name the app"),
        (("main:app,server=hypercorn",), "with uvicorn"),
        (("main:app", "--users", "0"), "--users 0"),
        (("main:app", "--budget", "soon"), "--budget soon"),
        (("main:app", "--prove-budget", "soon"), "--prove-budget soon"),
        (("main:app", "--header", "Token"), "Name: value"),
        (("main:app", "--fail-on", "nonsense"), "nonsense"),
        (("main:app", "--baseline", "none.json"), "none.json"),
        (("main:app", "--out", "."), "exists already"),
        ((), "name the app"),
    ],
)
def test_what_can_not_be_is_one_line_and_nothing_is_written(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    status, output, errors = bench_here("check", *arguments)
    assert (status, output) == (2, "")
    assert said in errors
    assert errors.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["main.py"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_change_is_proved_without_editing_a_file(folder: Path) -> None:
    arguments = ("--prove", "all", "--prove-budget", "60s", "--users", "4", "--format", "json", "--out", "c")
    status, output, errors = bench_here("check", "main:app", *arguments)
    assert status == 0, errors
    (route,) = [each for each in json.loads(output)["routes"] if each["change"]]
    assert route["change"] == "def:main.slow"
    ratio, low, high = route["gain"]["proved"]
    assert 1 < low <= ratio <= high
    assert (folder / route["gain"]["proof_run"] / "report.html").exists()
    assert (folder / "main.py").read_text() == APP


@pytest.mark.slow
def test_a_header_opens_a_route_and_bench_toml_says_what_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "sesame-0815")
    (folder / "main.py").write_text(
        "from fastapi import FastAPI, Header, HTTPException\napp = FastAPI()\n"
        "@app.get('/me')\nasync def me(x: int, token: str = Header('')) -> int:\n"
        "    if token != 'sesame-0815' or x != 7:\n        raise HTTPException(401)\n    return x\n"
    )
    (folder / "bench.toml").write_text('[a]\napp = "main:app"\n[[scenario]]\nrequest = "GET /me?x=7"\n')
    status, _, errors = bench_here("check", "--out", "without")
    assert status == 3
    assert "answers 401: it needs a login" in errors
    status, _, errors = bench_here("check", "--header", "token: ${TOKEN}", "--out", "with")
    assert status == 0, errors
    assert json.loads((folder / "with" / "check.json").read_text())["routes"][0]["verdict"] == "keep"
    assert not any("sesame" in path.read_text() for path in (folder / "with").iterdir())
