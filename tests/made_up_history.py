"""A folder of runs that never happened, one a day, with a change where it was asked for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.run_folder import create_run_folder
from loadtests.records.summary import Comparison, Value
from tests.made_up_runs import Run, make_run

Speed = Callable[[int, SideLabel], float]
"""How fast a side is in a run, by the run's number: 1 for as ever."""


def commit_at(day: int) -> str:
    """Return the commit of a day's run."""
    return f"{day:02x}" * 20


def run_of_day(day: int, speed: Speed = lambda _day, _label: 1.0, machine: float = 1.0) -> Run:
    """Make up the run of a day: one cell with six blocks, a control, and what the driver reached alone."""

    def change(summary: Summary, _scenario: str, _load: int, label: SideLabel, _block: int) -> Summary:
        factor = machine * speed(day, label)
        return replace(summary, throughput_rps=factor * summary.throughput_rps)

    manifest, outcome = make_run(["query"], [8], noise=0.02, change=change, seed=100 + day)
    side = Value("sync", 700.0)
    off = 0.01 * ((day * 7) % 5 - 2)
    control = Comparison(
        "query",
        ClosedLoop(8),
        "throughput",
        side,
        side,
        "requests/s",
        1 + off,
        (0.97 + off, 1.03 + off),
        6,
        "equivalent",
    )
    sides = {label: getattr(manifest, label).model_copy(update={"commit": commit_at(day)}) for label in ("a", "b")}
    environment = manifest.environment.model_copy(update={"commit": "0123456789ab"})
    name = f"day-{day:02d}"
    manifest = manifest.model_copy(
        update={
            **sides,
            "name": name,
            "created": manifest.created + timedelta(days=day),
            "environment": environment,
            "driver_ceiling_rps": machine * (9000 + 50 * ((day * 3) % 7)),
        }
    )
    return manifest, replace(outcome, run=name, control=control)


def save_history(
    folder: Path, days: int, speed: Speed = lambda _day, _label: 1.0, machine: Mapping[int, float] | None = None
) -> Path:
    """Write a folder of runs; ``machine`` says from which day on the machine is so many times as fast."""
    for day in range(days):
        factor = 1.0
        for begin, value in (machine or {}).items():
            factor = value if day >= begin else factor
        manifest, outcome = run_of_day(day, speed, factor)
        create_run_folder(folder / manifest.name, manifest).write_outcome(outcome)
    return folder
