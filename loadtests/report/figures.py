"""Each side's own figures, a row a load."""

from collections import Counter
from dataclasses import dataclass, field

from loadtests.analysis.summary import samples_needed
from loadtests.charts.view import View
from loadtests.charts.wording import milliseconds, number
from loadtests.experiment.loads import Load
from loadtests.records.outcome import CellResult, Interval

NOTHING = "—"
SHOWN = ("p50", "p95", "p99")
"""Percentiles with a column of their own."""


@dataclass(frozen=True)
class Figure:
    """One figure: how it reads, a hint where it needs one, and whether it is outside of what is expected."""

    text: str
    hint: str = ""
    off: bool = False


@dataclass(frozen=True)
class Row:
    """One side under one load."""

    load: Load
    label: str
    name: str
    figures: list[Figure]
    collapsed: list[str] = field(default_factory=list)


def columns(run: View) -> list[str]:
    """Return the headings of a row's figures."""
    rates = ["Offered/s", "Answered/s"] if run.open_loop else ["Requests/s"]
    lag = ["p99 lag, ms"] if run.open_loop else []
    return [
        *rates, *(f"{name}, ms" for name in SHOWN), *lag, "CPU/request, ms", "Memory", "Threads", "Requests", "Failed",
    ]  # fmt: skip


def row_of(run: View, cell: CellResult) -> Row:
    """Return one side's figures of one cell."""
    megabytes = NOTHING if cell.rss_bytes is None else f"{cell.rss_bytes / 1e6:,.0f} MB"
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in cell.failures.items())
    offered = [Figure(number(cell.offered))] if run.open_loop else []
    lag = [_percentile(cell.lag_s.get("p99"), cell, "p99")] if run.open_loop else []
    return Row(
        load=cell.load,
        label=cell.label,
        name=run.names[cell.label],
        figures=[
            *offered,
            _estimate(cell.throughput, 1),
            *(_percentile(cell.latency_s.get(name), cell, name) for name in SHOWN),
            *lag,
            _estimate(cell.cpu_per_request, 1000),
            Figure(megabytes),
            Figure(NOTHING if cell.threads is None else f"{cell.threads:,}"),
            Figure(f"{cell.requests:,}"),
            Figure(reasons or "0"),
        ],
        collapsed=[
            f"{sentence} ({count} of {run.blocks} blocks)" for sentence, count in Counter(cell.collapsed).most_common()
        ],
    )


def _estimate(known: Interval | None, scale: float) -> Figure:
    if known is None:
        return Figure(NOTHING, "not measured")
    between = known.interval
    text = f" ({number(between[0] * scale)} to {number(between[1] * scale)})" if between else ""
    return Figure(number(known.value * scale) + text)


def _percentile(value: float | None, cell: CellResult, name: str) -> Figure:
    if value is not None:
        return Figure(milliseconds(value))
    needed = samples_needed(float(name.removeprefix("p")))
    if cell.requests < needed:
        return Figure(NOTHING, f"{name} needs {needed:,} requests, there were {cell.requests:,}")
    return Figure(NOTHING, "falls among requests that failed")
