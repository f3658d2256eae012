"""What a run of millions of requests needs, in bytes a request; `tests.benchmarks.five_million` measures it whole."""

import tracemalloc
from dataclasses import fields
from pathlib import Path

import numpy as np

from loadtests.analysis.analyse import analyse
from loadtests.analysis.trial_summary import Summary, summarise
from tests.benchmarks.made_up import recording, run_folder

REQUESTS = 40_000
RATE = 5_000.0
DISK_MOST = 12
"""Bytes a request in the run's folder; the limit for five millions allows 30."""
KEPT_MOST = 12
"""Bytes a request that a summary keeps until the end."""
READ_MOST = 150
"""Bytes a request while a trial is read and summarised: one trial at a time."""


def kept(summary: Summary) -> int:
    columns = (getattr(summary, field.name) for field in fields(summary))
    return sum(column.nbytes for column in columns if isinstance(column, np.ndarray))


def test_a_request_takes_few_bytes_on_disk(tmp_path: Path) -> None:
    folder, keys = run_folder(tmp_path / "run", users=(1,), blocks=1)
    folder.write_trial(keys[0], recording(REQUESTS, RATE, seed=0))
    [path] = folder.trials.iterdir()
    assert path.stat().st_size / REQUESTS < DISK_MOST


def test_a_summary_keeps_few_bytes_a_request() -> None:
    assert kept(summarise(recording(REQUESTS, RATE, seed=0))) / REQUESTS < KEPT_MOST


def test_trials_are_read_one_at_a_time(tmp_path: Path) -> None:
    folder, keys = run_folder(tmp_path / "run", users=(1, 8), blocks=3)
    for seed, key in enumerate(keys):
        folder.write_trial(key, recording(REQUESTS, RATE, seed))
    manifest = folder.read_manifest()
    tracemalloc.start()
    try:
        analyse(folder, manifest)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < REQUESTS * (READ_MOST + len(keys) * KEPT_MOST) + 10e6
