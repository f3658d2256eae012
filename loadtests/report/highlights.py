"""The comparisons worth mentioning first: largest confirmed differences, collapses, a count of verdicts (pure)."""

import math
from collections.abc import Sequence

from loadtests.analysis.comparison import MARGIN_PERCENT
from loadtests.analysis.flags import WAITING
from loadtests.analysis.verdict_kinds import fell_behind, gave_up, is_alike, kind_of, no_verdict, winner
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.summary import Comparison, Metric
from loadtests.report.view import RunView
from loadtests.report.wording import REASONS, listed, named, some


def extremes(view: RunView, metric: Metric, at: Load | None = None) -> list[tuple[SideLabel, Comparison]]:
    """Return for b, then for a, the comparison that it wins by most, if it wins one by more than the margin.

    Differences of about the same size count as equal, and the heavier load speaks for them. Response times of a
    server that falls behind grow for as long as one measures, so that their ratio says nothing: they are left out.
    """

    def size(c: Comparison) -> tuple[float, float]:
        return round(abs(math.log(c.ratio or 1)), 1), c.load.size

    found: list[tuple[SideLabel, Comparison]] = []
    for label in reversed(LABELS):
        won = [
            c
            for c in view.all(metric)
            if ahead(c, label)
            and c.ratio is not None
            and at in (None, c.load)
            and not (metric in WAITING and fell_behind(c))
        ]
        if won:
            found.append((label, max(won, key=size)))
    return found


def ahead(c: Comparison, label: SideLabel) -> bool:
    """Whether a side wins by more than the margin, and not just because the other one gave up."""
    return winner(c) == label and gave_up(c) is None


def losses(view: RunView, at: Load | None = None) -> list[str]:
    """Say which side collapses or falls behind, and where; at one load or at all."""
    cells = [c for c in view.headlines() if at in (None, c.load)]
    said = []
    for label in LABELS:
        said += _clause_with_places(f"{view.names[label]} collapses in", [c for c in cells if gave_up(c) == label])
    for label in LABELS:
        said += _clause_with_places(
            f"more than 1 % of requests fail with {view.names[label]} in",
            [c for c in cells if _side_that_failed(c) == label],
        )
    for label in LABELS:
        said += _clause_with_places(
            f"{view.names[label]} falls behind in", [c for c in cells if view.behind(c) == [label]]
        )
    return said + _clause_with_places(
        "both sides fall behind in", [c for c in cells if len(view.behind(c)) == len(LABELS)]
    )


def unconfirmed(view: RunView) -> list[str]:
    """Say which side may fall behind, though it is not sure, and where."""
    said = []
    for label in LABELS:
        may = [c for c in view.headlines() if label in fell_behind(c) and label not in view.behind(c)]
        said += _clause_with_places(f"{view.names[label]} may fall behind in", may)
    return said


def _side_that_failed(c: Comparison) -> SideLabel | None:
    """Return the side that lost because its percentile falls among requests that failed, if it does not fall behind."""
    if c.ratio is not None or c.verdict not in LABELS or gave_up(c) or fell_behind(c):
        return None
    return "a" if c.verdict == "b" else "b"


def taken_out(view: RunView, at: Load | None = None) -> list[Comparison]:
    """Return the cells that a flag took the verdict from; at one load or at all."""
    return [c for c in view.headlines() if no_verdict(c) and at in (None, c.load)]


def places(comparisons: Sequence[Comparison]) -> list[str]:
    """Name the cells of comparisons by scenario: "noop at 8 and 64 users"."""
    loads: dict[str, list[Load]] = {}
    for c in comparisons:
        loads.setdefault(c.scenario, []).append(c.load)
    return [f"{scenario} at {named(ascending(at))}" for scenario, at in loads.items()]


def _clause_with_places(what: str, lost: Sequence[Comparison]) -> list[str]:
    if not lost:
        return []
    scenarios = list(dict.fromkeys(c.scenario for c in lost))
    loads = ascending({c.load for c in lost if c.scenario == scenarios[0]})
    same = all(ascending(c.load for c in lost if c.scenario == name) == loads for name in scenarios)
    return [f"{what} {some(scenarios)}{f' at {named(loads)}' if same else ''}"]


def tally(view: RunView) -> str:
    """Count the verdicts: "Of 28 cells, async is better in 9, …"; and say which cells were taken out, and why."""
    cells = view.headlines()
    kinds = [kind_of(c) for c in cells]
    out, unconfirmed = taken_out(view), kinds.count("unconfirmed")
    b, a = (sum(winner(c) == label for c in cells) for label in ("b", "a"))
    alike = sum(map(is_alike, cells))
    unsure = kinds.count("inconclusive") + unconfirmed
    counts = [
        (b, f"{view.names['b']} is better in {b}"),
        (a, f"{view.names['a']} is better in {a}"),
        (alike, f"there is no meaningful difference in {alike}"),
        (unsure, f"{unsure} {'is' if unsure == 1 else 'are'} not decided"),
        (len(out), f"{len(out)} {'was' if len(out) == 1 else 'were'} excluded"),
    ]
    said = listed([text for count, text in counts if count])
    if not cells:
        return "Nothing was measured."
    sentences = [f"Of {len(cells)} cell{'s' if len(cells) > 1 else ''} (a scenario under a load), {said}."]
    if unconfirmed:
        sentences.append(
            f"In {unconfirmed} of the undecided cells the interval excludes 1, which may be chance among so many."
        )
    by_reason = {why: [c for c in out if no_verdict(c) == why] for why in REASONS}
    sentences += [f"Excluded because {REASONS[why]}: {listed(places(c))}." for why, c in by_reason.items() if c]
    return " ".join(sentences)


def share(view: RunView, at: Load | None = None) -> str:
    """Say in how many cells nothing was decided, if that is most of them; else nothing."""
    cells = [c for c in view.headlines() if at in (None, c.load)]
    open_ = sum(c.verdict == "inconclusive" for c in cells)
    if 2 * open_ <= len(cells):
        return ""
    return f"; no verdict in {open_} of {len(cells)} cells" if len(cells) > 1 else "; no verdict"


def undecided(view: RunView, at: Load | None = None) -> str:
    """Say how little the run decided: the title where neither side wins by more than the margin."""
    here = [c for c in view.headlines() if at in (None, c.load)]
    cells = [c for c in here if not no_verdict(c)]
    a, b = view.names["a"], view.names["b"]
    close = sum(map(is_alike, cells))
    where = "everywhere" if at is None else f"at {named([at])}"
    if not cells:
        why = "; ".join(dict.fromkeys(REASONS[kind] for c in here if (kind := no_verdict(c))))
        return f"No verdict {where.replace('every', 'any')}: {why}"
    if close == len(here):
        what = f"the slowest 1 % of {b} and {a} are" if view.open_loop else f"{b} and {a} are"
        return f"No meaningful difference: {what} within {MARGIN_PERCENT} % of each other {where}"
    if close:
        rest = "the rest is undecided" if len(cells) == len(here) else "the rest is undecided or excluded"
        return f"No meaningful difference between {b} and {a} in {close} of {len(here)} cells, {rest}"
    if view.blocks < view.manifest.least_blocks or any("too-few-blocks" in c.flags for c in cells):
        return f"Undecided: too few blocks for a verdict on {b} and {a}"
    if all("too-few-samples" in c.flags for c in cells):
        return f"Undecided: too few requests to know the slowest 1 % of {b} and {a}"
    return f"Undecided: this run cannot distinguish {b} from {a}"
