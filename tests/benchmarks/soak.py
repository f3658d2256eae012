"""A soak that is killed: ``python -m tests.benchmarks.soak [SECONDS] [RATE]``, by default 600 seconds at 500/s.

It soaks a route that does nothing for so long, kills the harness, and works out what two hours would take from what
the later four fifths took. Three limits: the harness, which is the command and its load driver together, takes less
than 300 MB of memory after two hours; the run's folder takes less than 200 MB; and of what had been answered when it
was killed no more than the last second is missing. It exits with 1 if a limit is missed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_stream import Reading, read_stream
from loadtests.records.samples import Samples
from loadtests.records.schedule_record import ScheduleOutcome, stream_path

HOURS_S = 7200.0
LOOK_S, START_LOOK_S = 1.0, 0.02
FOLDER_MOST = 200e6
MEMORY_MOST = 300e6
LOST_MOST_S = 1.5
"""A second, and what the machine may add to it."""
SETTLED = 0.2
"""Share of the soak after which growth is looked at."""
BENCH = [sys.executable, "-c", "from loadtests.cli import main; main()"]
DRIVER = "loadtests.drivers.load_generator"


def soak(out: Path, seconds: int, rate: float) -> list[tuple[float, float]]:
    """Soak and kill; return the harness's memory over time, in seconds and bytes."""
    path = stream_path(RunFolder(out).trials, 0, "a")
    arguments = ["run", "GET /x", "--a=tests.e2e.faulty:fine", "--alone", f"--rate={rate:g}/s for 2h", f"--out={out}"]
    seen: list[tuple[float, float]] = []
    with subprocess.Popen([*BENCH, *arguments], env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as bench:
        try:
            begun = None
            while begun is None or time.time() - begun < seconds:
                time.sleep(LOOK_S if begun is not None else START_LOOK_S)
                assert bench.poll() is None, "the soak ended by itself"
                if begun is None and path.exists():
                    begun = time.time()
                if begun is not None:
                    seen.append((time.time() - begun, harness_bytes(bench.pid)))
        finally:
            bench.send_signal(signal.SIGKILL)
    return seen


def harness_bytes(pid: int) -> float:
    command = psutil.Process(pid)
    drivers = [child for child in command.children() if DRIVER in child.cmdline()]
    return float(sum(process.memory_info().rss for process in (command, *drivers)))


def main(out: Path, seconds: int, rate: float) -> int:
    """Measure, compare with the limits, return the exit status."""
    seen = soak(out, seconds, rate)
    time.sleep(2.0)  # the driver ends with its owner
    path = stream_path(RunFolder(out).trials, 0, "a")
    readings = [frame for frame in read_stream(path) if isinstance(frame, Reading)]
    ended = max(float(np.nanmax(frame.ended_s)) for frame in read_stream(path) if isinstance(frame, Samples))
    subprocess.run([*BENCH, "report", str(out)], check=True, stdout=subprocess.DEVNULL)
    [trial] = ScheduleOutcome.model_validate_json((out / "summary.json").read_bytes()).trials
    at, sizes = np.array(seen).T
    later = at > SETTLED * seconds
    slope = float(np.polyfit(at[later], sizes[later], 1)[0])
    memory = float(sizes.max()) + max(0.0, slope) * HOURS_S
    written = path.stat().st_size / readings[-1].time_s
    rest = sum(each.stat().st_size for each in out.rglob("*") if each.is_file()) - path.stat().st_size
    folder, lost_s = written * HOURS_S + rest, at[-1] - ended
    print(
        f"{trial.requests:,} requests in {trial.reached_s:.0f} s; {path.stat().st_size / trial.requests:.1f} bytes each"
    )
    print(f"memory      {sizes.max() / 1e6:.0f} MB, and {slope * 3600 / 1e6:+.2f} MB an hour: {memory / 1e6:.0f} MB")
    print(f"disk        {written / 1e3:.1f} kB a second: {folder / 1e6:.0f} MB")
    print(f"lost        the last {max(0.0, lost_s):.1f} s")
    return 1 - (memory < MEMORY_MOST and folder < FOLDER_MOST and lost_s < LOST_MOST_S and not trial.complete)


if __name__ == "__main__":
    given = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(Path(folder) / "run", int(given[0]) if given else 600, float(given[1]) if given[1:] else 500.0))
