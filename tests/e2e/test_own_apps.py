"""Apps of other people, as a user would measure them: started as their owner starts them."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.system.resources import free_port
from tests.e2e.harness import bench, bench_here, eventually
from tests.made_up_repository import git, make_repository
from tests.owned import owned

MAY_DIFFER = ("--ignore", "$.word", "--ignore", "$.mode")
SHORT = ("--users", "2", "--blocks", "1", "--time", "0.4", "--no-control", *MAY_DIFFER)
MAIN = """
import os
from fastapi import FastAPI
from words import WORD
app = FastAPI()
@app.get("/word")
{function} word() -> dict[str, str]:
    return {{"word": WORD, "mode": os.environ.get("MODE", "")}}
@app.get("/health", status_code=int(os.environ.get("HEALTH", "200")))
def health() -> None: ...
"""


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two flat projects whose modules have the same names, as a tutorial leaves them, and the folder they are in."""
    for name, function in (("before", "def"), ("after", "async def")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "main.py").write_text(MAIN.format(function=function))
        (folder / "words.py").write_text(f"WORD = {name!r}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def summary(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "summary.json").read_text())
    return found


def cells(run: Path) -> list[dict[str, Any]]:
    found = summary(run)["cells"]
    assert isinstance(found, list)
    return found


def good_answers(run: Path) -> dict[str, int]:
    return {cell["label"]: cell["requests"] - sum(cell["failures"].values()) for cell in cells(run)}


def test_two_flat_folders_are_compared_by_one_command(projects: Path) -> None:
    status, output, errors = bench(
        "run", "GET /word", "--a", "before/main.py", "--b", "main:app,dir=after,env.MODE=prod", *SHORT, "--out", "r"
    )
    assert (status, errors) == (0, ""), errors
    assert min(good_answers(Path("r")).values()) > 10
    assert "before/main.py" in output
    settings = json.loads((projects / "r" / "run.json").read_text())["b"]
    assert settings["settings"]["dir"] == "after"
    assert settings["settings"]["env.MODE"] == "prod"
    assert settings["python"] == sys.version.split()[0]
    assert "fastapi" in settings["versions"]


def test_a_side_with_its_own_interpreter_needs_nothing_of_ours(projects: Path) -> None:
    """It lacks uvloop here, so that both sides run on asyncio."""
    venv.create(projects / "own", with_pip=False)
    packages = projects / "packages"
    packages.mkdir()
    ours = {"uvloop", "loadtests", "psutil", "numpy", "def_or_async"}
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.suffix != ".pth" and entry.name.partition("-")[0] not in ours:
            (packages / entry.name).symlink_to(entry)
    (site,) = (projects / "own").glob("lib/python*/site-packages")
    (site / "theirs.pth").write_text(str(packages))
    own = str(projects / "own" / "bin" / "python")
    status, _, errors = bench_here(
        "run", "GET /word", "--a", "before/main.py", "--b", f"after/main.py,python={own}", *SHORT, "--out", "r"
    )
    assert (status, errors) == (0, ""), errors
    assert min(good_answers(Path("r")).values()) > 10
    record = json.loads((projects / "r" / "run.json").read_text())
    assert [record[side]["settings"]["loop"] for side in "ab"] == ["asyncio", "asyncio"]
    assert "uvloop" not in record["b"]["versions"]
    status, _, errors = bench_here(
        "run", "GET /word", "--a", "before/main.py", "--b", f"after/main.py,python={own},loop=uvloop", *SHORT
    )
    assert status == 2
    assert "has no uvloop" in errors


def test_a_side_is_started_by_its_owners_command_and_asked_until_it_is_ready(projects: Path) -> None:
    command = "'{python} -m uvicorn main:app --port {port} --log-level warning'"
    status, _, errors = bench_here(
        "run",
        "GET /word",
        *("--a", f"main:app,dir=before,command={command},ready=/health"),
        *("--b", f"dir=after,command={command},ready=/health,env.HEALTH=503,start_limit=1"),
        *(*SHORT, "--out", "r"),
    )
    assert status == 3
    said = "(/health answers 503 Service Unavailable); allow more with --start-limit"
    assert f"did not become ready within 1 s {said}" in errors
    assert not (projects / "r").exists()


WAYS = """
import asyncio, time
from fastapi import APIRouter, FastAPI, Response
app = FastAPI()
def add(base: str) -> None:
    router = APIRouter(prefix=base)
    @router.get("/sync")
    def sync(response: Response) -> str:
        response.headers["location"] = f"{base}/sync"
        return "done"
    @router.get("/async")
    async def async_(response: Response) -> str:
        response.headers["location"] = f"{base}/sync"
        return "done"
    @router.get("/other")
    async def other() -> str:
        return "something else"
    app.include_router(router)
add("/v1")
add("/v2")
"""


def test_two_paths_of_one_app_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ways.py").write_text(WAYS)
    sides = ("--a", "ways.py,path=/v1", "--b", "ways.py,path=/v2")
    status, output, errors = bench_here(
        "run", "GET /sync", "--b-request", "/async", "GET /sync", *sides, *SHORT, "--out", "r"
    )
    assert (status, errors) == (0, ""), errors
    asked = {(cell["scenario"], size["asked"]) for cell in cells(Path("r")) for size in cell["answer_sizes"]}
    both = "GET /sync against GET /async"
    assert asked == {(both, "GET /sync"), (both, "GET /async"), ("GET /sync", "GET /sync")}
    assert f"{both}: ways.py,path=/v1 is asked GET /sync, ways.py,path=/v2 is asked GET /async." in output
    assert both in Path("r/report.html").read_text()

    status, output, _ = bench_here("run", "GET /sync", "--b-request", "/other", "--a", "ways.py,path=/v1", *SHORT)
    assert status == 3
    assert "GET /sync against GET /other" in output
    assert "something else" in output


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose affinity it was")
def test_a_server_that_runs_already_is_read_by_its_pid_and_left_as_it_was(projects: Path) -> None:
    port = free_port()
    arguments = ["-m", "uvicorn", "main:app", "--port", str(port), "--log-level", "critical"]
    command = owned([sys.executable, *arguments])
    with subprocess.Popen(command, cwd=projects / "before") as server:
        try:
            process = psutil.Process(server.pid)
            assert eventually(lambda: bool(process.net_connections("tcp")))
            before = process.cpu_affinity()
            url = f"http://127.0.0.1:{port}"
            status, _, errors = bench_here(
                "run", "GET /word", "--a", f"{url},pid={server.pid}", "--b", "after/main.py", *SHORT, "--out", "r"
            )
            assert (status, errors) == (0, ""), errors
            assert process.cpu_affinity() == before
            cells = summary(Path("r"))["cells"]
            assert isinstance(cells, list)
            assert all(cell["cpu_per_request"] is not None for cell in cells if cell["label"] == "a")
            status, _, errors = bench_here("run", "GET /word", "--a", f"http://127.0.0.1:1,pid={server.pid}", *SHORT)
            assert status == 2
            assert f"listens on {port}, not on 1" in errors
        finally:
            server.terminate()


@pytest.mark.slow
def test_names_of_the_folder_that_bench_is_called_in_are_not_in_its_way(projects: Path) -> None:
    for name in ("loadtests", "platform", "shared", "queue"):
        (projects / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")
    (projects / "main.py").write_text(MAIN.format(function="def"))
    (projects / "words.py").write_text("WORD = 'here'\n")
    status, _, errors = bench("run", "GET /word", "--a", "main:app", "--b", "before/main.py", *SHORT, "--out", "r")
    assert (status, errors) == (0, ""), errors
    assert min(good_answers(Path("r")).values()) > 10


def test_another_machine_is_not_put_under_load(projects: Path) -> None:
    status, _, errors = bench_here("run", "GET /word", "--a", "http://192.0.2.1", "--b", "before/main.py", *SHORT)
    assert status == 2
    assert "add --allow-remote 192.0.2.1" in errors


def test_two_commits_are_compared_and_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = make_repository(tmp_path / "r")
    monkeypatch.chdir(tmp_path / "r" / "backend")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    asked = ("GET /", "--a", "main:app@HEAD~1", "--b", "@HEAD", *SHORT[:-4])
    status, output, errors = bench_here("run", *asked, "--out", str(tmp_path / "run"))
    assert (status, errors) == (0, ""), errors
    assert "uv.lock differs between the commits" in output
    assert min(good_answers(tmp_path / "run").values()) > 10
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (manifest["a"]["commit"], manifest["b"]["commit"]) == commits
    assert "backend/words.py" not in git(tmp_path / "r", "status", "--porcelain")
    assert len(git(tmp_path / "r", "worktree", "list").splitlines()) == 1
    assert not list(tmp_path.glob("bench-commits-*"))
