"""What a run found, in sentences that stand as titles (pure)."""

import math
from collections.abc import Sequence

from loadtests.charts.view import LABELS, View, gave_up
from loadtests.charts.wording import NO_BREAK, listed, milliseconds, named, number, ratio
from loadtests.comparison import MARGIN
from loadtests.loads import Load, ascending
from loadtests.outcome import Comparison, Metric, SideLabel

MARGIN_PERCENT = round(100 * (math.exp(MARGIN) - 1))


def of_ratio(view: View, load: Load | None = None) -> str:
    """Say where each side wins most, as b ÷ a; at one load or at all."""
    found = collapses(view, load)
    wins = extremes(view, "throughput", load)[: 1 if found else 2]
    at = _shared_load(wins)
    clauses = []
    for position, (label, c) in enumerate(wins):
        assert c.ratio is not None  # noqa: S101 - extremes have one
        as_many = f"{ratio(c.ratio)} times as many {c.scenario} requests"
        where = "" if at else f" at {named([c.load])}"
        if position:
            clauses.append(f"but {as_many}{where}")
        else:
            only = "only " if label == "a" else ""
            clauses.append(f"{view.names['b']} handles {only}{as_many} as {view.names['a']}{where}")
    if clauses:
        found.append((f"at {at}, " if at else "") + ", ".join(clauses))
    return _sentence(found) or undecided(view, load)


def of_loads(view: View) -> str:
    """Say from which load on each side is ahead, and in which scenarios."""
    clauses = collapses(view)
    for label in reversed(LABELS):
        starts: dict[Load, list[str]] = {}
        for scenario in view.scenarios:
            start = _ahead_from(view.headlines(scenario.name), label)
            if start is not None:
                starts.setdefault(start, []).append(scenario.name)
        ahead = []
        for start, names in sorted(starts.items(), key=lambda item: item[0].size):
            several = len(view.loads) > 1
            since = "" if not several else " at every load" if start == view.loads[0] else f" from {named([start])} on"
            if start == view.loads[-1] and several:
                since = f" at {named([start])}"
            ahead.append(f"in {_some(names)}{since}")
        if ahead:
            clauses.append(f"{view.names[label]} is ahead {', '.join(ahead)}")
    return "; ".join(clauses) or of_ratio(view)


def _ahead_from(comparisons: Sequence[Comparison], label: SideLabel) -> Load | None:
    """Return the load from which on a side wins by more than the margin; None if it doesn't at the highest."""
    start = None
    for c in reversed(comparisons):
        if c.verdict != label or "small" in c.flags or gave_up(c):
            break
        start = c.load
    return start


def of_throughput(view: View) -> str:
    """Say the figures behind the largest differences in throughput."""
    found = collapses(view)
    wins = extremes(view, "throughput")[: 1 if found else 2]
    at = _shared_load(wins)
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
    return _sentence(found) or undecided(view)


def of_latency(view: View) -> str:
    """Say the largest differences between medians at the highest load."""
    at = view.highest
    wins = extremes(view, "p50", at)
    clauses = []
    for label, c in wins:
        value = {side: milliseconds(_median(view, c, side)) for side in LABELS}
        loser = view.other(label)
        clauses.append(
            f"the median {c.scenario} request takes {value[label]}{NO_BREAK}ms with {view.names[label]},"
            f" {value[loser]}{NO_BREAK}ms with {view.names[loser]}"
        )
    if not clauses:
        return f"No sure difference between the median response times at {named([at])}"
    return _sentence([f"at {named([at])}, " + "; ".join(clauses)])


def _median(view: View, c: Comparison, label: SideLabel) -> float:
    """Return the median of all blocks together, which is the one that the chart shows."""
    cell = view.cells[c.scenario, c.load, label]
    return cell.latency_s.get("p50") or (c.a if label == "a" else c.b).value or 0.0


def of_cpu(view: View) -> str:
    """Say the largest differences in what a request costs the server."""
    wins = extremes(view, "cpu_per_request", view.highest) or extremes(view, "cpu_per_request")
    at = _shared_load(wins)
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
    return _sentence(clauses) or "No sure difference in the server CPU that a request costs"


def extremes(view: View, metric: Metric, at: Load | None = None) -> list[tuple[SideLabel, Comparison]]:
    """Return for b, then for a, the comparison that it wins by most, if it wins one by more than the margin.

    Differences of about the same size count as equal, and the heavier load speaks for them.
    """

    def size(c: Comparison) -> tuple[float, float]:
        return round(abs(math.log(c.ratio or 1)), 1), c.load.size

    found: list[tuple[SideLabel, Comparison]] = []
    for label in reversed(LABELS):
        won = [
            c
            for c in view.all(metric)
            if c.verdict == label
            and c.ratio is not None
            and "small" not in c.flags
            and gave_up(c) is None
            and at in (None, c.load)
        ]
        if won:
            found.append((label, max(won, key=size)))
    return found


def collapses(view: View, at: Load | None = None) -> list[str]:
    """Say, for each side that lost cells by collapsing, which; at one load or at all."""
    found = []
    for label in LABELS:
        lost = [c for c in view.headlines() if gave_up(c) == label and at in (None, c.load)]
        if lost:
            scenarios = list(dict.fromkeys(c.scenario for c in lost))
            loads = ascending({c.load for c in lost if c.scenario == scenarios[0]})
            same = all(ascending(c.load for c in lost if c.scenario == name) == loads for name in scenarios)
            where = f" at {named(loads)}" if same else ""
            found.append(f"{view.names[label]} collapses in {_some(scenarios)}{where}")
    return found


def undecided(view: View, at: Load | None = None) -> str:
    """Say how little the run decided: the title where neither side wins by more than the margin."""
    cells = [c for c in view.headlines() if at in (None, c.load)]
    a, b = view.names["a"], view.names["b"]
    verdicts = [c.verdict for c in cells]
    close = sum(c.verdict == "equivalent" or "small" in c.flags for c in cells)
    where = "everywhere" if at is None else f"at {named([at])}"
    if close == len(verdicts):
        return f"No difference worth having: {b} and {a} are within {MARGIN_PERCENT} % of each other {where}"
    if close:
        return (
            f"No difference worth having between {b} and {a} in {close} of {len(verdicts)} cells, the rest is undecided"
        )
    if any("too-few-blocks" in c.flags for c in cells):
        return f"Undecided: too few blocks for a verdict on {b} and {a}"
    return f"Undecided: this run can't tell {b} from {a}"


def answer(view: View, scenario: str) -> str:
    """Answer the question for one scenario: which side handles more, where, by how much, how sure."""
    cells = view.headlines(scenario)
    planned = {load for s, load in view.manifest.cells() if s.name == scenario}
    clauses = [_clause(view, kind, group, len(planned)) for kind, group in _grouped(cells)]
    missing = ascending(planned - {c.load for c in cells})
    if missing:
        clauses.append(f"not measured at {named(missing)}" if cells else "not measured")
    return "; ".join(clauses) + "."


def _grouped(cells: Sequence[Comparison]) -> list[tuple[str, list[Comparison]]]:
    groups: dict[str, list[Comparison]] = {
        kind: [] for kind in ("gone a", "gone b", "b", "a", "small b", "small a", "equal", "open")
    }
    for c in cells:
        if gone := gave_up(c):
            groups[f"gone {gone}"].append(c)
        elif c.verdict in LABELS:
            groups[f"small {c.verdict}" if "small" in c.flags else c.verdict].append(c)
        else:
            groups["equal" if c.verdict == "equivalent" else "open"].append(c)
    return [(kind, group) for kind, group in groups.items() if group]


def _clause(view: View, kind: str, group: Sequence[Comparison], of: int) -> str:
    a, b = view.names["a"], view.names["b"]
    loads = ascending(c.load for c in group)
    where = "at every load" if 1 < of == len(group) else f"at {named(loads)}"
    match kind.split():
        case ["gone", gone]:
            other = a if gone == "b" else b
            return f"{a if gone == 'a' else b} collapses {where}, {other} does not"
        case ["small", better]:
            name = a if better == "a" else b
            return f"{name} is better by less than {MARGIN_PERCENT} %, for sure but too little to matter, {where}"
        case ["equal"]:
            return f"no difference worth having {where}"
        case ["open"]:
            return f"not decided {where.replace('every', 'any')}"
    return f"{a if kind == 'a' else b} is better {where}" + _how_much(view, kind, group)


def _how_much(view: View, kind: str, group: Sequence[Comparison]) -> str:
    """Say what the ratio is at the highest load of a group, and how sure."""
    top = max(group, key=lambda c: c.load.size)
    if top.ratio is None:
        return ""
    only = "only " if kind == "a" else ""
    at = f" at {named([top.load])}" if len(group) > 1 else ""
    sure = f" (95 % interval {ratio(top.interval[0])} to {ratio(top.interval[1])})" if top.interval else ""
    return f": {view.names['b']} handles {only}{ratio(top.ratio)} times as many requests as {view.names['a']}{at}{sure}"


def _some(names: Sequence[str]) -> str:
    """List up to three names, or two and how many more there are."""
    return listed(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def _shared_load(wins: Sequence[tuple[SideLabel, Comparison]]) -> str:
    loads = {c.load for _, c in wins}
    return named(ascending(loads)) if len(loads) == 1 else ""


def _sentence(clauses: Sequence[str]) -> str:
    """Join clauses; a capital only where the first word is ours, never on a side's name."""
    text = "; ".join(clauses)
    return text[:1].upper() + text[1:] if text.startswith(("at ", "one ")) else text


def tally(view: View) -> str:
    """Count the verdicts: "Of 28 cells, async is better in 9, …"."""
    cells = view.headlines()
    b, a, alike, unsure = (
        sum(c.verdict == verdict for c in cells) for verdict in ("b", "a", "equivalent", "inconclusive")
    )
    counts = [
        (b, f"{view.names['b']} is better in {b}"),
        (a, f"{view.names['a']} is better in {a}"),
        (alike, f"there is no difference worth having in {alike}"),
        (unsure, f"{unsure} {'is' if unsure == 1 else 'are'} not decided"),
    ]
    said = listed([text for count, text in counts if count])
    return f"Of {len(cells)} cells (a scenario under a load), {said}." if cells else "Nothing was measured."
