"""Number formatting, lists, and the word for each kind of verdict, as a person writes them (pure)."""

import math
from collections.abc import Mapping, Sequence

from loadtests.analysis.comparison import Status
from loadtests.analysis.flags import WAITING
from loadtests.analysis.verdict_kinds import ALIKE, Kind, alike_in_words, fell_behind, gave_up, kind_of
from loadtests.experiment.loads import Load
from loadtests.experiment.sides import SideLabel
from loadtests.records.summary import Comparison

LEAST_RATIO, MOST_RATIO = 0.0001, 10_000
"""What is beyond is the end of an interval from too few blocks, and no figure to read."""
NO_BREAK = "\u00a0"
"""A space that no line breaks at: between a figure and its unit."""
WORDS: Mapping[Kind, str] = {
    "equivalent": ALIKE,
    "unconfirmed": "not confirmed",
    "inconclusive": "not decided",
    "driver-bound": "driver-bound",
    "work-left": "leaves work behind",
}
"""What is said where neither side is better."""
DRIVER_BOUND = "the load driver may have been the limit, not the server"
WORK_LEFT = "a server kept working after its last answer, so it cannot sustain the throughput that was measured"
STATUS_SIGNS: Mapping[Status, str] = {"met": "✓", "missed": "✗", "undecided": "?"}
STATUS_WORDS: Mapping[Status, str] = {"met": "met", "missed": "missed", "undecided": "not decided"}
"""Of a target of a validation: whether it was met."""
REASONS: Mapping[Kind, str] = {"driver-bound": DRIVER_BOUND, "work-left": WORK_LEFT}
"""Why a cell has no verdict."""


def number(value: float) -> str:
    """Write a positive figure with about three digits: 1,790, 43.2, 1.30, 0.055."""
    size = abs(value)
    if size == 0 or size >= 100:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.{1 if size >= 10 else 2}f}"
    return f"{value:.{1 - math.floor(math.log10(size))}f}"


def ratio(value: float) -> str:
    """Write a ratio with two decimals, or as many as it takes to see that it is not 0; beyond all sense, a bound."""
    if not LEAST_RATIO <= value <= MOST_RATIO:
        return f"< {LEAST_RATIO:g}" if value < 1 else f"> {MOST_RATIO:,}"
    return number(value) if value < 0.1 or value >= 100 else f"{value:.2f}"


def milliseconds(seconds: float) -> str:
    """Write a duration as a bare figure in milliseconds."""
    return number(seconds * 1000)


def named(loads: Sequence[Load]) -> str:
    """Write "1 user", "1, 8 and 32 users", "200/s", "200 and 400/s"; the loads are of one kind."""
    return f"{listed([f'{load.size:,.10g}' for load in loads[:-1]] + [str(loads[-1])])}" if loads else ""


def listed(words: Sequence[str], last: str = "and") -> str:
    """Write "x", "x and y", "x, y and z"."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def some(words: Sequence[str]) -> str:
    """List up to three words, or two and how many more there are."""
    return listed(words if len(words) <= 3 else [*words[:2], f"{len(words) - 2} more"])


def printable(text: str) -> str:
    """Replace characters that no font shows and XML forbids."""
    return "".join(c if c.isprintable() or c == NO_BREAK else "�" for c in text)


def word(comparison: Comparison, names: Mapping[SideLabel, str]) -> str:
    """Return in a few words what became of a comparison, whatever its metric."""
    if gone := gave_up(comparison):
        return f"{names[gone]} collapsed"
    kind = kind_of(comparison)
    if kind in ("a", "b"):
        return f"{names['a' if kind == 'a' else 'b']} better"
    if kind == "equivalent":
        return alike_in_words(comparison, names["a"], names["b"])
    if kind == "inconclusive" and comparison.metric in WAITING and (behind := fell_behind(comparison)):
        return f"{' and '.join(names[label] for label in behind)} overloaded"
    if kind == "inconclusive" and comparison.ratio is None:
        return "too few requests" if "too-few-samples" in comparison.flags else "not compared"
    return WORDS[kind]
