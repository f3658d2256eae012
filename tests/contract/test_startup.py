import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.contract.servers import PATIENCE_S, ROOT, serve_build

BUILDS = pytest.mark.parametrize("build", ["sync", "async"])


def rows(database: Path) -> tuple[list[object], list[object]]:
    with sqlite3.connect(database) as connection:
        users = connection.execute("SELECT * FROM users ORDER BY id").fetchall()
        posts = connection.execute("SELECT * FROM posts ORDER BY id").fetchall()
    connection.close()
    return users, posts


def test_fresh_databases_are_identical_however_many_workers_start_at_once(tmp_path: Path, slow_api: str) -> None:
    found = []
    for build in ("sync", "async"):
        with serve_build(build, tmp_path / build, slow_api, ("--workers", "2")) as server:
            with server.client() as client:
                assert len(client.get("/api/posts").json()) == 20
            found.append(rows(server.database))
        assert "Traceback" not in server.log.read_text()
    assert found[0] == found[1]
    assert [len(table) for table in found[0]] == [5, 20]


def test_async_app_refuses_to_load_lazily() -> None:
    server = subprocess.run(
        [sys.executable, "-m", "uvicorn", "async_app.main:app", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"BLOG_LOADING": "lazy"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert server.returncode != 0
    assert server.stderr.count("\n") == 1
    assert "BLOG_LOADING=lazy" in server.stderr


def test_sync_app_can_load_lazily_and_without_a_limit(tmp_path: Path, slow_api: str) -> None:
    with (
        serve_build("sync", tmp_path / "lazy", slow_api, BLOG_LOADING="lazy", BLOG_SESSION_LIMIT="none") as server,
        server.client() as client,
    ):
        assert client.get("/").status_code == 200
        assert len(client.get("/api/posts").json()) == 20


@BUILDS
def test_a_stopped_server_leaves_nothing_behind_but_its_posts(tmp_path: Path, slow_api: str, build: str) -> None:
    with serve_build(build, tmp_path / build, slow_api) as server, server.client() as client:
        assert client.get("/api/workloads/offloaded?to=process").status_code == 200
        assert client.delete("/api/posts/20").status_code == 204
        children = psutil.Process(server.pid).children(recursive=True)
    assert children
    assert psutil.wait_procs(children, timeout=PATIENCE_S)[1] == []
    files = {path.name for path in server.database.parent.iterdir()}
    assert files <= {"blog.db", "blog.db-wal", "blog.db-shm", "server.log"}
    assert "Traceback" not in server.log.read_text()
    with serve_build(build, tmp_path / build, slow_api) as server, server.client() as client:
        assert len(client.get("/api/posts").json()) == 19


@BUILDS
def test_a_killed_server_leaves_no_process_behind(tmp_path: Path, build: str) -> None:
    with serve_build(build, tmp_path / build, "http://127.0.0.1:9") as server, server.client() as client:
        for url in ("upstream", "upstream?calls=5", "upstream?calls=5&mode=threads", "blocking-client"):
            answer = client.get(f"/api/workloads/{url}")
            assert answer.status_code == 502
            assert "BLOG_UPSTREAM_URL" in answer.json()["detail"]
        assert client.get("/api/workloads/offloaded?to=process").status_code == 200
        assert "Traceback" not in server.log.read_text()
        children = psutil.Process(server.pid).children(recursive=True)
        assert children
        os.kill(server.pid, signal.SIGKILL)
        assert psutil.wait_procs(children, timeout=PATIENCE_S)[1] == []


def test_importing_the_builds_opens_nothing(tmp_path: Path) -> None:
    code = (
        "import threading, os, sync_app.main, async_app.main\n"
        "assert threading.active_count() == 1\n"
        "assert not os.listdir('.'), os.listdir('.')\n"
    )
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        timeout=PATIENCE_S,
    )
