"""Compare what a validation measured with its targets: each is met, missed or undecided (pure)."""

import math
from collections.abc import Callable, Iterator, Mapping

from loadtests.analysis.comparison import Finding, count, estimate, figure_finding, holm_levels, share_finding
from loadtests.analysis.figure_intervals import MeanOverBlocks
from loadtests.analysis.verdict_kinds import NO_VERDICT
from loadtests.experiment.loads import ClosedLoop
from loadtests.validation.record import (
    CapacityRecord,
    Check,
    Comparisons,
    DriversRecord,
    KnownComparison,
    OverloadRecord,
    QueueRecord,
    StallRecord,
    Study,
    Validation,
)
from loadtests.validation.response_times import Queue

MAX_FALSE_VERDICTS = 0.05
COVERAGE = (0.93, 0.97)
MIN_ALIKE = 200
"""Comparisons of a side with itself that are needed to prove a rate."""
MAX_ALIKE_HELD_BACK = 10
"""How many of them may be without a verdict because a flag held it back."""
MIN_RUNS = 50
MIN_EFFECTS = 40
"""Comparisons with an addition that are needed to prove a rate."""
POWER: Mapping[Study, tuple[str, float]] = {
    "cpu_10": ("10 % more CPU is found", 0.95),
    "wait_2": ("2 ms more wait in 20 ms is found", 0.95),
    "cpu_5": ("5 % more CPU is found", 0.80),
}
"""For each addition its name, and the share of comparisons that must find it."""
REGRESSION_RATIO = 0.97
"""The threshold that is to catch a loss of a tenth: ``--fail-if "throughput.ratio < 0.97"``."""
CAUGHT: Study = "cpu_10"
"""The addition that is such a loss."""
MIN_CAUGHT = 0.95
MAX_FALSE_ALARMS = 0.05
HELD_BACK = NO_VERDICT | {"collapsed", "too-few-blocks", "too-few-samples"}
"""Flags that leave a comparison without a verdict, whatever was measured."""
MAX_BIAS = 0.01
SERVER_SLACK_S = 0.001
"""A real server may add so much to a queue's response time: parsing, timers, loopback."""
MAX_STALL_ERROR = 0.10
MAX_CLOSED_P99_S = 0.1
MAX_LAG_S = 0.0015
MAX_LOG_DIFFERENCE = 0.05
MAX_CAPACITY_ERROR = 0.10
"""By simulation a search of one start ends within this in 98 of 100."""
MAX_CLIENT_DIFFERENCE = 0.10
MIN_HEADROOM = 0.75


def findings(validation: Validation) -> dict[Check, list[Finding]]:
    """Return the findings of each check that was carried out."""
    return {check: list(_FINDERS[check](getattr(validation, check))) for check in validation.checked()}


def within(finding: Finding) -> bool:
    """Return whether a figure itself lies inside its target, however sure that is."""
    return finding.aim[0] <= finding.found <= finding.aim[1]


def false_alarms(found: Comparisons) -> Iterator[Finding]:
    """Yield the findings of a side against itself, where every verdict for a side is false."""
    rows = [row for row in found.rows if can_have_verdict(row)]
    held_back = len(found.rows) - len(rows)
    runs = {row.run for row in rows}
    wrong = {row.run for row in rows if names_better_side(row)}
    # A comparison that was held back can't be wrong, so it must not count as right. A run counts all the same.
    least = MIN_ALIKE - (MAX_ALIKE_HELD_BACK if len(found.rows) >= MIN_ALIKE else 0)
    of = "comparisons" + (f", {held_back} more held back" if held_back else "")
    yield share_finding(
        "false verdicts", count([names_better_side(row) for row in rows]), (0, MAX_FALSE_VERDICTS), least=least, of=of
    )
    yield share_finding(
        "runs with a false verdict",
        count([run in wrong for run in sorted(runs)]),
        (0, MAX_FALSE_VERDICTS),
        least=MIN_RUNS,
        of="runs",
    )
    yield _coverage("intervals that hold 1", found.rows, MIN_ALIKE)
    missing = _misses_threshold(rows)
    yield share_finding(
        f"comparisons that miss {_threshold()}", count(missing), (0, MAX_FALSE_ALARMS), least=least, of=of
    )


def additions(found: Comparisons) -> Iterator[Finding]:
    """Yield the findings of sides with a known addition, which must be detected and measured correctly."""
    for study, (name, least) in POWER.items():
        rows = [row for row in found.rows if row.study == study]
        if not rows:
            continue
        fewest, most = min(row.blocks for row in rows), max(row.blocks for row in rows)
        blocks = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        detected = count([row.verdict == "a" for row in rows])  # more work is never better
        bound = sum(any(flag.startswith("driver-bound") for flag in row.flags) for row in rows)
        of = "comparisons" + (f", {bound} held back as driver-bound" if bound else "")
        yield share_finding(f"{name}, {blocks} blocks", detected, (least, 1), least=MIN_EFFECTS, of=of)
        if study == CAUGHT:
            caught = count(_misses_threshold(rows))
            yield share_finding(
                f"{name} by {_threshold()}", caught, (MIN_CAUGHT, 1), least=MIN_EFFECTS, of="comparisons"
            )
        measured = _by_run(rows)
        if len(measured) > 1:
            truth = estimate([row.truth for row in rows]).value
            off = estimate(measured)
            low, high = off.interval or (off.value, off.value)
            yield figure_finding(
                f"ratio of {study.replace('_', ' + ')}",
                "×",
                truth * off.value,
                (truth * (1 - MAX_BIAS), truth * (1 + MAX_BIAS)),
                truth=truth,
                interval=(truth * low, truth * high),
                note=f"geometric mean of {len(measured)} runs; the truth is {truth:.4f}",
            )
    yield _coverage("intervals that hold the true ratio", found.rows, len(POWER) * MIN_EFFECTS)


def _by_run(rows: list[KnownComparison]) -> list[float]:
    """Return measured ÷ true ratio, one value per run: comparisons of one run share their fresh starts."""
    runs: dict[int, list[float]] = {}
    for row in rows:
        if row.ratio:
            runs.setdefault(row.run, []).append(row.ratio / row.truth)
    return [estimate(ratios).value for ratios in runs.values()]


def _threshold() -> str:
    return f"throughput.ratio < {REGRESSION_RATIO:g}"


def _misses_threshold(rows: list[KnownComparison]) -> list[bool]:
    """Return of each comparison whether it misses the threshold, which is set for all cells of a run at once."""
    missed: dict[int, bool] = {}
    runs: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        if row.ratio and row.interval is not None and can_have_verdict(row):
            runs.setdefault(row.run, []).append(number)
    for numbers in runs.values():
        figures = [_figure(rows[number]) for number in numbers]
        levels = holm_levels([figure.p(REGRESSION_RATIO) for figure in figures])
        for number, figure, level in zip(numbers, figures, levels, strict=True):
            missed[number] = figure.interval(level)[1] < REGRESSION_RATIO
    return [missed.get(number, False) for number in range(len(rows))]


def _figure(row: KnownComparison) -> MeanOverBlocks:
    assert row.ratio is not None  # noqa: S101 - the caller has looked
    assert row.interval is not None  # noqa: S101 - the caller has looked
    return MeanOverBlocks.of_interval(row.ratio, row.interval, row.blocks)


def can_have_verdict(row: KnownComparison) -> bool:
    """Return whether a comparison could have a verdict: no flag held it back."""
    return not any(flag.partition(":")[0] in HELD_BACK for flag in row.flags)


def names_better_side(row: KnownComparison) -> bool:
    """Return whether the verdict calls one side better."""
    return row.verdict in ("a", "b")


def covers(row: KnownComparison) -> bool:
    """Return whether the interval holds the true ratio."""
    return row.interval is not None and row.interval[0] <= row.truth <= row.interval[1]


def _coverage(name: str, rows: list[KnownComparison], least: int) -> Finding:
    held = count([covers(row) for row in rows if row.interval is not None])
    return share_finding(name, held, COVERAGE, least=least, of="comparisons", truth=0.95)


def _queue(found: QueueRecord) -> Iterator[Finding]:
    queue = Queue(found.arrivals_rps, found.service_s)
    for name, wanted in (("p50", 50.0), ("p99", 99.0)):
        low, high = getattr(found.band, name)
        yield figure_finding(
            f"{name} of an M/M/1 queue",
            "ms",
            getattr(found.measured, name),
            (low, high + SERVER_SLACK_S),
            truth=queue.percentile_s(wanted),
            note=f"{found.requests:,} requests; the server's own log says {getattr(found.logged, name) * 1000:.1f} ms",
        )
    for name in ("p50", "p99"):
        logged = getattr(found.logged, name)
        most = max(SERVER_SLACK_S, MAX_LOG_DIFFERENCE * logged)
        yield figure_finding(
            f"{name} of that queue beside the server's log",
            "ms",
            getattr(found.measured, name),
            (logged - most, logged + most),
            truth=logged,
            note="the same requests, timed at both ends",
        )


def _stall(found: StallRecord) -> Iterator[Finding]:
    truth = found.for_s - 0.01 * found.every_s
    yield figure_finding(
        "p99 of an open loop",
        "ms",
        found.open_p99_s,
        (truth * (1 - MAX_STALL_ERROR), truth * (1 + MAX_STALL_ERROR)),
        truth=truth,
        note=f"{found.rate_rps:g}/s, the server stopped for {found.for_s:g} s in {found.every_s:g}",
    )
    stalled, requests = found.closed_stalled
    yield figure_finding(
        "p99 of a closed loop, which hides it",
        "ms",
        found.closed_p99_s,
        (0, MAX_CLOSED_P99_S),
        note=f"the same server, {found.users} users: {stalled} of {requests:,} requests met a stall",
    )
    yield figure_finding(
        f"dispatch lag, p99 at {found.pace_rps:,g}/s",
        "ms",
        found.pace_lag_p99_s,
        (0, MAX_LAG_S),
        note="the client's own delay",
    )
    logged = found.pace_logged_p99_s
    yield figure_finding(
        f"p99 at {found.pace_rps:,g}/s beside the server's log",
        "ms",
        found.pace_p99_s,
        (logged * (1 - MAX_LOG_DIFFERENCE), logged * (1 + MAX_LOG_DIFFERENCE)),
        truth=logged,
        note="a server that answers after 20 ms",
    )


def _overload(found: OverloadRecord) -> Iterator[Finding]:
    for row in found.rows:
        share, flagged = row.offered_rps / found.served_rps, "overloaded" in row.flags
        aim = (1.0, 1.0) if share > 1 else (0.0, 0.0)
        yield share_finding(
            f"flagged as overloaded at {100 * share:g} % of what it serves",
            count([flagged]),
            aim,
            least=1,
            of=f"cells; {row.offered_rps:,.0f} arrivals a second, {row.answered_rps:,.0f} answers;"
            f" {', '.join(row.flags) or 'no flag'}",
            truth=aim[0],
        )


def _capacity(found: CapacityRecord) -> Iterator[Finding]:
    low, high = ((rate or 0.0) / found.theory_rps for rate in (found.kept_rps, found.missed_rps or found.kept_rps))
    middle = math.sqrt(low * high)
    yield figure_finding(
        "highest rate that keeps an objective, found ÷ true",
        "×",
        middle,
        (1 - MAX_CAPACITY_ERROR, 1 + MAX_CAPACITY_ERROR),
        truth=1.0,
        interval=(low, high),
        note=f"{found.objective}: {middle * found.theory_rps:,.0f}/s found, {found.theory_rps:,.0f}/s by theory; the"
        " range is the last kept and the first missed",
    )


def _drivers(found: DriversRecord) -> Iterator[Finding]:
    for row in found.rows:
        value, low, high = row.apart
        yield figure_finding(
            f"{row.scenario}, {ClosedLoop(row.users)}: async ÷ sync, beside {row.client}",
            "×",
            value,
            (1 - MAX_CLIENT_DIFFERENCE, 1 + MAX_CLIENT_DIFFERENCE),
            truth=1.0,
            interval=(low, high),
            note=f"{row.ours[0]:.2f} here, {row.theirs[0]:.2f} by {row.client}",
        )
    for row in found.rows:
        if row.scenario == "noop":
            value, low, high = row.headroom
            yield figure_finding(
                f"requests a second of {ClosedLoop(row.users)}, beside {row.client}",
                "×",
                value,
                (MIN_HEADROOM, math.inf),
                interval=(low, high),
                note=f"{row.ours_rps:,.0f}/s here, {row.theirs_rps:,.0f}/s by {row.client}",
            )


_FINDERS: Mapping[Check, Callable[..., Iterator[Finding]]] = {
    "aa": false_alarms,
    "effects": additions,
    "queue": _queue,
    "stall": _stall,
    "overload": _overload,
    "capacity": _capacity,
    "drivers": _drivers,
}
