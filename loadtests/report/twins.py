"""Two handlers side by side: which lines differ, and what in them (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

_TOKEN = re.compile(r"\w+\s*|\s+|[^\w\s]")
ALIKE = 0.5
"""Two lines that share less than this are not two forms of one line, and are marked as a whole."""

Part = tuple[str, bool]
"""A piece of a line, and whether the other side lacks it."""


@dataclass(frozen=True)
class Line:
    """A line of one side.

    Attributes:
        parts: its pieces; none where only the other side has a line here.
        differs: whether the other side lacks it, or has another one.
    """

    parts: list[Part]
    differs: bool = False

    @property
    def gap(self) -> bool:
        """Whether it is only there to keep the lines of both sides level."""
        return not self.parts


def side_by_side(a: Sequence[str], b: Sequence[str]) -> tuple[list[Line], list[Line]]:
    """Return both sides' lines, as many of the one as of the other, those that belong together at the same place."""
    left: list[Line] = []
    right: list[Line] = []
    for kind, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        for one, other in zip_longest(a[a_from:a_to], b[b_from:b_to]):
            pair = (_plain(one), _plain(other)) if kind == "equal" else _pair(one, other)
            left.append(pair[0])
            right.append(pair[1])
    return left, right


def _plain(line: str) -> Line:
    return Line([(line, False)])


def _pair(one: str | None, other: str | None) -> tuple[Line, Line]:
    if one is None or other is None:
        return _whole(one), _whole(other)
    a, b = _TOKEN.findall(one), _TOKEN.findall(other)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _whole(one), _whole(other)
    left: list[Part] = []
    right: list[Part] = []
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        differs = kind != "equal"
        left += [("".join(a[a_from:a_to]), differs)] if a_from < a_to else []
        right += [("".join(b[b_from:b_to]), differs)] if b_from < b_to else []
    return Line(left, differs=True), Line(right, differs=True)


def _whole(line: str | None) -> Line:
    return Line([]) if line is None else Line([(line, True)], differs=True)
