"""``bench init`` and ``bench.toml`` as a user has them: written from an app, then followed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import bench, bench_here

SHORT = ("--users", "2", "--blocks", "1", "--time", "0.4", "--no-control")
MAIN = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/word")
{function} word() -> str:
    return "word"
@app.get("/words/{{number}}")
{function} one(number: int) -> int:
    return number
@app.post("/words", status_code=201)
{function} add(word: dict[str, str]) -> None: ...
"""
USING = "bench: using bench.toml; --no-config ignores it\n"
TWO = """
users = 2
blocks = 1
time = 0.4
control = false
fail_if = ["'say a word'.throughput.ratio < 0.01", "errors > 50%"]
[a]
app = "main:app"
dir = "before"
[b]
app = "after/main.py"
env = { WORD = "${ANY}" }
[[scenario]]
name = "say a word"
request = "GET /word"
contains = "or"
[[scenario]]
name = "write"
values = "words.csv"
requests = [
  { request = "POST /words", json = { word = "${word}" }, expect = 201 },
  { request = "GET /words/1", weight = 2 },
]
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders with an app each, and the folder that they are in."""
    for folder, function in (("before", "def"), ("after", "async def")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "main.py").write_text(MAIN.format(function=function))
    monkeypatch.setenv("ANY", "for")
    monkeypatch.chdir(tmp_path)


def record(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(run) / "run.json").read_text())
    return found


def good_answers(run: str) -> int:
    cells: list[dict[str, Any]] = json.loads((Path(run) / "summary.json").read_text())["cells"]
    return min(int(cell["requests"] - sum(cell["failures"].values())) for cell in cells)


def test_a_file_is_written_from_an_app_and_followed() -> None:
    status, output, errors = bench("init", "before/main.py", "--b", "main:app,dir=after")
    assert (status, errors) == (0, "")
    assert "wrote bench.toml: 1 of 3 routes are scenarios" in output
    assert "review it, then run: bench run" in output
    status, output, errors = bench("run", *SHORT, "--out", "r")
    assert (status, errors) == (0, USING)
    found = record("r")
    assert (found["a"]["spec"], found["b"]["spec"]) == ("before/main.py", "main:app,dir=after")
    assert [each["name"] for each in found["scenarios"]] == ["GET /word"]
    assert good_answers("r") > 10

    status, _, errors = bench_here("init", "before/main.py")
    assert (status, errors) == (2, "bench: bench.toml already exists; --force overwrites it\n")
    status, output, errors = bench_here("init", "before/main.py", "--force")
    assert (status, errors) == (0, "")
    assert "set [b] to what you want to compare with, then run: bench run" in output


def test_an_app_that_cannot_be_asked_writes_no_file() -> None:
    for side, reason in (
        ("http://127.0.0.1:9", "name the app itself, as package.module:app or folder/main.py"),
        ("nothing:app", "there is no module 'nothing'"),
    ):
        status, _, errors = bench_here("init", side)
        assert status == 2
        assert reason in errors
    assert not Path("bench.toml").exists()


def test_a_run_of_a_file_is_judged_by_it_and_goes_on_without_it() -> None:
    Path("bench.toml").write_text(TWO)
    Path("words.csv").write_text("word\ntea\nsalt\n")
    status, output, errors = bench_here("run", "--out", "r")
    assert (status, errors) == (0, USING)
    assert "Thresholds:" in output
    found = record("r")
    assert [each["name"] for each in found["scenarios"]] == ["say a word", "write"]
    assert found["b"]["settings"]["env.WORD"] == "${ANY}"
    assert good_answers("r") > 10

    Path("bench.toml").unlink()
    for trial in sorted((Path("r") / "trials").iterdir())[:1]:
        shutil.rmtree(trial) if trial.is_dir() else trial.unlink()
    status, _, errors = bench_here("run", "--resume", "r")
    assert (status, errors) == (0, "")
    assert good_answers("r") > 10


@pytest.mark.slow
def test_what_is_typed_wins_over_a_file() -> None:
    (Path("perf")).mkdir()
    for folder in ("before", "after"):
        shutil.move(folder, f"perf/{folder}")
    Path("perf/bench.toml").write_text(TWO.replace('values = "words.csv"\n', "").replace("${word}", "tea"))
    status, _, errors = bench_here(
        "run", "--config", "perf/bench.toml", "write", "--a", "perf/after/main.py", "--users", "3", "--out", "r"
    )
    assert status == 0, errors
    assert errors.splitlines() == [
        "bench: using perf/bench.toml; --no-config ignores it",
        "bench: \"'say a word'.throughput.ratio < 0.01\" is about something that this run does not measure; ignored",
    ]
    found = record("r")
    assert (found["a"]["spec"], found["b"]["spec"]) == ("perf/after/main.py", "perf/after/main.py,env.WORD=${ANY}")
    assert [each["name"] for each in found["scenarios"]] == ["write"]
    assert {pairing["load"]["users"] for block in found["blocks"] for pairing in block} == {3}


def test_a_file_is_read_only_where_it_is_meant() -> None:
    Path("bench.toml").write_text("user = 2\n")
    wrong = "bench: bench.toml: unknown key 'user'; did you mean 'users'?\n"
    assert bench_here("run") == (2, "", wrong)
    status, _, errors = bench_here("run", "--no-config", "--full", "x")
    assert (status, errors) == (2, "bench: --full measures every scenario; leave it out, or name no scenario\n")
    status, _, errors = bench_here("run", "--a", "sync", "--full", "x")
    assert (status, errors) == (2, "bench: --full measures every scenario; leave it out, or name no scenario\n")
    status, _, errors = bench_here("run", "--config", "other.toml")
    assert (status, errors) == (2, "bench: other.toml: it can't be read: No such file or directory\n")
    status, _, errors = bench_here("run", "--no-config", "--config", "bench.toml")
    assert (status, errors) == (2, "bench: --no-config --config bench.toml: give one of them\n")
    status, _, errors = bench_here("run", "--resume", "r", "--config", "bench.toml")
    assert status == 2
    assert "leave out --config" in errors


@pytest.mark.parametrize(("method", "resets"), [pytest.param("GET", 0, marks=pytest.mark.slow), ("POST", 3)])
def test_a_side_is_set_up_before_it_starts_and_put_back_where_requests_write(method: str, resets: int) -> None:
    Path("bench.toml").write_text(
        f"""
[a]
app = "before/main.py"
setup = "sh -c 'echo $WORD >> setups'"
reset = "sh -c 'echo $WORD >> resets'"
env = {{ WORD = "one" }}
[b]
app = "after/main.py"
[[scenario]]
request = "{method} /word{"" if method == "GET" else "s"}"
{"json = { a = 'b' }" if method == "POST" else ""}
"""
    )
    status, _, errors = bench_here("run", *SHORT, "--out", "r")
    assert (status, errors) == (0, USING)
    assert good_answers("r") > 10
    assert Path("before/setups").read_text() == "one\n" * 2  # for the comparison of the answers, and for the block
    written = Path("before/resets")
    # Likewise, and after the cell.
    assert (written.read_text() if written.exists() else "") == "one\n" * resets


def test_a_side_that_cannot_be_set_up_ends_the_run_with_its_last_line() -> None:
    side = "after/main.py,setup=\"sh -c 'echo no table; exit 3'\""
    status, _, errors = bench_here("run", "GET /word", "--a", "before/main.py", "--b", side, *SHORT, "--out", "r")
    assert status == 3
    assert len(errors.splitlines()) == 1
    assert errors.startswith(f"bench: side {side!r}: setup ended with status 3: no table")
