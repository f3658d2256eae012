"""Validations that never happened; for looking at charts and pages, and testing them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from loadtests.records.summary import Verdict
from loadtests.system.machine import Environment
from loadtests.validation.record import (
    Agreement,
    Band,
    CapacityRecord,
    Comparisons,
    DriversRecord,
    KnownComparison,
    OverloadRecord,
    Percentiles,
    Provenance,
    QueueRecord,
    RateFlags,
    StallRecord,
    Study,
    Validation,
)

PROVENANCE = Provenance(created=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), commit="abc", seconds=60.0)


def environment(**changes: Any) -> Environment:
    known = {
        "cpu": "a processor", "cores": 2, "memory_bytes": 8 * 2**30, "system": "Linux 6", "virtualisation": None,
        "governor": None, "load_average": 0.1, "python": "CPython 3.11", "packages": {}, "sqlite": "3", "commit": "abc",
    }  # fmt: skip
    return Environment.model_validate(known | changes)


def row(
    verdict: Verdict,
    *,
    study: Study = "alike",
    truth: float = 1.0,
    off: float = 1.0,
    half: float = 1.02,
    run: int = 0,
    flags: tuple[str, ...] = (),
) -> KnownComparison:
    """Return a comparison whose ratio is ``off`` times the truth, with an interval of a factor ``half`` each way."""
    ratio = truth * off
    return KnownComparison(
        study=study, run=run, sides=("x", "y"), scenario="GET /cpu", users=4, blocks=6, truth=truth,
        ratio=ratio, interval=(ratio / half, ratio * half), verdict=verdict, flags=list(flags),
    )  # fmt: skip


def comparisons(rows: list[KnownComparison]) -> Comparisons:
    return Comparisons(occasion=PROVENANCE, time_s=0.8, rows=rows)


def queued(**changes: Any) -> QueueRecord:
    known: dict[str, Any] = {
        "occasion": PROVENANCE, "queues": 4, "arrivals_rps": 50.0, "service_s": 0.01, "window_s": 60.0,
        "requests": 12_000,
        "theory": Percentiles(p50=0.01386, p99=0.0921), "band": Band(p50=(0.0133, 0.0145), p99=(0.083, 0.105)),
        "measured": Percentiles(p50=0.0141, p99=0.0950), "logged": Percentiles(p50=0.0138, p99=0.0947),
    }  # fmt: skip
    return QueueRecord.model_validate(known | changes)


def stalled(**changes: Any) -> StallRecord:
    known: dict[str, Any] = {
        "occasion": PROVENANCE, "every_s": 10.0, "for_s": 1.0, "window_s": 30.0, "rate_rps": 100.0, "users": 4,
        "open_p99_s": 0.91, "closed_p99_s": 0.023, "closed_stalled": (12, 5000), "pace_rps": 1000.0,
        "pace_p99_s": 0.0221, "pace_logged_p99_s": 0.0217, "pace_lag_p99_s": 0.0011,
    }  # fmt: skip
    return StallRecord.model_validate(known | changes)


def overloaded(below: tuple[str, ...] = (), above: tuple[str, ...] = ("overloaded",)) -> OverloadRecord:
    """Return queues with those flags at half of what they serve, and at a quarter more than that."""
    rows = [
        RateFlags(offered_rps=200, answered_rps=200, flags=list(below)),
        RateFlags(offered_rps=500, answered_rps=400, flags=list(above)),
    ]
    return OverloadRecord(occasion=PROVENANCE, served_rps=400, trials=4, rows=rows)


def capacity(kept_rps: float | None = 330.0, missed_rps: float | None = 345.0) -> CapacityRecord:
    return CapacityRecord(
        occasion=PROVENANCE, objective="p99 within 300 ms, at most 1 % failed", theory_rps=338.6,
        kept_rps=kept_rps, missed_rps=missed_rps, probes=9,
    )  # fmt: skip


def other_clients(
    apart: tuple[float, float, float], headroom: tuple[float, float, float], users: int = 64
) -> DriversRecord:
    rows = [
        Agreement(
            client="wrk", scenario=name, users=users, ours=(2.2, 2.1, 2.3), theirs=(2.2, 2.1, 2.3), apart=apart,
            ours_rps=5000, theirs_rps=5500, headroom=headroom,
        )
        for name in ("noop", "query")
    ]  # fmt: skip
    return DriversRecord(occasion=PROVENANCE, users=64, rounds=8, seconds=1, clients=["httpx", "wrk"], rows=rows)


def whole(comparisons_: int = 200, **changes: Any) -> Validation:
    """Return a validation of a good harness, with one miss."""
    rng = np.random.default_rng(5)
    own = [row("equivalent", off=float(np.exp(rng.normal(0, 0.01))), run=i // 4) for i in range(comparisons_)]
    additions: tuple[tuple[Study, float], ...] = (("cpu_10", 0.914), ("wait_2", 0.911), ("cpu_5", 0.955))
    added = [
        row("a", study=study, truth=truth, off=float(np.exp(rng.normal(0, 0.01))), run=100 + i)
        for study, truth in additions
        for i in range(40)
    ]
    known: dict[str, Any] = {
        "machine": "m", "environment": environment(), "quick": False, "complete": True, "aa": comparisons(own),
        "effects": comparisons(added).model_copy(update={"work_share": {4: 0.93, 8: 0.94}}), "queue": queued(),
        "stall": stalled(pace_lag_p99_s=0.0019), "drivers": other_clients((1.02, 0.95, 1.09), (0.9, 0.8, 1.0)),
        "overload": overloaded(), "capacity": capacity(),
    }  # fmt: skip
    return Validation.model_validate(known | changes)
