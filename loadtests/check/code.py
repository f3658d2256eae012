"""The code of an advice: what stands there now beside what to write, shortened to what differs (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent

from loadtests.check.record import Finding, RouteCheck, Site
from loadtests.report.html.handlers import Line, side_by_side
from loadtests.report.wording import printable

AROUND = 3
"""Lines that are shown before and after one that differs."""
MOST_LINES = 16
"""Lines that are shown of code that is not to be compared."""


@dataclass(frozen=True)
class Code:
    """Two pieces of code, line by line.

    Attributes:
        now: the source as it is.
        then: what to write, as many lines; empty where the change is not mechanical.
    """

    now: tuple[Line, ...]
    then: tuple[Line, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.now)


def code_of(route: RouteCheck) -> Code:
    """Return a route's code, those lines level that belong together."""
    now, then = _lines(route.code_now), _lines(route.code_then)
    if not now and then:
        return Code((), ())
    left, right = side_by_side(now, then or now)
    return Code(tuple(left), tuple(right) if then else ())


def excerpt(code: Code) -> list[tuple[Line, Line] | None]:
    """Return the pairs of lines that differ with some around them; None stands for lines that are left out.

    Where there is nothing to compare, these are the first lines, each as both of its pair.
    """
    pairs = list(zip(code.now, code.then or code.now, strict=True))
    differing = [number for number, pair in enumerate(pairs) if any(line.differs for line in pair)]
    if not differing:
        return [*pairs[:MOST_LINES], *([None] if len(pairs) > MOST_LINES else [])]
    shown = {
        near for number in differing for near in range(max(0, number - AROUND), min(len(pairs), number + AROUND + 1))
    }
    found: list[tuple[Line, Line] | None] = []
    for number, pair in enumerate(pairs):
        if number in shown:
            found.append(pair)
        elif not found or found[-1] is not None:
            found.append(None)
    return found


def defined_at(route: RouteCheck, finding: Finding | None) -> Site | None:
    """Return where the code begins that an advice is about, or the line that the finding names."""
    if finding is None or finding.place == "handler":
        return route.site
    parts = (part.site for part in route.parts if (part.place, part.name) == (finding.place, finding.name))
    return next(parts, None) or finding.site


def text_of(line: Line) -> str:
    """Return a line's text."""
    return "".join(text for text, _ in line.parts)


def _lines(source: str) -> Sequence[str]:
    return [printable(line.expandtabs(4)).rstrip() for line in dedent(source).strip("\n").splitlines()]
