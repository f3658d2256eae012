"""Every request of a trial as a row of one table, column by column (pure).

A row is a request, including those of lead-ins and drains. ``window`` tells which requests the report's figures are
based on. docs/data.md describes the columns.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.samples import Failure, Recording, Samples
from loadtests.records.schedule_record import ScheduleRecord
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.system.errors import UsageError

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
    """Return the rows of one trial of a cell, by column.

    Values that a trial has only once are repeated in each row. An unknown value is NaN, -1 for ``window``, ``users``
    and ``status``, and an empty text for ``request``.
    """
    load = next((load for load in _loads(manifest) if load.slug == key.load), None)
    control = key.scenario.startswith(CONTROL)
    once: dict[str, tuple[object, str]] = {
        "run": (manifest.name, "O"),
        "block": (key.block, "i4"),
        "scenario": (key.scenario.removeprefix(CONTROL), "O"),
        "load": (str(load) if load is not None else key.load, "O"),
        "users": (load.users if isinstance(load, ClosedLoop) else -1, "i4"),
        "rate": (load.rate if load is not None and not isinstance(load, ClosedLoop) else np.nan, "f8"),
        "label": (key.label, "O"),
        "side": ((manifest.a if key.label == "a" or control else manifest.b).spec, "O"),
        "control": (control, "?"),
    }
    return (
        {name: np.full(len(recording.samples), value, dtype) for name, (value, dtype) in once.items()}
        | {"window": _windows(recording)}
        | _of_requests(recording.samples, recording.requests)
    )


class ScheduleColumns:
    """Makes the same columns from the samples of a schedule, of one side in one block.

    ``rate`` is the planned rate at the instant when the request was due, ``window`` the interval that it was due in.
    """

    def __init__(self, manifest: Manifest, plan: ScheduleRecord, block: int, label: SideLabel) -> None:
        """Say of which trial the samples are; the plan is the manifest's."""
        [scenario] = manifest.scenarios
        self._once: dict[str, tuple[object, str]] = {
            "run": (manifest.name, "O"),
            "block": (block, "i4"),
            "scenario": (scenario.name, "O"),
            "load": (plan.rate, "O"),
            "users": (-1, "i4"),
            "label": (label, "O"),
            "side": ((manifest.a if label == "a" else manifest.b).spec, "O"),
            "control": (False, "?"),
        }
        schedule = plan.schedule
        self._ends_s = np.array([each.end_s for each in schedule.intervals()])
        self._knots_s = np.array(list(itertools.pairwise(schedule.begins_s)), float).ravel()
        self._rates = np.array([(part.from_rps, part.to_rps) for part in schedule.parts]).ravel()
        self._requests = tuple(each.asked_of(label) for each in scenario.requests)

    def of(self, samples: Samples) -> dict[str, Column]:
        """Return the rows of some samples, whose times run from the beginning of the schedule."""
        due = samples.scheduled_s
        window = np.minimum(np.searchsorted(self._ends_s, due, side="right"), len(self._ends_s) - 1)
        columns = (
            {name: np.full(len(samples), value, dtype) for name, (value, dtype) in self._once.items()}
            | {"rate": np.interp(due, self._knots_s, self._rates), "window": window.astype(np.int32)}
            | _of_requests(samples, self._requests)
        )
        return {name: columns[name] for name in COLUMNS}


def _of_requests(samples: Samples, requests: Sequence[str]) -> dict[str, Column]:
    """Return the columns that differ from request to request; ``requests`` is what their indexes mean."""
    asked = np.array([*requests, ""], dtype=object)
    return {
        "request": asked[np.minimum(samples.request.astype(np.int64), len(asked) - 1)],
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


def labels_of(label: str | None) -> tuple[SideLabel, ...]:
    """Return the sides that a label stands for; raises UsageError if it is wrong."""
    if label is None:
        return LABELS
    if found := tuple(each for each in LABELS if each == label):
        return found
    raise UsageError(f"side {label!r}: write a or b")
