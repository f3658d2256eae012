"""Titles of charts, each a sentence that states the finding: who is better, where, by how much (pure).

Titles are made of clauses. Some tell verdicts, others figures: throughput, response times, server CPU.
"""

from collections.abc import Sequence
from typing import Literal

from loadtests.analysis.verdict_kinds import fell_behind, is_alike, no_verdict
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import Comparison, Metric
from loadtests.report.highlights import ahead, extremes, losses, share, taken_out, unconfirmed, undecided
from loadtests.report.view import RunView
from loadtests.report.wording import NO_BREAK, listed, milliseconds, named, number, ratio

OURS = ("at ", "of ", "more ", "one ", "both ", "the ")
"""Words of ours that may begin a sentence, and then with a capital; a side's name stays as it is."""


def handling(view: RunView, label: SideLabel, c: Comparison, *, again: bool) -> str:
    """Say of a closed loop how many times as many requests b handles."""
    assert c.ratio is not None  # noqa: S101 - extremes have one
    as_many = f"{ratio(c.ratio)} times as many {c.scenario} requests"
    only = "only " if label == "a" else ""
    return as_many if again else f"{view.names['b']} handles {only}{as_many} as {view.names['a']}"


def waiting(view: RunView, label: SideLabel, c: Comparison, *, again: bool) -> str:
    """Say of an open loop how many times as long the slowest requests wait with the side that loses."""
    assert c.ratio is not None  # noqa: S101 - extremes have one
    times = f"{number(max(c.ratio, 1 / c.ratio))} times as long with {view.names[view.other(label)]}"
    if again:
        return f"those of {c.scenario} {times}"
    return f"the slowest 1 % of {c.scenario} requests wait {times} as with {view.names[label]}"


def ratio_in_words(view: RunView, c: Comparison) -> str:
    """Say what a headline's ratio means: how many times as many requests are handled, or how much longer they wait."""
    a, b = view.names["a"], view.names["b"]
    assert c.ratio is not None  # noqa: S101 - the caller has looked
    if not view.open_loop:
        only = "only " if c.ratio < 1 else ""
        return f"{b} handles {only}{ratio(c.ratio)} times as many requests as {a}"
    slow, fast, times = (b, a, c.ratio) if c.ratio > 1 else (a, b, 1 / c.ratio)
    return (
        f"the slowest 1 % of requests wait {number(times)} times as long with {slow} as with {fast}{_both_p99(view, c)}"
    )


def _both_p99(view: RunView, c: Comparison) -> str:
    """Return both sides' 99th percentiles of the response time in brackets, the longer one first; or nothing."""
    values = sorted((p99 for label in LABELS if (p99 := pooled(view, c, label, "p99"))), reverse=True)
    if len(values) < 2:
        return ""
    return f" (p99 {milliseconds(values[0])} against {milliseconds(values[1])}{NO_BREAK}ms)"


def pooled(view: RunView, c: Comparison, label: SideLabel, percentile: str) -> float | None:
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


def ratio_title(view: RunView, load: Load | None = None) -> str:
    """Say where each side wins most; at one load or at all."""
    found = losses(view, load)
    wins = extremes(view, view.metric, load)[: 1 if found else 2]
    at = shared_load(wins)
    clause = waiting if view.open_loop else handling
    clauses = [
        clause(view, label, c, again=position > 0) + ("" if at else f" at {named([c.load])}")
        for position, (label, c) in enumerate(wins)
    ]
    if clauses:
        found.append((f"at {at}, " if at else "") + ", but ".join(clauses))
    return sentence(found) + share(view, load) if found else undecided(view, load)


def loads_title(view: RunView) -> str:
    """Say of every decided scenario which side is ahead, and from which load on, or that there is no difference."""
    clauses = losses(view)
    said = len(clauses)
    for kind in (*reversed(LABELS), "equal"):
        spans: dict[tuple[Load, Load], list[str]] = {}
        for scenario in view.scenarios:
            settled = _settled_over(view.headlines(scenario.name))
            if settled is not None and settled[0] == kind:
                spans.setdefault(settled[1], []).append(scenario.name)
        where = [
            f"in {listed(names)}{_loads_of_span(view, span)}"
            for span, names in sorted(spans.items(), key=lambda item: item[0][0].size)
        ]
        if kind == "equal":
            where = where if len(clauses) > said else []  # a run without a difference has a title of its own
            what = "no meaningful difference"
        else:
            name = view.names["b" if kind == "b" else "a"]
            what = f"{name}’s slowest 1 % wait less" if view.open_loop else f"{name} is ahead"
        if where:
            clauses.append(f"{what} {', '.join(where)}")
    return sentence(clauses) + share(view) if clauses else ratio_title(view)


def _settled_over(comparisons: Sequence[Comparison]) -> tuple[SideLabel | Literal["equal"], tuple[Load, Load]] | None:
    """Return what was found at the highest load that is decided, and between which loads it is; None if none is.

    A side is ahead if it wins by more than the margin.
    """
    found = [(c.load, _found(c)) for c in comparisons if not no_verdict(c) and not fell_behind(c)]
    while found and found[-1][1] is None:
        found.pop()
    if not found or (last := found[-1][1]) is None:
        return None
    first = next((load for load, kind in reversed(found) if kind != last), None)
    loads = [load for load, _ in found if first is None or load.size > first.size]
    return last, (loads[0], loads[-1])


def _found(c: Comparison) -> SideLabel | Literal["equal"] | None:
    if ahead(c, "a"):
        return "a"
    if ahead(c, "b"):
        return "b"
    return "equal" if is_alike(c) else None


def _loads_of_span(view: RunView, span: tuple[Load, Load]) -> str:
    first, last = span
    if len(view.loads) == 1:
        return ""
    if first == last:
        return f" at {named([last])}"
    if last != view.loads[-1] and first == view.loads[0]:
        return f" up to {named([last])}"
    if last != view.loads[-1] or taken_out(view):
        return f" from {named([first])} " + ("on" if last == view.loads[-1] else f"to {named([last])}")
    return (
        f" at every {'rate' if view.open_loop else 'load'}" if first == view.loads[0] else f" from {named([first])} on"
    )


def throughput_title(view: RunView) -> str:
    """Say the figures behind the largest differences in throughput; of an open loop, who falls behind."""
    return _open_loop_throughput(view) if view.open_loop else _closed_loop_throughput(view)


def _closed_loop_throughput(view: RunView) -> str:
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
            f"{view.names[label]} answers {value[label]} {c.scenario} requests per second{where},"
            f" {view.names[loser]} {value[loser]}"
        )
    if clauses:
        found.append((f"at {at}, " if at else "") + "; ".join(clauses))
    return sentence(found) or undecided(view)


def _open_loop_throughput(view: RunView) -> str:
    behind = [c for c in view.headlines() if view.behind(c)]
    if not behind and (doubtful := unconfirmed(view)):
        return "; ".join(doubtful) + ", but that is not certain"
    if not behind:
        out = taken_out(view)
        if len(out) == len(view.headlines()):
            return undecided(view)
        but = " wherever it is not driver-bound" if out else ""
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
        clauses.append(f"of {worst.load.size:,.10g} {scenario} requests per second, {', '.join(answered)}")
    return sentence(clauses)


def latency_title(view: RunView) -> str:
    """Say the largest differences at the highest load: between medians, or in an open loop between p99s."""
    at = view.highest
    metric: Metric = "p99" if view.open_loop else "p50"
    clauses = []
    for label, c in extremes(view, metric, at):
        value = {side: _percentile_in_ms(view, c, side, metric) for side in LABELS}
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
    return sentence(losses(view, at)) or f"No confirmed difference between the {what} response times at {named([at])}"


def _percentile_in_ms(view: RunView, c: Comparison, label: SideLabel, metric: Metric) -> str:
    """Return the percentile of all blocks together, which is the one that the chart shows."""
    value = pooled(view, c, label, metric) or (c.a if label == "a" else c.b).value or 0.0
    return f"{milliseconds(value)}{NO_BREAK}ms"


def cpu_title(view: RunView) -> str:
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
    return sentence(clauses) or "No confirmed difference in server CPU per request"
