"""Start the harness as a user would, and see what it leaves behind."""

import io
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from loadtests import cli
from tests.owned import owned

LIMIT_S = 90.0
BENCH = [
    sys.executable,
    "-P",  # as the script "bench" is: what lies in the folder that it is called in is not imported
    "-c",
    # Whoever runs the tests may have told them to outlive the terminal.
    "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); from loadtests.cli import main; main()",
]


def new_mark() -> str:
    return f"BENCH_TEST={uuid.uuid4()}"


class Harness:
    """One ``bench`` command; every process that comes of it carries its mark."""

    def __init__(self, *arguments: str) -> None:
        self.mark = new_mark()
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            owned([*BENCH, *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, name: value, "COLUMNS": "200"},
        )

    def finish(self, limit_s: float = LIMIT_S) -> tuple[int, str, str]:
        """Wait for its end; return exit status, output and errors."""
        output, errors = self.process.communicate(timeout=limit_s)
        return self.process.returncode, output, errors

    def family(self) -> list[psutil.Process]:
        """Return all processes that are alive and carry the mark."""
        return marked(self.mark)


def marked(mark: str) -> list[psutil.Process]:
    """Return all processes that are alive and were started with a mark, as NAME=VALUE, in their environment."""
    name, _, value = mark.partition("=")
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(name) == value:
                found.append(process)
    return found


@contextmanager
def started(*arguments: str) -> Iterator[Harness]:
    """Run a command that the test itself will end; whatever it does, nothing is left."""
    harness = Harness(*arguments)
    try:
        yield harness
    finally:
        for process in harness.family():
            with suppress(psutil.Error):
                process.kill()
        harness.process.communicate(timeout=LIMIT_S)


def bench(*arguments: str, limit_s: float = LIMIT_S) -> tuple[int, str, str]:
    """Run a command to its end; return exit status, output and errors."""
    with started(*arguments) as harness:
        result = harness.finish(limit_s)
        assert eventually(lambda: not harness.family()), "the command left processes behind"
        return result


def bench_here(*arguments: str) -> tuple[int, str, str]:
    """Run a command in this process, which has imported already what a start of Python takes a second for.

    It is for what is refused, for what only reads, and for runs whose results are looked at. How a run takes signals,
    prints and ends as a process is for ``bench`` and ``started``.

    Where it would end all children that it left, it must not: here they are other tests' servers.
    """
    output, errors, mark = io.StringIO(), io.StringIO(), new_mark()
    name, _, value = mark.partition("=")
    with (
        patch.object(sys, "argv", ["bench", *arguments]),
        patch.dict(os.environ, {"COLUMNS": "200", name: value}),
        patch.object(cli, "stop_all"),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            cli.main()
            status: int | str | None = 0
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    assert eventually(lambda: not marked(mark)), "the command left processes behind"
    return status, output.getvalue(), errors.getvalue()


def eventually(true: Callable[[], object], limit_s: float = LIMIT_S) -> bool:
    """Poll until something is true; return whether it came true in time."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def summary(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return loaded


def throughput(run: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the headline comparisons by scenario and users."""
    comparisons = summary(run)["comparisons"]
    return {(c["scenario"], c["load"]["users"]): c for c in comparisons if c["metric"] == "throughput"}
