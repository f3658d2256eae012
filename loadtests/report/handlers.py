"""What both sides run for a scenario, as the report shows it: the handlers, and their SQL (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.charts.view import LABELS, View
from loadtests.records.manifest import HandlerRecord
from loadtests.records.outcome import SideLabel
from loadtests.report.twins import Line, side_by_side

COMMENT = "--"
"""How a line of SQL begins that is for readers."""


@dataclass(frozen=True)
class Column:
    """One side's handler.

    Attributes:
        label: ``a`` or ``b``.
        name: of the side; of both where both run the same.
        files: where it stands.
        lines: its source.
    """

    label: SideLabel
    name: str
    files: list[str]
    lines: list[Line]


@dataclass(frozen=True)
class Handlers:
    """What both sides run for a scenario.

    Attributes:
        said: how much differs, in a sentence.
        columns: two, or one where there is nothing to compare.
        statements: SQL that is sent, below a sentence on who sends it; empty where no query is named.
    """

    said: str
    columns: list[Column]
    statements: list[tuple[str, str]]


def handlers_of(run: View, scenario: str) -> Handlers | None:
    """Return what a scenario's requests reach; None where that was not kept, or where both sides are other apps."""
    known = run.manifest.handlers.get(scenario)
    if not known:
        return None
    both = f"{run.names['a']} and {run.names['b']}"
    if set(known) == set(LABELS):
        a, b = known["a"], known["b"]
        sql = [_sent("both sides", a)] if a.statements == b.statements else _statements(run, known)
        if a.lines == b.lines:
            return Handlers("Both sides run the same lines.", [_alone("a", both, a)], sql)
        left, right = side_by_side(a.lines, b.lines)
        columns = [
            Column("a", run.names["a"], a.files, left),
            Column("b", run.names["b"], b.files, right),
        ]
        return Handlers(_said(left, right), columns, sql)
    columns = [_alone(label, run.names[label], record) for label, record in known.items()]
    return Handlers("The other side’s source is not known.", columns, _statements(run, known))


def _alone(label: SideLabel, name: str, record: HandlerRecord) -> Column:
    return Column(label, name, record.files, side_by_side(record.lines, record.lines)[0])


def _statements(run: View, known: Mapping[SideLabel, HandlerRecord]) -> list[tuple[str, str]]:
    return [_sent(run.names[label], record) for label, record in known.items()]


def _sent(whose: str, record: HandlerRecord) -> tuple[str, str]:
    if not record.statements:
        return f"The handler of {whose} names no query.", ""
    ended = [statement + ("" if statement.startswith(COMMENT) else ";") for statement in record.statements]
    return f"SQL of {whose}, its values left open:", "\n\n".join(ended)


def _said(left: Sequence[Line], right: Sequence[Line]) -> str:
    changed = sum(one.differs or other.differs for one, other in zip(left, right, strict=True))
    return f"Of {len(left)} lines {changed} differ{'s' if changed == 1 else ''}."
