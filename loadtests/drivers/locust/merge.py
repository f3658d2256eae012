"""Raw samples on their way from Locust's processes to their owner: a file a process, merged and then removed."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Samples

COLUMNS = tuple(field.name for field in fields(Samples))


def write(path: Path, samples: Mapping[SideLabel, Samples]) -> None:
    """Write one process's samples of both sides."""
    np.savez(path, **{f"{label}.{name}": getattr(side, name) for label, side in samples.items() for name in COLUMNS})


def take(files: Sequence[Path], label: SideLabel) -> Samples:
    """Return one side's samples from all files, ordered as they ended; those without an end come last."""
    parts = [_read(path, label) for path in files]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    order = np.argsort(columns["ended_s"], kind="stable")
    return Samples(**{name: column[order] for name, column in columns.items()})


def remove(files: Sequence[Path]) -> None:
    """Remove what was read."""
    for path in files:
        path.unlink(missing_ok=True)


def _read(path: Path, label: SideLabel) -> Samples:
    with np.load(path, allow_pickle=False) as archive:
        return Samples(**{name: archive[f"{label}.{name}"] for name in COLUMNS})
