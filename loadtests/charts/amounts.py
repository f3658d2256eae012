"""Titles that tell figures: requests answered, response times, server CPU (pure)."""

from loadtests.charts.clauses import pooled, sentence, shared_load
from loadtests.charts.decided import undecided
from loadtests.charts.picks import extremes, losses, maybes, taken_out
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import NO_BREAK, milliseconds, named, number
from loadtests.records.outcome import Comparison, Metric, SideLabel


def of_throughput(view: View) -> str:
    """Say the figures behind the largest differences in throughput; of an open loop, who falls behind."""
    return _keeping_up(view) if view.open_loop else _answering(view)


def _answering(view: View) -> str:
    found = losses(view)
    wins = extremes(view, "throughput")[: 1 if found else 2]
    at = shared_load(wins)
    clauses = []
    for label, c in wins:
        assert c.a.value is not None and c.b.value is not None  # noqa: PT018, S101 - extremes have both
        value: dict[SideLabel, str] = {"a": number(c.a.value), "b": number(c.b.value)}
        loser = view.other(label)
        where = "" if at else f" at {named([c.load])}"
        clauses.append(
            f"{view.names[label]} answers {value[label]} {c.scenario} requests a second{where},"
            f" {view.names[loser]} {value[loser]}"
        )
    if clauses:
        found.append((f"at {at}, " if at else "") + "; ".join(clauses))
    return sentence(found) or undecided(view)


def _keeping_up(view: View) -> str:
    behind = [c for c in view.headlines() if view.behind(c)]
    if not behind and (doubtful := maybes(view)):
        return "; ".join(doubtful) + ", but that is not sure"
    if not behind:
        out = taken_out(view)
        if len(out) == len(view.headlines()):
            return undecided(view)
        but = " wherever the client was not the limit" if out else ""
        return f"{view.names['b']} and {view.names['a']} both keep up with every rate{but}"
    clauses = []
    for scenario in list(dict.fromkeys(c.scenario for c in behind))[:2]:
        worst = max((c for c in behind if c.scenario == scenario), key=lambda c: c.load.size)
        cells = {label: view.cells[scenario, worst.load, label] for label in LABELS}
        answered = [
            f"{view.names[label]} {'answers ' if not position else ''}{number(known.value)}"
            for position, label in enumerate(sorted(LABELS, key=lambda label: label not in view.behind(worst)))
            if (known := cells[label].throughput)
        ]
        clauses.append(f"of {worst.load.size:,.10g} {scenario} requests a second {', '.join(answered)}")
    return sentence(clauses)


def of_latency(view: View) -> str:
    """Say the largest differences at the highest load: between medians, or in an open loop between p99s."""
    at = view.highest
    metric: Metric = "p99" if view.open_loop else "p50"
    clauses = []
    for label, c in extremes(view, metric, at):
        value = {side: _shown(view, c, side, metric) for side in LABELS}
        loser = view.other(label)
        if view.open_loop:
            clauses.append(
                f"1 in 100 {c.scenario} requests takes longer than {value[loser]} with {view.names[loser]},"
                f" {value[label]} with {view.names[label]}"
            )
        else:
            clauses.append(
                f"the median {c.scenario} request takes {value[label]} with {view.names[label]},"
                f" {value[loser]} with {view.names[loser]}"
            )
    if clauses:
        return sentence([f"at {named([at])}, " + "; ".join(clauses)])
    what = "99th percentiles of the" if view.open_loop else "median"
    return sentence(losses(view, at)) or f"No sure difference between the {what} response times at {named([at])}"


def _shown(view: View, c: Comparison, label: SideLabel, metric: Metric) -> str:
    """Return the percentile of all blocks together, which is the one that the chart shows."""
    value = pooled(view, c, label, metric) or (c.a if label == "a" else c.b).value or 0.0
    return f"{milliseconds(value)}{NO_BREAK}ms"


def of_cpu(view: View) -> str:
    """Say the largest differences in what a request costs the server."""
    wins = extremes(view, "cpu_per_request", view.highest) or extremes(view, "cpu_per_request")
    at = shared_load(wins)
    clauses = []
    for label, c in wins:
        assert c.a.value is not None and c.b.value is not None  # noqa: PT018, S101
        value: dict[SideLabel, str] = {"a": milliseconds(c.a.value), "b": milliseconds(c.b.value)}
        where = "" if at else f" at {named([c.load])}"
        loser = view.other(label)
        clauses.append(
            f"one {c.scenario} request costs {value[label]}{NO_BREAK}ms of server CPU with {view.names[label]},"
            f" {value[loser]}{NO_BREAK}ms with {view.names[loser]}{where}"
        )
    if at and clauses:
        return f"At {at}, {'; '.join(clauses)}"
    return sentence(clauses) or "No sure difference in the server CPU that a request costs"
