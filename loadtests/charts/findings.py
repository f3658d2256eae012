"""Titles that tell verdicts: who is better, where, by how much (pure)."""

from collections.abc import Sequence

from loadtests.charts.clauses import handling, sentence, shared_load, waiting
from loadtests.charts.decided import share, undecided
from loadtests.charts.picks import ahead, extremes, losses, taken_out
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import named, some
from loadtests.experiment.loads import Load
from loadtests.kinds import fell_behind, limited
from loadtests.records.outcome import Comparison, SideLabel


def of_ratio(view: View, load: Load | None = None) -> str:
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


def of_loads(view: View) -> str:
    """Say from which load on each side is ahead, and in which scenarios."""
    clauses = losses(view)
    for label in reversed(LABELS):
        spans: dict[tuple[Load, Load], list[str]] = {}
        for scenario in view.scenarios:
            span = _ahead_over(view.headlines(scenario.name), label)
            if span is not None:
                spans.setdefault(span, []).append(scenario.name)
        where = [
            f"in {some(names)}{_span(view, span)}"
            for span, names in sorted(spans.items(), key=lambda item: item[0][0].size)
        ]
        if where:
            what = f"{view.names[label]}’s slowest 1 % wait less" if view.open_loop else f"{view.names[label]} is ahead"
            clauses.append(f"{what} {', '.join(where)}")
    return sentence(clauses) + share(view) if clauses else of_ratio(view)


def _ahead_over(comparisons: Sequence[Comparison], label: SideLabel) -> tuple[Load, Load] | None:
    """Return between which loads a side wins by more than the margin; None if it doesn't at the highest that counts."""
    counted = [c for c in comparisons if not limited(c) and not fell_behind(c)]
    start = None
    for c in reversed(counted):
        if not ahead(c, label):
            break
        start = c.load
    return (start, counted[-1].load) if start else None


def _span(view: View, span: tuple[Load, Load]) -> str:
    first, last = span
    if len(view.loads) == 1:
        return ""
    if first == last:
        return f" at {named([last])}"
    if last != view.loads[-1] or taken_out(view):
        return f" from {named([first])} " + ("on" if last == view.loads[-1] else f"to {named([last])}")
    return (
        f" at every {'rate' if view.open_loop else 'load'}" if first == view.loads[0] else f" from {named([first])} on"
    )
