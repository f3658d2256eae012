"""Every request of a run as one table, for other programs: CSV and Parquet."""

import csv
import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_columns import COLUMNS, Column, sample_columns
from loadtests.records.schedule_trials import Missing, read_parts
from loadtests.system.errors import UsageError

if TYPE_CHECKING:
    import pyarrow

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""How a text may begin that a spreadsheet takes for a formula, and the apostrophe that keeps it from doing so.

Source: https://owasp.org/www-community/attacks/CSV_Injection.
"""
EXTRA = "uv run --extra parquet bench …"


def export_samples(folder: RunFolder, path: Path) -> tuple[int, list[Missing]]:
    """Write all samples of a run to a ``.csv`` or ``.parquet`` file, completely or not at all.

    Trials are written one by one, those of a schedule in parts, so memory does not grow with the run.

    Returns:
        How many samples there are, and, of a schedule, the trials in which requests have none.

    Raises:
        UnreadableRun: the run, or one of its trials, is damaged.
        UsageError: pyarrow is missing, or there are no samples.
    """
    manifest = folder.read_manifest()
    missing: list[Missing] = []
    if manifest.schedule is not None:
        tables = read_parts(folder, manifest, manifest.schedule, missing=missing)
    else:
        tables = (sample_columns(manifest, key, recording) for key, recording in folder.read_trials())
    with _replaced(path) as partial:
        count = _write_parquet(tables, partial) if path.suffix == ".parquet" else _write_csv(tables, partial)
        if not count:
            raise UsageError(f"{folder.path} holds no samples, so there is nothing to export")
    return count, [each for each in missing if each.counted or not each.ended]


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


def _write_csv(tables: Iterator[dict[str, Column]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for columns in tables:
            writer.writerows(zip(*(_texts(columns[name]) for name in COLUMNS), strict=True))
            count += len(columns["run"])
    return count


def _texts(column: Column) -> list[object]:
    """Return values for CSV: empty if unknown; seconds to 100 ns, the precision of the samples; texts as texts.

    A spreadsheet computes a cell that begins like a formula, even a quoted one. So a text that begins so gets an
    apostrophe before it, as does one that begins with an apostrophe: removing the first one gives every text back.
    """
    if column.dtype.kind == "f":
        return ["" if value != value else f"{value:.7f}".rstrip("0").rstrip(".") for value in column.tolist()]  # noqa: PLR0124 - NaN
    if column.dtype.kind == "i":
        return ["" if value == -1 else value for value in column.tolist()]
    if column.dtype.kind == "b":
        return ["true" if value else "false" for value in column.tolist()]
    values = column.tolist()
    shown = {value: f"'{value}" if value.startswith(FORMULA_SIGNS) else value for value in set(values)}
    return [shown[value] for value in values]


def _write_parquet(tables: Iterator[dict[str, Column]], path: Path) -> int:
    check_parquet()
    from pyarrow import parquet, schema  # noqa: PLC0415 - an extra

    names = schema([(name, _arrow_type(kind)) for name, kind in COLUMNS.items()])
    count = 0
    with parquet.ParquetWriter(path, names, compression="zstd") as writer:
        for columns in tables:
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
