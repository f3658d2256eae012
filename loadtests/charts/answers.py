"""The question answered for one scenario: which side is better, where, by how much, how sure (pure)."""

from collections.abc import Sequence

from loadtests.charts.clauses import CLIENT, said_of
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import MARGIN_PERCENT, named, ratio
from loadtests.experiment.loads import ascending
from loadtests.kinds import fell_behind, gave_up, limited
from loadtests.records.outcome import Comparison

OTHERWISE = {
    "equal": "no difference worth having {where}",
    "few": "too few requests to know the slowest 1 % {where}",
    "limited": f"no verdict {{where}}, because {CLIENT}",
}
"""What is said of cells in which neither side is better."""


def answer(view: View, scenario: str) -> str:
    """Answer the question for one scenario: which side is better, where, by how much, how sure."""
    cells = view.headlines(scenario)
    planned = {load for s, load in view.manifest.cells() if s.name == scenario}
    clauses = [_clause(view, kind, group, len(planned)) for kind, group in _grouped(cells)]
    missing = ascending(planned - {c.load for c in cells})
    if missing:
        clauses.append(f"not measured at {named(missing)}" if cells else "not measured")
    return "; ".join(clauses) + "."


def _grouped(cells: Sequence[Comparison]) -> list[tuple[str, list[Comparison]]]:
    groups: dict[str, list[Comparison]] = {
        kind: [] for kind in ("gone a", "gone b", "b", "a", "small b", "small a", "equal", "open", "few", "limited")
    }
    for c in cells:
        if gone := gave_up(c):
            groups[f"gone {gone}"].append(c)
        elif c.verdict in LABELS:
            groups[f"small {c.verdict}" if "small" in c.flags else c.verdict].append(c)
        elif limited(c):
            groups["limited"].append(c)
        elif "too-few-samples" in c.flags:
            groups["few"].append(c)
        else:
            groups["equal" if c.verdict == "equivalent" else "open"].append(c)
    return [(kind, group) for kind, group in groups.items() if group]


def _clause(view: View, kind: str, group: Sequence[Comparison], of: int) -> str:
    a, b = view.names["a"], view.names["b"]
    loads = ascending(c.load for c in group)
    where = f"at every {_load_word(view)}" if 1 < of == len(group) else f"at {named(loads)}"
    match kind.split():
        case ["gone", gone]:
            other = a if gone == "b" else b
            return f"{a if gone == 'a' else b} collapses {where}, {other} does not"
        case ["small", better]:
            name = a if better == "a" else b
            return f"{name} is better by less than {MARGIN_PERCENT} %, for sure but too little to matter, {where}"
        case ["open"]:
            return f"not decided {where.replace('every', 'any')}" + _behind(view, group)
        case ["a" | "b" as better]:
            name = a if better == "a" else b
            return f"{name} is better {where}" + _how_much(view, group) + _behind(view, group)
    if kind == "limited":
        where = where.replace("every", "any")
    return OTHERWISE[kind].format(where=where) + _behind(view, group)


def _load_word(view: View) -> str:
    return "rate" if view.open_loop else "load"


def _how_much(view: View, group: Sequence[Comparison]) -> str:
    """Say what the ratio is at the highest load of a group at which it means something, and how sure."""
    settled = [c for c in group if c.ratio is not None and not fell_behind(c)]
    if not settled:
        return ""
    top = max(settled, key=lambda c: c.load.size)
    at = f" at {named([top.load])}" if len(group) > 1 else ""
    return f": {said_of(view, top)}{at}{_interval(view, top)}"


def _interval(view: View, c: Comparison) -> str:
    if c.interval is None or c.ratio is None:
        return ""
    low, high = c.interval if not view.open_loop or c.ratio > 1 else (1 / c.interval[1], 1 / c.interval[0])
    return (
        f", 95 % interval {ratio(low)} to {ratio(high)}"
        if view.open_loop
        else f" (95 % interval {ratio(low)} to {ratio(high)})"
    )


def _behind(view: View, group: Sequence[Comparison]) -> str:
    """Say which side can't keep up with the arrivals, if one of the group can't, or may not."""
    late = {label: ascending(c.load for c in group if label in view.behind(c)) for label in LABELS}
    if late["a"] and late["a"] == late["b"]:
        return f" (neither side keeps up at {named(late['a'])})"
    said = [f"{view.names[label]} can't keep up at {named(loads)}" for label, loads in late.items() if loads]
    for label in LABELS:
        loads = ascending(c.load for c in group if label in fell_behind(c) and label not in view.behind(c))
        said += [f"{view.names[label]} may not keep up at {named(loads)}"] if loads else []
    return f" ({', '.join(said)})" if said else ""
