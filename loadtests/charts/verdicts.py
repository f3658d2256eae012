"""How a verdict looks, in charts and in the report: a shape, a colour and a word (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.path import Path

from loadtests.charts.style import INK, LOOKS, MUTED, STRUCK, Key, dot
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import MARGIN_PERCENT, named
from loadtests.experiment.loads import ascending
from loadtests.kinds import Kind, gave_up, kind_of
from loadtests.records.outcome import Comparison


@dataclass(frozen=True)
class Mark:
    """A verdict's shape: a side's own where that side is better, hollow where nothing is sure.

    Attributes:
        marker: matplotlib's code.
        face: colour inside; white says "not sure".
        edge: colour around.
        symbol: the same shape as a character.
        fill: how much of it is filled.
    """

    marker: str | Path
    face: str
    edge: str
    symbol: str
    fill: Literal["full", "left"] = "full"

    def style(self, size: float) -> dict[str, Any]:
        """Return matplotlib's keywords for a lone marker of a size in points."""
        return {
            "linestyle": "none", "marker": self.marker, "markersize": size, "markerfacecolor": self.face,
            "markeredgecolor": self.edge, "markeredgewidth": 1.2, "fillstyle": self.fill, "markerfacecoloralt": "white",
        }  # fmt: skip


MARKS: dict[Kind, Mark] = {
    "b": Mark(LOOKS["b"].marker, LOOKS["b"].colour, LOOKS["b"].ink, "◆"),
    "a": Mark(LOOKS["a"].marker, LOOKS["a"].colour, LOOKS["a"].ink, "●"),
    "equivalent": Mark("s", MUTED, INK, "■"),
    "unconfirmed": Mark("o", INK, INK, "◐", "left"),
    "inconclusive": Mark("o", "white", INK, "○"),
    "limited": Mark(STRUCK, "white", INK, "⊘"),
    "collapsed": Mark("X", INK, INK, "✖"),
}


def keys(comparisons: Iterable[Comparison], view: View) -> list[Key]:
    """Return the legend of a chart of verdicts: what is in it, and no more."""
    words: dict[Kind, str] = {
        "b": f"{view.names['b']} better",
        "a": f"{view.names['a']} better",
        "equivalent": f"no difference: interval within ± {MARGIN_PERCENT} %",
        "unconfirmed": "not confirmed: excludes 1, yet may be chance",
        "inconclusive": "not decided",
        "limited": "left out: the client may have been the limit",
        "collapsed": "one side collapsed",
    }
    seen = {kind_of(c) for c in comparisons}
    return [
        Key(text, marker=dot(mark.marker, mark.face, mark.edge, fill=mark.fill))
        for kind, text in words.items()
        if kind in seen and (mark := MARKS[kind])
    ]


def edge_of(comparison: Comparison, view: View) -> int:
    """Return at which end of the axis a verdict without a ratio stands: 1 at the upper, -1 at the lower, 0 at none.

    A side that collapsed, or that failed too often to have a percentile, is infinitely far behind.
    """
    lost = gave_up(comparison)
    if lost is None and comparison.ratio is None and comparison.verdict in LABELS:
        lost = "a" if comparison.verdict == "b" else "b"
    return 0 if lost is None else -1 if lost == view.above else 1


def alarm(view: View, scenario: str) -> str:
    """Say which side collapsed in a scenario, or could not keep up, at which loads, and in how many blocks."""
    said = []
    for label, loads in view.collapses(scenario).items():
        partly = any(blocks < view.blocks for blocks in loads.values())
        blocks = f"{max(loads.values())} of {view.blocks}" if len(loads) == 1 else "some"
        said.append(f"{view.names[label]} collapsed at {named(list(loads))}" + (f", {blocks} blocks" if partly else ""))
    text = f"{MARKS['collapsed'].symbol} {'; '.join(said)}" if said else ""
    late = {
        label: named(ascending(c.load for c in view.headlines(scenario) if label in view.behind(c))) for label in LABELS
    }
    if late["a"] and late["a"] == late["b"]:
        behind = [f"both sides fall behind at {late['a']}"]
    else:
        behind = [f"{view.names[label]} falls behind at {rates}" for label, rates in late.items() if rates]
    return "; ".join(filter(None, [text, f"⚠ {'; '.join(behind)}" if behind else ""]))
