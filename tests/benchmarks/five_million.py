"""Five million requests in one run: ``python -m tests.benchmarks.five_million [FOLDER]``.

Three limits. The run's folder stays under 150 MB. `bench report` on it takes less than 30 s and 400 MB of memory. And
the harness takes less than 400 MB while it receives trials of a million requests from a driver and saves them. It
takes about a minute, and exits with 1 if a limit is missed.

Each step is a process of its own, so that its memory is its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REQUESTS = 5_000_000
BLOCKS = 6
USERS = (1, 8, 32, 128)
LONG_TRIAL = 1_000_000
RATE = 5_000.0
"""Answers a second in the trials that are made up."""
FOLDER_MOST = 150e6
REPORT_MOST_S = 30.0
MEMORY_MOST = 400e6
ME = [sys.executable, "-m", "tests.benchmarks.five_million"]
BENCH = [sys.executable, "-c", "from loadtests.cli import main; main()"]


def make(path: Path) -> None:
    """Make a run of REQUESTS requests that never happened, through the store that real runs use."""
    from tests.benchmarks.made_up import recording, run_folder

    folder, keys = run_folder(path, USERS, BLOCKS)
    spent = 0.0
    for seed, key in enumerate(keys):
        trial = recording(REQUESTS // len(keys), RATE, seed)
        started = time.perf_counter()
        folder.write_trial(key, trial)
        spent += time.perf_counter() - started
    print(f"saving      {spent / len(keys) * 1000:.0f} ms for a trial of {REQUESTS // len(keys):,} requests")


def receive(path: Path) -> None:
    """Receive the trials of a long cell as a run does, and save them."""
    from multiprocessing import Pipe

    from loadtests.drivers.driver import receive as received
    from tests.benchmarks.made_up import run_folder

    folder, keys = run_folder(path, (1,), 1)
    ours, theirs = Pipe()
    command = [*ME, "send", str(theirs.fileno())]
    with theirs, subprocess.Popen(command, pass_fds=[theirs.fileno()]):
        for key, (_, recording) in zip(keys, received([ours], 120.0)[0].items(), strict=True):
            folder.write_trial(key, recording)
            assert len(recording.samples) == LONG_TRIAL


def send(fd: int) -> None:
    """Send what a driver would after a long cell."""
    from multiprocessing.connection import Connection

    from loadtests.drivers.job import HEARTBEAT
    from loadtests.drivers.job import send as send_recordings
    from tests.benchmarks.made_up import recording

    with Connection(fd) as owner:
        owner.send(HEARTBEAT)
        recordings = {"a": recording(LONG_TRIAL, RATE, 0), "b": recording(LONG_TRIAL, RATE, 1)}
        send_recordings(owner, recordings)  # type: ignore[arg-type]


def run(command: list[str]) -> tuple[float, float]:
    """Run a step; return the seconds it took and the most memory it had, in bytes."""
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    scale = 1 if sys.platform == "darwin" else 1024
    return time.monotonic() - started, usage.ru_maxrss * scale


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def show(what: str, value: str, limit: str, *, good: bool) -> bool:
    print(f"{what:<11} {value}, of {limit} at most{'' if good else ': TOO MUCH'}")
    return good


def main(folder: Path) -> int:
    """Measure, compare with the limits, return the exit status."""
    run([*ME, "make", str(folder / "run")])
    seconds, report_memory = run([*BENCH, "report", str(folder / "run")])
    size = size_of(folder / "run")
    _, receive_memory = run([*ME, "receive", str(folder / "long")])
    return 1 - all(
        [
            show(
                "folder",
                f"{size / 1e6:.0f} MB ({size / REQUESTS:.1f} bytes a request)",
                "150 MB",
                good=size < FOLDER_MOST,
            ),
            show("report", f"{seconds:.1f} s", "30 s", good=seconds < REPORT_MOST_S),
            show("report", f"{report_memory / 1e6:.0f} MB of memory", "400 MB", good=report_memory < MEMORY_MOST),
            show("receiving", f"{receive_memory / 1e6:.0f} MB of memory", "400 MB", good=receive_memory < MEMORY_MOST),
        ]
    )


if __name__ == "__main__":
    steps: dict[str, Callable[[str], object]] = {
        "make": lambda path: make(Path(path)),
        "receive": lambda path: receive(Path(path)),
        "send": lambda fd: send(int(fd)),
    }
    match sys.argv[1:]:
        case [step, argument] if step in steps:
            steps[step](argument)
        case [argument]:
            sys.exit(main(Path(argument)))
        case _:
            with tempfile.TemporaryDirectory() as temporary:
                sys.exit(main(Path(temporary)))
