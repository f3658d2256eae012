"""Resuming a schedule: which of its trials have ended, and what becomes of one that was broken off.

A schedule can't go on in its middle, because the queue, the caches and the memory that the server had then are gone. So
a trial that was broken off is carried out anew, from the schedule's beginning, and its samples are kept under another
name. A trial that its driver ended is kept as it is: that a side broke is a result, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loadtests.experiment.rate_schedule import clock
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import Event, Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_stream import SUFFIX, is_of, read_ending
from loadtests.records.schedule_record import ScheduleRecord, stream_path

BROKEN_OFF = "broken-off"
"""In the name of a file whose trial was carried out anew."""


@dataclass(frozen=True)
class Missing:
    """A trial that has not ended.

    Attributes:
        block: from 0.
        label: the side.
        reached_s: how far it came, in seconds; 0 if it was not begun.
        requests: how many requests had ended then.
    """

    block: int
    label: SideLabel
    reached_s: float = 0.0
    requests: int = 0


def missing_of(folder: RunFolder, record: ScheduleRecord) -> list[Missing]:
    """Return the trials that have not ended, in the order in which they were planned; raises OSError."""
    found = []
    for block, order in enumerate(record.orders):
        for label in order:
            path = stream_path(folder.trials, block, label)
            if not path.exists() or not is_of(path, folder.run_id):
                found.append(Missing(block, label))
                continue
            last, end = read_ending(path)
            if end is None:
                found.append(Missing(block, label, last.time_s, last.ended) if last else Missing(block, label))
    return found


def set_aside(path: Path) -> Path | None:
    """Rename a trial's file, so that the trial can be carried out anew; return its new name, None if it held nothing.

    Raises OSError.
    """
    last, _ = read_ending(path)
    if last is None or not last.ended:
        path.unlink()
        return None
    number = 1
    while (aside := path.with_name(f"{path.stem}-{BROKEN_OFF}-{number}{SUFFIX}")).exists():
        number += 1
    return path.rename(aside)


def begin_anew(folder: RunFolder, manifest: Manifest, missing: Sequence[Missing], now: datetime) -> Manifest:
    """Set aside what was broken off; return the manifest of a run that goes on, with lines for the report.

    Args:
        folder: of the run, which is locked.
        manifest: as it was.
        missing: the trials to carry out.
        now: when the run goes on.

    Raises:
        OSError: a file can't be renamed.
    """
    record = manifest.schedule
    assert record is not None  # noqa: S101 - whoever calls this has looked
    count, planned = len(missing), sum(map(len, record.orders))
    said = [f"resumed on {now:%Y-%m-%d at %H:%M} UTC with {count} of {planned} trials to measure"]
    events = [Event(block=missing[0].block if missing else 0, label=None, kind="resumed", message=said[0])]
    for each in missing:
        path = stream_path(folder.trials, each.block, each.label)
        if path.exists() and (aside := set_aside(path)) is not None:
            spec = (manifest.a if each.label == "a" else manifest.b).spec
            message = (
                f"{spec}, block {each.block + 1}, was broken off after {clock(each.reached_s)} and is carried out from"
                f" the beginning; the {each.requests:,} requests until then are kept in {aside.name}"
            )
            events.append(Event(block=each.block, label=each.label, kind="resumed", message=message))
    return manifest.model_copy(update={"complete": False, "events": [*manifest.events, *events]})
