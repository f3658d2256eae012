"""How a verdict looks, in charts and in the report: a shape, a colour and a word (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from loadtests.charts.findings import MARGIN_PERCENT
from loadtests.charts.style import INK, LOOKS, MUTED, Key, dot
from loadtests.charts.view import View, gave_up
from loadtests.charts.wording import named
from loadtests.outcome import Comparison

Kind = Literal["a", "b", "equivalent", "inconclusive", "collapsed"]


@dataclass(frozen=True)
class Mark:
    """A verdict's shape.

    Attributes:
        marker: matplotlib's code.
        face: colour inside; white says "not sure".
        edge: colour around.
        symbol: the same shape as a character.
    """

    marker: str
    face: str
    edge: str
    symbol: str


MARKS: dict[Kind, Mark] = {
    "b": Mark("^", LOOKS["b"].colour, LOOKS["b"].ink, "▲"),
    "a": Mark("v", LOOKS["a"].colour, LOOKS["a"].ink, "▼"),
    "equivalent": Mark("s", MUTED, INK, "■"),
    "inconclusive": Mark("o", "white", INK, "○"),
    "collapsed": Mark("X", INK, INK, "✖"),
}


def kind_of(comparison: Comparison) -> Kind:
    """Return how a comparison is to be drawn."""
    return "collapsed" if gave_up(comparison) else comparison.verdict


def word(view: View, comparison: Comparison) -> str:
    """Return a verdict on throughput, latency or CPU in a few words."""
    if gone := gave_up(comparison):
        return f"{view.names[gone]} collapsed"
    match comparison.verdict:
        case "a" | "b":
            slightly = "slightly " if "small" in comparison.flags else ""
            return f"{view.names[comparison.verdict]} {slightly}better"
        case "equivalent":
            return "no difference"
        case _:
            return "not decided" if comparison.ratio else "not compared"


def keys(comparisons: Iterable[Comparison], view: View) -> list[Key]:
    """Return the legend of a chart of verdicts: what is in it, and no more."""
    words: dict[Kind, str] = {
        "b": f"{view.names['b']} better",
        "a": f"{view.names['a']} better",
        "equivalent": f"no difference: interval within ± {MARGIN_PERCENT} %",
        "inconclusive": "not decided",
        "collapsed": "one side collapsed",
    }
    seen = {kind_of(c) for c in comparisons}
    return [
        Key(text, marker=dot(MARKS[kind].marker, MARKS[kind].face, MARKS[kind].edge))
        for kind, text in words.items()
        if kind in seen
    ]


def alarm(view: View, scenario: str) -> str:
    """Say which side collapsed in a scenario, at which loads, and in how many blocks if not in all."""
    said = []
    for label, loads in view.collapses(scenario).items():
        partly = any(blocks < view.blocks for blocks in loads.values())
        blocks = f"{max(loads.values())} of {view.blocks}" if len(loads) == 1 else "some"
        said.append(f"{view.names[label]} collapsed at {named(list(loads))}" + (f", {blocks} blocks" if partly else ""))
    return f"{MARKS['collapsed'].symbol} {'; '.join(said)}" if said else ""
