"""Both sides' handlers as a diff with their SQL, as the HTML report shows them (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest

from loadtests.experiment import blog
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.handler_record import ExecutedRecord, HandlerRecord
from loadtests.report.view import RunView
from loadtests.report.wording import listed

COMMENT = "--"
"""How a line of SQL begins that is for readers."""
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


@dataclass(frozen=True)
class Column:
    """One side's handler.

    Attributes:
        label: ``a`` or ``b``.
        name: of the side; of both where both run the same.
        files: where it stands.
        lines: its source.
        about: how it is called, where that was told; may be empty.
    """

    label: SideLabel
    name: str
    files: list[str]
    lines: list[Line]
    about: str = ""


@dataclass(frozen=True)
class Handlers:
    """What both sides run for a scenario.

    Attributes:
        said: how much differs, or why there is nothing to compare, in a sentence or two.
        columns: two, or one where there is nothing to compare; none where no source is known.
        statements: SQL that is sent, below a sentence on who sends it; empty where no query is known.
    """

    said: str
    columns: list[Column]
    statements: list[tuple[str, str]]


def handlers_of(run: RunView, scenario: str) -> Handlers | None:
    """Return what a scenario's requests reach; None where that was not kept."""
    known = run.manifest.handlers.get(scenario)
    if not known:
        return None
    shown = {label: known[label] for label in LABELS if label in known and known[label].lines}
    columns = [_alone(label, run.names[label], record) for label, record in shown.items()]
    said = []
    if set(shown) == set(LABELS):
        a, b = shown["a"], shown["b"]
        if a.lines == b.lines and _how_called(a) == _how_called(b):
            columns = [_alone("a", f"{run.names['a']} and {run.names['b']}", a)]
            said.append("Both sides run the same lines.")
        else:
            left, right = side_by_side(a.lines, b.lines)
            columns = [replace(column, lines=lines) for column, lines in zip(columns, (left, right), strict=True)]
            said.append(_how_many_differ(left, right))
    elif len(known) < len(LABELS):
        said.append("The other side’s source is not known.")
    said += _not_known(run, known)
    return Handlers(" ".join(said), columns, _statements(run, scenario, known))


def _alone(label: SideLabel, name: str, record: HandlerRecord) -> Column:
    return Column(label, name, record.files, side_by_side(record.lines, record.lines)[0], _how_called(record))


def _how_called(record: HandlerRecord) -> str:
    """Say how the framework calls a side's handlers, in a few words; nothing where that was not told."""
    if not record.runs:
        return ""
    where = {"def": "def, called in a thread", "async def": "async def, called on the event loop"}
    said = [listed([where[each] for each in dict.fromkeys(record.runs)])]
    if record.wrapped:
        said.append(f"inside the function at {listed(record.wrapped)}")
    if names := record.in_threads:
        said.append(f"{'dependencies' if len(names) > 1 else 'dependency'} {listed(names)} in a thread")
    return "; ".join(said)


def _not_known(run: RunView, known: Mapping[SideLabel, HandlerRecord]) -> list[str]:
    """Say why the handlers of a side, or some of them, are not known."""
    missing = {label: record.missing for label, record in known.items() if record.missing}
    if len(missing) > 1 and len(set(missing.values())) == 1:
        return [f"Not known for either side: {missing['a']}."]
    return [f"Not known for {run.names[label]}: {why}." for label, why in missing.items()]


def _statements(run: RunView, scenario: str, known: Mapping[SideLabel, HandlerRecord]) -> list[tuple[str, str]]:
    """Return the SQL of each side, or of both if it is the same."""
    executed = run.manifest.executed.get(scenario, {})
    both = {
        label: said for label in known if (said := _sql_of(run, label, known[label], executed.get(label))) is not None
    }
    if set(both) == set(LABELS) and both["a"] == both["b"]:
        caption, sql = both["a"]
        return [(caption.format("both sides"), sql)]
    return [(caption.format(run.names[label]), sql) for label, (caption, sql) in both.items()]


def _sql_of(
    run: RunView, label: SideLabel, record: HandlerRecord, executed: ExecutedRecord | None
) -> tuple[str, str] | None:
    """Return what is said of a side's SQL, ``{}`` in the place of its name, and the SQL; None if nothing is known."""
    side = run.manifest.a if label == "a" else run.manifest.b
    if blog.resources_of(side.settings) is not None:
        if not record.statements:
            return "The handler of {} names no query.", ""
        return "SQL of {}, without its values:", _as_text(record.statements)
    if executed is None or executed.count is None:
        return None
    if not executed.count:
        return "SQLAlchemy executed nothing for {} when each request was asked once.", ""
    count = f"{executed.count} statement{'s' if executed.count > 1 else ''}"
    return f"SQL that was executed for {{}} when each request was asked once, {count}:", _as_text(executed.statements)


def _as_text(statements: Sequence[str]) -> str:
    return "\n\n".join(each + ("" if each.rpartition("\n")[2].startswith(COMMENT) else ";") for each in statements)


def _how_many_differ(left: Sequence[Line], right: Sequence[Line]) -> str:
    changed = sum(one.differs or other.differs for one, other in zip(left, right, strict=True))
    return f"{changed} of {len(left)} lines differ{'s' if changed == 1 else ''}."


def side_by_side(a: Sequence[str], b: Sequence[str]) -> tuple[list[Line], list[Line]]:
    """Return both sides' lines, as many of the one as of the other, those that belong together at the same place."""
    left: list[Line] = []
    right: list[Line] = []
    for kind, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        for one, other in zip_longest(a[a_from:a_to], b[b_from:b_to]):
            pair = (_unmarked_line(one), _unmarked_line(other)) if kind == "equal" else _compare_lines(one, other)
            left.append(pair[0])
            right.append(pair[1])
    return left, right


def _unmarked_line(line: str) -> Line:
    return Line([(line, False)])


def _compare_lines(one: str | None, other: str | None) -> tuple[Line, Line]:
    if one is None or other is None:
        return _marked_line(one), _marked_line(other)
    a, b = _TOKEN.findall(one), _TOKEN.findall(other)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _marked_line(one), _marked_line(other)
    left: list[Part] = []
    right: list[Part] = []
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        differs = kind != "equal"
        left += [("".join(a[a_from:a_to]), differs)] if a_from < a_to else []
        right += [("".join(b[b_from:b_to]), differs)] if b_from < b_to else []
    return Line(left, differs=True), Line(right, differs=True)


def _marked_line(line: str | None) -> Line:
    return Line([]) if line is None else Line([(line, True)], differs=True)
