"""The samples of a schedule's trials, read in parts, so that hours of them take as little memory as minutes.

A trial is one side in one block. Its file may end early, where its driver was killed, and may hold requests that were
only counted, because it had reached its limit: these have no samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import OUTCOME_FILE, RunFolder, UnreadableRun
from loadtests.records.sample_columns import Column, ScheduleColumns
from loadtests.records.sample_stream import End, read_about, read_stream
from loadtests.records.samples import Samples
from loadtests.records.schedule_record import ScheduleOutcome, ScheduleRecord, stream_path
from loadtests.records.second_counts import Counts, Kind

PART = 50_000
"""Samples that a part of a trial has, about: the file has one frame for each second."""


@dataclass
class Missing:
    """Which requests of a trial have no samples.

    Attributes:
        block: from 0.
        label: the side.
        counted: how many requests were only counted.
        ended: whether the driver wrote the end of the file; it did not if it was killed.
    """

    block: int
    label: SideLabel
    counted: int = 0
    ended: bool = False


def read_parts(
    folder: RunFolder,
    manifest: Manifest,
    plan: ScheduleRecord,
    labels: tuple[SideLabel, ...] = LABELS,
    missing: list[Missing] | None = None,
) -> Iterator[dict[str, Column]]:
    """Yield the samples of each trial in the order of blocks and sides, in parts of about PART, by column.

    Args:
        folder: of the run.
        manifest: its run.json.
        plan: the schedule, the manifest's.
        labels: the sides whose trials are wanted.
        missing: where to note of each trial, when it has been read, which requests have no samples.

    Raises:
        UnreadableRun: the file of a trial is not one of this run; the message names it.
    """
    for block, order in enumerate(plan.orders):
        for label in sorted(order):
            path = stream_path(folder.trials, block, label)
            if label not in labels or not path.exists():
                continue
            try:
                belongs = read_about(path).get("run") == folder.run_id
            except (ValueError, OSError) as error:
                raise UnreadableRun(f"{path} can't be read: {error}") from None
            if not belongs:
                raise UnreadableRun(f"{path} belongs to another run; remove it to go on")
            columns, lacking = ScheduleColumns(manifest, plan, block, label), Missing(block, label)
            kept: list[Samples] = []
            for frame in read_stream(path):
                if isinstance(frame, Samples):
                    kept.append(frame)
                    if sum(map(len, kept)) >= PART:
                        yield columns.of(_joined(kept))
                        kept = []
                elif isinstance(frame, Counts):
                    rows = frame.rows
                    lacking.counted += int(rows["count"][rows["kind"] == Kind.OUTCOME].sum())
                elif isinstance(frame, End):
                    lacking.ended = True
            if kept:
                yield columns.of(_joined(kept))
            if missing is not None:
                missing.append(lacking)


def read_schedule_outcome(folder: RunFolder) -> ScheduleOutcome:
    """Return the summary.json of a run of a schedule; raises UnreadableRun."""
    path = folder.path / OUTCOME_FILE
    try:
        return ScheduleOutcome.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        reason = "it is not there"
    except OSError as error:
        reason = str(error.strerror)
    except ValidationError as error:
        reason = str(error).splitlines()[0]
        if folder.read_manifest().schedule is None:
            raise UnreadableRun(f"{folder.path} is not a run of a schedule; its results are in summary") from None
    raise UnreadableRun(f"{path} can't be read: {reason}; bench report {folder.path} rebuilds it")


def _joined(parts: list[Samples]) -> Samples:
    return Samples(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})
