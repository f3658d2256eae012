"""Tables of the HTML report: each side's figures, their consistency (Little's law), predictions and limits."""

from collections import Counter
from dataclasses import dataclass, field

from loadtests.analysis.comparison import WORTH
from loadtests.analysis.failed_requests import REASONS, counted_in_words
from loadtests.analysis.flag_checks import DRIVER_BUSY_LIMIT, LITTLES_LAW_LIMIT
from loadtests.analysis.model.crossover import crossover_of
from loadtests.analysis.model.limits import worded_for
from loadtests.analysis.model.side_resources import side_resources
from loadtests.analysis.trial_summary import samples_needed
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS
from loadtests.records.summary import CellResult, Interval
from loadtests.report.answers import in_words
from loadtests.report.charts.predicted import NEAR
from loadtests.report.view import RunView
from loadtests.report.wording import NO_BREAK, milliseconds, number

NOTHING = "—"
NO_ANSWER = "not one good answer"
"""How a block says that all requests of a side failed."""
SHOWN = ("p50", "p95", "p99")
"""Percentiles with a column of their own."""
ADDING_UP = (
    "Ended/s", "Mean time, ms", "Their product", "In flight, mean", "Product ÷ in flight", "Driver busy, mean",
    "Driver’s busiest second",
)  # fmt: skip
"""Headings of a row's figures."""
PREDICTED = ("Predicted/s", "Measured/s", "Off by", "Limit")
"""Headings of a row's figures."""
OBSERVED = "Observed limit"
"""One more, where the servers were looked into."""


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
    failed: str = ""
    """What came instead of good answers."""


def columns(run: RunView) -> list[str]:
    """Return the headings of a row's figures."""
    rates = ["Offered/s", "Answered/s"] if run.open_loop else ["Requests/s"]
    lag = ["p99 lag, ms"] if run.open_loop else []
    return [
        *rates, *(f"{name}, ms" for name in SHOWN), *lag, "CPU/request, ms", "Memory", "Threads", "Requests", "Failed",
    ]  # fmt: skip


def row_of(run: RunView, cell: CellResult) -> Row:
    """Return one side's figures of one cell."""
    megabytes = NOTHING if cell.rss_bytes is None else f"{cell.rss_bytes / 1e6:,.0f} MB"
    failed = sum(cell.failures.values())
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
            Figure(f"{failed:,}", counted_in_words(cell.failed)),
        ],
        collapsed=[
            f"{sentence} ({count} of {run.blocks_of(cell.scenario, cell.load)} blocks)"
            for sentence, count in Counter(map(_without_counts, cell.collapsed)).most_common()
        ],
        failed=_failed(cell),
    )


def _without_counts(collapsed: str) -> str:
    """Return why a side collapsed in a block; of failed requests the row below says how many there were in all."""
    return NO_ANSWER if collapsed.startswith(f"{NO_ANSWER} (") else collapsed


def _failed(cell: CellResult) -> str:
    """Say what failed; by reason alone where no more was noted."""
    if cell.failed:
        return in_words(cell.failed, cell.scenario)
    return ", ".join(f"{count:,} × {REASONS.get(reason, reason)}" for reason, count in cell.failures.items())


def _estimate(known: Interval | None, scale: float) -> Figure:
    if known is None:
        return Figure(NOTHING, "not measured")
    between = known.interval
    text = f" ({number(between[0] * scale)} to {number(between[1] * scale)})" if between else ""
    return Figure(number(known.value * scale) + text)


def _percentile(value: float | None, cell: CellResult, name: str) -> Figure:
    if value is not None:
        return Figure(milliseconds(value))
    if cell.throughput is None:
        return Figure(NOTHING, "not measured")
    needed = samples_needed(float(name.removeprefix("p")))
    if cell.latency_samples < needed:
        return Figure(NOTHING, f"{name} needs {needed:,} requests, but there were {cell.latency_samples:,}")
    return Figure(NOTHING, "falls among requests that failed")


def adds_up(run: RunView, cell: CellResult) -> Row:
    """Return one side's figures of one cell, side by side with what they should be."""
    return Row(
        load=cell.load,
        label=cell.label,
        name=run.names[cell.label],
        figures=[
            *_littles_law(cell, steady=not run.overloaded(cell), thinking=run.thinking(cell.scenario)),
            _share(cell, cell.driver_busy),
            _share(cell, cell.driver_peak),
        ],
    )


def _littles_law(cell: CellResult, *, steady: bool, thinking: bool) -> list[Figure]:
    """Show requests that end a second × the time each takes, beside the number in flight, which is counted apart."""
    law, mean = cell.littles_law, cell.response_mean_s
    if law is None or not mean:
        return [Figure(NOTHING, "not measured")] * 5
    product = law * cell.in_flight
    missing = (
        not thinking and isinstance(cell.load, ClosedLoop) and cell.in_flight < (1 - LITTLES_LAW_LIMIT) * cell.load.size
    )
    of_users = f" of {cell.load}" if isinstance(cell.load, ClosedLoop) else ""
    return [
        Figure(number(product / mean)),
        Figure(milliseconds(mean)),
        Figure(number(product)),
        Figure(f"{number(cell.in_flight)}{of_users}", "the rest waited for the client" if missing else "", missing),
        Figure(
            f"{law:.3f}",
            "" if steady else "it falls behind",
            steady and not thinking and abs(law - 1) > LITTLES_LAW_LIMIT,
        ),
    ]


def _share(cell: CellResult, busy: float) -> Figure:
    if cell.throughput is None:
        return Figure(NOTHING, "not measured")
    return Figure(f"{busy:.0%}", "", isinstance(cell.load, ClosedLoop) and busy > DRIVER_BUSY_LIMIT)


def headings(run: RunView) -> tuple[str, ...]:
    """Return the headings of a row's figures."""
    return (*PREDICTED, OBSERVED) if _looked_into(run) else PREDICTED


def limit_of(run: RunView, cell: CellResult) -> Row | None:
    """Return one side's prediction of one cell; None where there is nothing to say of it."""
    if cell.limit is None and not cell.limit_unknown:
        return None
    measured = cell.throughput.value if cell.throughput else None
    off = cell.predicted_rps / measured - 1 if measured and cell.predicted_rps is not None else None
    known = None if cell.limit_unknown or cell.limit is None else worded_for(cell.limit, run.manifest, cell)
    figures = [
        Figure(NOTHING if cell.predicted_rps is None else number(cell.predicted_rps)),
        Figure(NOTHING if measured is None else number(measured)),
        Figure(NOTHING) if off is None else Figure(f"{off:+.0%}".replace("-0%", "+0%"), "", abs(off) > NEAR),
        Figure("not known", cell.limit_unknown) if known is None else Figure(known),
    ]
    if _looked_into(run):
        seen = cell.limit_seen
        shown = None if seen is None else worded_for(seen, run.manifest, cell)
        figures.append(Figure(NOTHING) if shown is None else Figure(shown, "", bool(known) and seen != cell.limit))
    return Row(load=cell.load, label=cell.label, name=run.names[cell.label], figures=figures)


def crossover_in_words(run: RunView, scenario: str) -> str:
    """Say from how many users on b handles more, by the model and as measured; nothing where the model says nothing."""
    a, b = (side_resources(run.manifest, label, scenario).has for label in LABELS)
    cells = [cell for (name, _, _), cell in run.cells.items() if name == scenario]
    if a is None or b is None or not any(cell.predicted_rps for cell in cells):
        return ""
    if any(cell.limit_unknown for cell in cells if cell.load in run.measured_loads(scenario)[-1:]):
        return ""  # where the model is wrong, or not to be asked, it does not know where the sides part either
    found = crossover_of(cells, run.headlines(scenario), a, b, run.manifest.driver_overhead_s)
    if found is None:
        return ""
    names, more = run.names, f"{WORTH - 1:.0%}".replace("%", f"{NO_BREAK}%")
    least = "–" if found.least is None else f"{found.least:,}"
    spread = f"{least} to {found.most:,}" if found.most else f"{least}, or never" if found.least else ""
    said = (
        f"The model predicts that {names['b']} handles {more} more than {names['a']} with {_users(found.users)} or more"
        if found.users
        else f"The model predicts that {names['b']} never handles {more} more than {names['a']}, whatever the load"
    ) + (f" ({spread}, with the CPU times of a request at the ends of their 95{NO_BREAK}% intervals)" if spread else "")
    if found.from_users is None:
        return f"{said}. The run measured this at no load with certainty."
    if found.not_yet is None:
        return f"{said}. The run measured this already at its lightest load, {_users(found.from_users)}."
    return f"{said}. The run measured this with {_users(found.from_users)}, but not with {found.not_yet:,}."


def _users(count: int) -> str:
    return f"{count:,} user{'s' if count != 1 else ''}"


def agreement(run: RunView) -> str:
    """Say in how many cells the limit that was predicted is the one that was seen; nothing where nobody looked."""
    judged = [cell.limit == cell.limit_seen for cell in run.cells.values() if cell.limit and cell.limit_seen]
    if not judged:
        return ""
    return f"The predicted limit was the observed one in {sum(judged)} of {len(judged)} predictions."


def _looked_into(run: RunView) -> bool:
    return any(cell.limit_seen for cell in run.cells.values())
