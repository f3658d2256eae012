"""Figures and lists as a person writes them (pure)."""

import math
from collections.abc import Sequence

from loadtests.analysis.comparison import MARGIN
from loadtests.experiment.loads import Load

MARGIN_PERCENT = round(100 * (math.exp(MARGIN) - 1))
"""A difference that is less than this is not worth having, in percent."""
NO_BREAK = "\u00a0"
"""A space that no line breaks at: between a figure and its unit."""


def number(value: float) -> str:
    """Write a positive figure with about three digits: 1,790, 43.2, 1.30, 0.055."""
    size = abs(value)
    if size == 0 or size >= 100:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.{1 if size >= 10 else 2}f}"
    return f"{value:.{1 - math.floor(math.log10(size))}f}"


def ratio(value: float) -> str:
    """Write a ratio with two decimals, or as many as it takes to see that it is not 0."""
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
