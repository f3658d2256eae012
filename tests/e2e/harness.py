"""Start the harness as a user would, and see what it leaves behind."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

LIMIT_S = 90.0
BENCH = [
    sys.executable,
    "-c",
    # Whoever runs the tests may have told them to outlive the terminal.
    "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); from loadtests.cli import main; main()",
]


class Harness:
    """One ``bench`` command; every process that comes of it carries its mark."""

    def __init__(self, *arguments: str) -> None:
        self.mark = f"BENCH_TEST={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [*BENCH, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, name: value, "COLUMNS": "200"},
        )

    def finish(self) -> tuple[int, str, str]:
        """Wait for its end; return exit status, output and errors."""
        output, errors = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, output, errors

    def family(self) -> list[psutil.Process]:
        """Return all processes that are alive and carry the mark."""
        name, _, value = self.mark.partition("=")
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


def bench(*arguments: str) -> tuple[int, str, str]:
    """Run a command to its end; return exit status, output and errors."""
    with started(*arguments) as harness:
        result = harness.finish()
        assert eventually(lambda: not harness.family()), "the command left processes behind"
        return result


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
