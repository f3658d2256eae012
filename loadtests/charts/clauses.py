"""Clauses that titles and answers are made of, and how they become a sentence (pure)."""

from collections.abc import Sequence

from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import NO_BREAK, milliseconds, named, number, ratio
from loadtests.experiment.loads import ascending
from loadtests.records.outcome import Comparison, SideLabel

CLIENT = "the load driver may have been the limit, not the server"
OURS = ("at ", "of ", "more ", "one ", "both ", "the ")
"""Words of ours that may begin a sentence, and then with a capital; a side's name stays as it is."""


def handling(view: View, label: SideLabel, c: Comparison, *, again: bool) -> str:
    """Say of a closed loop how many times as many requests b handles."""
    assert c.ratio is not None  # noqa: S101 - extremes have one
    as_many = f"{ratio(c.ratio)} times as many {c.scenario} requests"
    only = "only " if label == "a" else ""
    return as_many if again else f"{view.names['b']} handles {only}{as_many} as {view.names['a']}"


def waiting(view: View, label: SideLabel, c: Comparison, *, again: bool) -> str:
    """Say of an open loop how many times as long the slowest requests wait with the side that loses."""
    assert c.ratio is not None  # noqa: S101 - extremes have one
    times = f"{number(max(c.ratio, 1 / c.ratio))} times as long with {view.names[view.other(label)]}"
    if again:
        return f"those of {c.scenario} {times}"
    return f"the slowest 1 % of {c.scenario} requests wait {times} as with {view.names[label]}"


def said_of(view: View, c: Comparison) -> str:
    """Say what a headline's ratio means: how many times as many requests are handled, or how much longer they wait."""
    a, b = view.names["a"], view.names["b"]
    assert c.ratio is not None  # noqa: S101 - the caller has looked
    if not view.open_loop:
        only = "only " if c.ratio < 1 else ""
        return f"{b} handles {only}{ratio(c.ratio)} times as many requests as {a}"
    slow, fast, times = (b, a, c.ratio) if c.ratio > 1 else (a, b, 1 / c.ratio)
    return f"the slowest 1 % of requests wait {number(times)} times as long with {slow} as with {fast}{_p99s(view, c)}"


def _p99s(view: View, c: Comparison) -> str:
    """Return both sides' 99th percentiles of the response time in brackets, the longer one first; or nothing."""
    values = sorted((p99 for label in LABELS if (p99 := pooled(view, c, label, "p99"))), reverse=True)
    if len(values) < 2:
        return ""
    return f" (p99 {milliseconds(values[0])} against {milliseconds(values[1])}{NO_BREAK}ms)"


def pooled(view: View, c: Comparison, label: SideLabel, percentile: str) -> float | None:
    """Return a side's percentile of all blocks together, in seconds: the one that charts and tables show."""
    cell = view.cells.get((c.scenario, c.load, label))
    return cell.latency_s.get(percentile) if cell else None


def shared_load(wins: Sequence[tuple[SideLabel, Comparison]]) -> str:
    """Name the load of all wins, if it is one; else nothing."""
    loads = {c.load for _, c in wins}
    return named(ascending(loads)) if len(loads) == 1 else ""


def sentence(clauses: Sequence[str]) -> str:
    """Join clauses; a capital only where the first word is ours, never on a side's name."""
    text = "; ".join(clauses)
    return text[:1].upper() + text[1:] if text.startswith(OURS) else text
