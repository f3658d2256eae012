"""Real servers for the tests: started, waited for, stopped, and asked what they logged."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.owned import owned

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40


@dataclass(frozen=True)
class Server:
    """A running build."""

    build: str
    url: str
    pid: int
    database: Path
    log: Path

    def client(self) -> httpx.Client:
        """Return a client for many concurrent requests."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE_S, limits=httpx.Limits(max_connections=100))


@contextmanager
def serve(app: str, log: Path, arguments: tuple[str, ...] = (), **environment: str) -> Iterator[tuple[str, int]]:
    """Run an ASGI app in uvicorn, on a port that uvicorn chooses."""
    # Not on an inherited socket: uvicorn takes --fd for a UNIX socket, and then every answer meets Nagle's 40 ms.
    with log.open("wb") as output:
        options = ["--port", "0", "--loop", "uvloop", "--http", "httptools", *arguments]
        process = subprocess.Popen(
            owned([sys.executable, "-m", "uvicorn", app, *options]),
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield wait_until_ready(process, log), process.pid
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_S)
            raise


def wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Poll the log for the address, then the address for any answer at all."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"running on (http://[\w.]+:\d+)", log.read_text())
        if found:
            try:
                httpx.get(f"{found[1]}/nothing-here", timeout=PATIENCE_S)
            except httpx.HTTPError:
                pass
            else:
                return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@contextmanager
def serve_build(
    build: str, folder: Path, upstream_url: str, arguments: tuple[str, ...] = (), **environment: str
) -> Iterator[Server]:
    """Run one of the two builds on a database and a temp folder of its own."""
    folder.mkdir(exist_ok=True)
    database, log = folder / "blog.db", folder / "server.log"
    settings = {
        "BLOG_DATABASE_URL": f"sqlite:///{database}",
        "BLOG_UPSTREAM_URL": upstream_url,
        "TMPDIR": str(folder),
    }
    with serve(f"{build}_app.main:app", log, arguments, **(settings | environment)) as (url, pid):
        yield Server(build, url, pid, database, log)
