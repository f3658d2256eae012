"""What a lesson is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from loadtests.lessons.expectation import Expectation

Special = Literal["clients", "loops"]
"""Experiments that are no ordinary run: other clients, or both loops on a server that stops now and then."""


@dataclass(frozen=True)
class Code:
    """A piece of code to look at.

    Attributes:
        title: what it is.
        text: Python, as it stands, or ``handler`` where that is empty.
        handler: a build and the path of one of its routes, whose handler is to be shown.
    """

    title: str
    text: str = ""
    handler: tuple[str, str] | None = None


@dataclass(frozen=True)
class Measure:
    """What is measured: the options of ``bench run`` that matter.

    Attributes:
        scenarios: what is asked.
        a: the side that ratios are divided by.
        b: the side they are about.
        users: of a closed loop, numbers with commas between them; None with ``rate``.
        rate: of an open loop, likewise.
        time_s: seconds for each cell of a block; None for what is usual.
        slice_s: seconds measured in each turn; None likewise.
        blocks: fresh starts of both sides.
        database: as for ``bench run``.
        special: what it is if it is no ordinary run.
    """

    scenarios: Sequence[str]
    a: str = "sync"
    b: str = "async"
    users: str | None = None
    rate: str | None = None
    time_s: float | None = None
    slice_s: float | None = None
    blocks: int = 6
    database: str = "sqlite"
    special: Special | None = None

    @property
    def command(self) -> str:
        """The command that measures the same."""
        quoted = [f'"{name}"' if set(name) & set("[ ") else name for name in self.scenarios]
        sides = [f"--{label} {side}" for label, side, usual in _sides(self) if side != usual]
        load = f"--rate {self.rate}" if self.rate else f"--users {self.users}"
        others = {"blocks": self.blocks, "time": self.time_s, "slice": self.slice_s, "database": self.database}
        usual = {"blocks": 6, "time": None, "slice": None, "database": "sqlite"}
        given = [f"--{name} {value}" for name, value in others.items() if value != usual[name]]
        return " ".join(["bench run", *quoted, *sides, load, *given])


def _sides(measure: Measure) -> tuple[tuple[str, str, str], ...]:
    return ("a", measure.a, "sync"), ("b", measure.b, "async")


@dataclass(frozen=True)
class Lesson:
    """One question, and how it is answered.

    Attributes:
        name: as typed.
        title: a few words.
        question: what is asked.
        hypothesis: what is expected, before anything is measured.
        code: the two pieces of code that the question is about.
        measure: how it is answered.
        expects: what should be seen if the hypothesis holds.
        why: the mechanism, in a few sentences.
        next: commands to try, each with what to look for.
    """

    name: str
    title: str
    question: str
    hypothesis: str
    code: tuple[Code, Code]
    measure: Measure
    expects: tuple[Expectation, ...]
    why: str
    next: tuple[tuple[str, str], ...] = field(default=())
