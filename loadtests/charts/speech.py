"""What a run's charts are about and how to read them: throughput by users, or waiting by rate (pure)."""

from loadtests.charts.view import View
from loadtests.records.outcome import Metric

SHORT: dict[Metric, str] = {
    "throughput": "throughput",
    "p50": "p50",
    "p99": "p99",
    "cpu_per_request": "CPU per request",
}
"""Metrics as the heading of a column."""


def metrics(view: View) -> list[Metric]:
    """Return all metrics, the one that the verdicts are about first."""
    all_: list[Metric] = ["throughput", "p50", "p99", "cpu_per_request"]
    return sorted(all_, key=lambda metric: metric != view.metric)


def subject(view: View) -> str:
    """Return what the verdicts are about, as in "Verdicts on …"."""
    return "the slowest answers (p99)" if view.open_loop else "throughput"


def ratio_of(view: View, *, begins: bool = True) -> str:
    """Say what was divided by what."""
    a, b = view.names["a"], view.names["b"]
    if view.open_loop:
        text = f"the response time that 1 in 100 requests exceeds (p99) with {b}, divided by that with {a}"
    else:
        text = f"throughput of {b} divided by that of {a}"
    return text[0].upper() + text[1:] if begins else text


def meaning_of_ratio(view: View) -> str:
    """Say what a ratio of 2 would mean."""
    a, b = view.names["a"], view.names["b"]
    if view.open_loop:
        return (
            f"how many times as long the slowest 1 % of requests wait with {b} as with {a} (p99); below 1 {b} is better"
        )
    return f"how many times as many requests a second {b} handles; above 1 {b} is better"


def directions(view: View, upper: str, lower: str) -> str:
    """Say for whom each side of the grey zone speaks, in the words of an axis: "Above", "below"."""
    up, down = view.names[view.above], view.names[view.other(view.above)]
    if view.open_loop:
        return (
            f"{upper} the grey zone the slowest requests wait longer with {down}, so {up} is better;"
            f" {lower} it they wait longer with {up}."
        )
    return f"{upper} the grey zone {up} handles more requests, {lower} it {down}."
