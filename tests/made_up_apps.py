"""Runs of apps that are not the blog, with what their own processes told, and measured figures put in."""

from dataclasses import replace
from typing import Any

from loadtests.analysis.model.limits import with_limits
from loadtests.experiment.sides import SideLabel
from loadtests.records.handler_record import ExecutedRecord, HandlerRecord, Runs
from loadtests.records.manifest import AgentRecord, Manifest, SideRecord
from loadtests.records.summary import CellResult, Interval, Outcome
from tests.made_up_runs import make_run

ASKED = "GET /x"
ALONE_S, CPU_S = 0.052, 0.0007
RATES: dict[tuple[int, SideLabel], float] = {
    (1, "a"): 1 / ALONE_S, (1, "b"): 1 / ALONE_S, (32, "a"): 612, (32, "b"): 612, (128, "a"): 775, (128, "b"): 1370,
}  # fmt: skip
"""Requests/s of a side with 40 threads, and of one without, that wait 51.3 ms and compute 0.7 ms."""


def handler(*runs: Runs, **changes: Any) -> HandlerRecord:
    return HandlerRecord(files=["main.py:3"], lines=["def x(): ..."], statements=[], runs=list(runs), **changes)


DEF, ASYNC = handler("def"), handler("async def")
TOLD = ExecutedRecord(count=0, threads=40)


def manifest_of(
    *,
    users: tuple[int, ...] = (1, 32, 128),
    a: HandlerRecord | None = DEF,
    b: HandlerRecord | None = ASYNC,
    told: ExecutedRecord | None = TOLD,
    settings: dict[str, str | int] | None = None,
    agent: AgentRecord | None = None,
) -> tuple[Manifest, Outcome]:
    """Return a run of two apps, of which the first may have other settings than the other."""
    manifest, outcome = make_run([ASKED], users, a="before", b="after")
    usual: dict[str, str | int] = {"app": "main:app", "workers": 1}
    changes = {
        "a": SideRecord(spec="before", settings={**(usual if settings is None else settings)}, agent=agent),
        "b": SideRecord(spec="after", settings={**usual}),
        "handlers": {ASKED: {label: record for label, record in (("a", a), ("b", b)) if record is not None}},
        "executed": {} if told is None else {ASKED: {"a": told, "b": told}},
    }
    return manifest.model_copy(update=changes), outcome


def measured(
    run: tuple[Manifest, Outcome], rates: dict[tuple[int, SideLabel], float] = RATES, cpu_s: float | None = CPU_S
) -> Outcome:
    def figures(cell: CellResult) -> CellResult:
        rate = rates[int(cell.load.size), cell.label]
        return replace(
            cell,
            throughput=Interval(rate, None),
            cpu_per_request=None if cpu_s is None else Interval(cpu_s, None),
        )

    manifest, outcome = run
    return with_limits(replace(outcome, cells=[figures(cell) for cell in outcome.cells]), manifest)
