"""What fills the places of requests: rows of a values file, and variables of the environment.

A values file is CSV whose first line names the columns, or JSON lines: an object a line. Its rows are used in turn, and
from the first one on again when they are used up.
"""

import csv
import hashlib
import io
import itertools
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
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    values: Values | None = None


class Rows:
    """The rows of a values file, one after another, for all who use them.

    Attributes:
        used: how many were taken so far.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._next = itertools.count()
        self.used = 0

    def take(self) -> dict[str, str]:
        """Return the next row, by column; after the last one comes the first one."""
        number = next(self._next)  # in one step, for the threads of a warm-up
        self.used = number + 1
        return dict(zip(self._values.columns, self._values.rows[number % len(self._values.rows)], strict=True))


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
        raise UsageError(f"--values {file}: a column has letters, digits and _ . - in its name, unlike {wrong[0]!r}")
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
