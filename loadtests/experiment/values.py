"""What fills the places of requests: rows of a values file, variables of the environment, and built-in names.

A values file is CSV whose first line names the columns, or JSON lines: an object a line. How its rows are used in turn
is told in ``fresh_values``.
"""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loadtests.experiment.files import read_file
from loadtests.experiment.templates import NAME
from loadtests.system.errors import UsageError

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The names of columns, and rows."""
BUILT_IN: Mapping[str, str] = {"counter": "a number that never comes again", "uuid": "a random UUID"}
"""By name: what fills a place without a file, and anew for each request."""


@dataclass(frozen=True)
class Values:
    """The rows of a values file.

    Attributes:
        file: as it was typed.
        sha256: of its bytes.
        columns: their names.
        rows: each with a text for every column.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Variables:
    """What the places of a scenario's requests are filled with, beside what users take from answers.

    Attributes:
        environment: values of the environment's variables that are asked for, by name; secrets, perhaps.
        values: the values file; None if there is none.
        built_in: those of ``BUILT_IN`` that are asked for.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    values: Values | None = None
    built_in: frozenset[str] = frozenset()


def read_values(file: str) -> Values:
    """Read a values file; raises UsageError that names the line at which it is no good."""
    content = read_file(file, "--values")
    try:
        text = content.decode("utf-8-sig")
        columns, rows = _read_csv(text) if file.endswith(".csv") else _read_json_lines(text)
    except (ValueError, csv.Error) as error:
        lines = "" if file.endswith((".csv", ".jsonl")) else "; a file not named .csv is read as JSON lines"
        raise UsageError(f"--values {file}: {error}{lines}") from None
    if wrong := [name for name in columns if not re.fullmatch(NAME, name)]:
        raise UsageError(
            f"--values {file}: the name of a column can contain letters, digits and _ . - only, unlike {wrong[0]!r}"
        )
    if taken := next((name for name in columns if name in BUILT_IN), None):
        raise UsageError(
            f"--values {file}: ${{{taken}}} is {BUILT_IN[taken]}, whatever a file holds; give its column another name"
        )
    if not rows:
        raise UsageError(f"--values {file}: it has no rows")
    return Values(file, hashlib.sha256(content).hexdigest(), columns, tuple(rows))


def from_environment(names: Iterable[str], missing: str) -> dict[str, str]:
    """Return the values of variables of the environment, now.

    Args:
        names: of the variables.
        missing: what is said of one that is not set, behind its name.

    Raises:
        UsageError: one is not set, or can't stand in a header; its value is not repeated.
    """
    found: dict[str, str] = {}
    for name in names:
        value = os.environ.get(name)
        if value is None:
            raise UsageError(f"${{{name}}}, {missing}; export {name}=…")
        if not value.isprintable():
            raise UsageError(f"${{{name}}}: its value has a line break or another character that can't be sent")
        found[name] = value
    return found


def _read_csv(text: str) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = tuple(next(reader, ()))
    rows = []
    for row in reader:
        if len(row) not in (0, len(columns)):
            raise ValueError(f"line {reader.line_num} has {len(row)} values for {len(columns)} columns")
        if row:
            rows.append(tuple(row))
    if len(set(columns)) < len(columns):
        raise ValueError("two of its columns have the same name")
    return columns, rows


def _read_json_lines(text: str) -> Table:
    columns: tuple[str, ...] | None = None
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is no JSON: {error}") from None
        if not isinstance(row, dict) or set(row) != set(columns or row):
            raise ValueError(f"line {number} should be an object with the same names as the first one")
        columns = columns or tuple(row)
        rows.append(tuple(value if isinstance(value := row[name], str) else json.dumps(value) for name in columns))
    return columns or (), rows
