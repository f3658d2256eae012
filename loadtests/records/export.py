"""Every request of a run as one table, for other programs: columns of a trial, CSV, Parquet.

A row is a request, including those of lead-ins and drains. ``window`` tells which requests the report's figures are
based on. docs/data.md describes the columns.
"""

import csv
import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Failure, Recording
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.system.errors import UsageError

if TYPE_CHECKING:
    import pyarrow

EXTRA = "uv run --extra parquet bench …"
COLUMNS: Mapping[str, str] = {
    "run": "string",
    "block": "int32",
    "scenario": "string",
    "load": "string",
    "users": "int32",
    "rate": "double",
    "label": "string",
    "side": "string",
    "control": "bool",
    "window": "int32",
    "request": "string",
    "scheduled_s": "double",
    "sent_s": "double",
    "first_byte_s": "double",
    "ended_s": "double",
    "response_s": "double",
    "service_s": "double",
    "status": "int32",
    "failure": "string",
}
"""The Arrow type of each column, by name. Both kinds of files have the columns in this order."""
FAILURES = np.array([reason.name.lower() for reason in sorted(Failure)], dtype=object)
Column = npt.NDArray[Any]
"""An array of one type, which differs from column to column."""


def sample_columns(manifest: Manifest, key: TrialKey, recording: Recording) -> dict[str, Column]:
    """Return the rows of one trial, by column.

    Values that a trial has only once are repeated in each row. An unknown value is NaN, -1 for ``window``, ``users``
    and ``status``, and an empty text for ``request``.
    """
    samples, count = recording.samples, len(recording.samples)
    load = next((load for load in _loads(manifest) if load.slug == key.load), None)
    side = manifest.a if key.label == "a" or key.scenario.startswith(CONTROL) else manifest.b
    asked = np.array([*recording.requests, ""], dtype=object)
    which = np.minimum(samples.request.astype(np.int64), len(asked) - 1)
    once: dict[str, tuple[object, str]] = {
        "run": (manifest.name, "O"),
        "block": (key.block, "i4"),
        "scenario": (key.scenario.removeprefix(CONTROL), "O"),
        "load": (str(load) if load is not None else key.load, "O"),
        "users": (load.users if isinstance(load, ClosedLoop) else -1, "i4"),
        "rate": (load.rate if load is not None and not isinstance(load, ClosedLoop) else np.nan, "f8"),
        "label": (key.label, "O"),
        "side": (side.spec, "O"),
        "control": (key.scenario.startswith(CONTROL), "?"),
    }
    found: dict[str, Column] = {name: np.full(count, value, dtype) for name, (value, dtype) in once.items()}
    return found | {
        "window": _windows(recording),
        "request": asked[which],
        "scheduled_s": samples.scheduled_s,
        "sent_s": samples.sent_s,
        "first_byte_s": samples.first_byte_s,
        "ended_s": samples.ended_s,
        "response_s": samples.ended_s - samples.scheduled_s,
        "service_s": samples.ended_s - samples.sent_s,
        "status": np.where(samples.status == 0, -1, samples.status.astype(np.int32)),
        "failure": FAILURES[samples.failure],
    }


def _loads(manifest: Manifest) -> list[Load]:
    return list(dict.fromkeys(pairing.load for block in manifest.blocks for pairing in block))


def _windows(recording: Recording) -> npt.NDArray[np.int32]:
    """Return in which of the trial's windows each request was due, from 0; -1 for none."""
    due = recording.samples.scheduled_s
    found = np.full(len(due), -1, np.int32)
    for number, turn in enumerate(recording.slices):
        found[(due >= turn.opened_s) & (due < turn.closed_s)] = number
    return found


def export_samples(folder: RunFolder, path: Path) -> int:
    """Write all samples of a run to a ``.csv`` or ``.parquet`` file, completely or not at all; return their number.

    Trials are written one by one, so memory does not grow with the run.

    Raises:
        UnreadableRun: the run, or one of its trials, is damaged.
        UsageError: pyarrow is missing, or there are no samples.
    """
    manifest = folder.read_manifest()
    if manifest.schedule is not None:
        raise UsageError(
            f"{folder.path} is a run of a schedule, whose samples can't be exported; bench report shows it"
        )
    trials = (sample_columns(manifest, key, recording) for key, recording in folder.read_trials())
    with _replaced(path) as partial:
        count = _write_parquet(trials, partial) if path.suffix == ".parquet" else _write_csv(trials, partial)
        if not count:
            raise UsageError(f"{folder.path} holds no samples, so there is nothing to export")
    return count


def check_parquet() -> None:
    """Raise UsageError if Parquet can't be written here."""
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(f"Parquet needs pyarrow, which is not installed; write .csv, or run with pyarrow: {EXTRA}")


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Provide a temporary file that replaces ``path`` at the end; if anything fails, ``path`` stays as it is."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(trials: Iterator[dict[str, Column]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for columns in trials:
            rows = list(zip(*(_texts(columns[name]) for name in COLUMNS), strict=True))
            writer.writerows(rows)
            count += len(rows)
    return count


def _texts(column: Column) -> list[object]:
    """Return values for CSV: empty if unknown; seconds to 100 ns, the precision of the samples."""
    if column.dtype.kind == "f":
        return ["" if value != value else f"{value:.7f}".rstrip("0").rstrip(".") for value in column.tolist()]  # noqa: PLR0124 - NaN
    if column.dtype.kind == "i":
        return ["" if value == -1 else value for value in column.tolist()]
    return [str(value).lower() if value is True or value is False else value for value in column.tolist()]


def _write_parquet(trials: Iterator[dict[str, Column]], path: Path) -> int:
    check_parquet()
    from pyarrow import parquet, schema  # noqa: PLC0415 - an extra

    names = schema([(name, _arrow_type(kind)) for name, kind in COLUMNS.items()])
    count = 0
    with parquet.ParquetWriter(path, names, compression="zstd") as writer:
        for columns in trials:
            table = _arrow_table(columns, names)
            writer.write_table(table)
            count += table.num_rows
    return count


def _unknown(column: Column) -> npt.NDArray[np.bool_] | None:
    """Return which values are unknown; None for a column in which none can be."""
    if column.dtype.kind == "i":
        return np.equal(column, -1)
    return np.isnan(column.astype(np.float64)) if column.dtype.kind == "f" else None


def _arrow_type(kind: str) -> "pyarrow.DataType":
    import pyarrow  # noqa: PLC0415 - an extra

    return pyarrow.bool_() if kind == "bool" else pyarrow.type_for_alias(kind)


def _arrow_table(columns: Mapping[str, Column], names: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow  # noqa: PLC0415 - an extra

    arrays = []
    for field in names:
        column = columns[field.name]
        arrays.append(pyarrow.array(column, field.type, mask=_unknown(column)))
    return pyarrow.Table.from_arrays(arrays, schema=names)


def labels_of(label: str | None) -> tuple[SideLabel, ...]:
    """Return the sides that a label stands for; raises UsageError if it is wrong."""
    if label is None:
        return LABELS
    if found := tuple(each for each in LABELS if each == label):
        return found
    raise UsageError(f"side {label!r}: write a or b")
