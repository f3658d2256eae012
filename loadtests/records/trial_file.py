"""The file of a trial: compressed columns of samples, and a few readings about them (pure, but for reading).

Most of a time's 64 bits say nothing: the clock is read to 100 ns at best, and what matters is how far two instants of
one request are apart. So each instant is a count of ticks from another that is close to it, in the smallest integers
that hold the column: a fifth of the size that it has in memory.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import (
    ROW,
    BodyBytes,
    Failure,
    FailureExample,
    LoadMachine,
    Recording,
    Samples,
    Seconds,
    Slice,
    Timeline,
)

COMPRESSION = 1
"""The highest saves 2 % more, and takes six times as long."""
TIMELINE = "timeline"
"""The archive's member for what was seen inside the server, if anybody looked."""
EDGES = ("opened_s", "closed_s", "drained_s")
TICKS_PER_S = 10_000_000
"""A tick is 100 ns, about as long as reading the clock takes."""
SIZES = (np.int8, np.int16, np.int32, np.int64)
COLUMNS = ("scheduled", "lag", "head", "body", "status", "failure", "request")
Ticks = npt.NDArray[np.signedinteger]


CONTROL = "control "
"""Before the scenario's name where side a is compared with itself; no scenario's name begins so."""


@dataclass(frozen=True)
class TrialKey:
    """Which trial of a run: one side of one cell in one block.

    Attributes:
        block: from 0.
        scenario: its name, after CONTROL where side a is compared with itself.
        load: the load's slug.
        label: the side.
    """

    block: int
    scenario: str
    load: str
    label: SideLabel

    @property
    def file_name(self) -> str:
        """A name of its own, readable and safe whatever the scenario is called."""
        return f"{self.block:03d}-{slug_of(self.scenario)}-{self.load}-{self.label}.npz"


def slug_of(scenario: str) -> str:
    """Return a part of a file name that is the scenario's own, readable and safe whatever it is called."""
    readable = "".join(c if c.isalnum() or c in "_=.," else "-" for c in scenario)[:60]
    return f"{readable}-{zlib.crc32(scenario.encode()):08x}"


def dump_trial(key: TrialKey, run_id: str, recording: Recording) -> bytes:
    """Return a trial's file, its times to 100 ns."""
    about = {
        "run": run_id,
        **asdict(key),
        "started_s": recording.started_s,
        # Edges are rounded as samples are, so that what was due at an edge stays on the same side of it.
        "slices": [asdict(turn) | {edge: on_tick(getattr(turn, edge)) for edge in EDGES} for turn in recording.slices],
        "rss_bytes": recording.rss_bytes,
        "threads": recording.threads,
        "stalled": recording.stalled,
        "abandoned": recording.abandoned,
        "busy_after": recording.busy_after,
        "busy_before": recording.busy_before,
        "pauses": recording.pauses,
        "requests": recording.requests,
        "examples": [asdict(example) for example in recording.examples],
        "good_bytes": [asdict(each) for each in recording.good_bytes],
        **({"machines": [asdict(each) for each in recording.machines]} if recording.machines else {}),
    }
    columns: dict[str, np.ndarray] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        **pack(recording.samples),
    }
    if recording.timeline is not None:
        columns |= {TIMELINE: recording.timeline.rows}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, column, allow_pickle=False)
    return file.getvalue()


def read_trial(path: Path, run_id: str) -> tuple[TrialKey, Recording]:
    """Read a trial of that run; whatever is wrong with the file, it raises some Exception."""
    with path.open("rb") as source:
        key, recording, run = load_trial(source)
    if run != run_id or key.file_name != path.name:
        raise ValueError("it belongs to another run, or to another place in it")
    return key, recording


def load_trial(source: BinaryIO) -> tuple[TrialKey, Recording, str]:
    """Return what ``dump_trial`` wrote, the run's id last; whatever is wrong with it, it raises some Exception."""
    with np.load(source, allow_pickle=False) as archive:
        about: dict[str, Any] = json.loads(archive["about"].tobytes())
        samples = unpack({name: archive[name] for name in COLUMNS})
        seen = archive[TIMELINE] if TIMELINE in archive.files else None
    if seen is not None and (seen.dtype != ROW or seen.ndim != 1):
        raise ValueError("a timeline of another kind")
    recording = Recording(
        samples=samples,
        started_s=float(about["started_s"]),
        slices=tuple(Slice(**turn) for turn in about["slices"]),
        rss_bytes=about["rss_bytes"],
        threads=about["threads"],
        stalled=about["stalled"],
        abandoned=about["abandoned"],
        timeline=None if seen is None else Timeline(seen),
        busy_after=about.get("busy_after"),
        busy_before=about.get("busy_before"),
        pauses=tuple((at_s, length_s) for at_s, length_s in about.get("pauses", ())),
        requests=tuple(about.get("requests", ())),
        examples=tuple(
            FailureExample(**{**each, "failure": Failure(each["failure"])}) for each in about.get("examples", ())
        ),
        good_bytes=tuple(BodyBytes(**each) for each in about.get("good_bytes", ())),
        machines=tuple(LoadMachine(**each) for each in about.get("machines", ())),
    )
    key = TrialKey(about["block"], about["scenario"], about["load"], about["label"])
    return key, recording, str(about["run"])


def on_tick(seconds: float) -> float:
    """Return an instant as the samples of a trial have it when they are read back, in seconds."""
    return float(np.round(seconds * TICKS_PER_S) / TICKS_PER_S)


def pack(samples: Samples) -> dict[str, npt.NDArray[np.integer]]:
    """Return the columns to save, by COLUMNS.

    ``scheduled`` counts ticks from the request before, ``lag`` from scheduled to sent, ``head`` from sent to the first
    byte, and ``body`` from there (without an answer, from sent) to the end. What is NaN in the samples is the lowest
    value of its column's type; scheduled and sent never are.
    """
    scheduled, sent = _ticks(samples.scheduled_s), _ticks(samples.sent_s)
    first, ended = _ticks(samples.first_byte_s), _ticks(samples.ended_s)
    no_answer, no_end = np.isnan(samples.first_byte_s), np.isnan(samples.ended_s)
    return {
        "scheduled": _small(np.diff(scheduled, prepend=0)),
        "lag": _small(sent - scheduled),
        "head": _small(first - sent, no_answer),
        "body": _small(ended - np.where(no_answer, sent, first), no_end),
        "status": samples.status,
        "failure": samples.failure,
        "request": samples.request,
    }


def unpack(columns: Mapping[str, npt.NDArray[np.integer]]) -> Samples:
    """Return the samples that ``pack`` made these columns of; raises ValueError if it did not."""
    if len({columns[name].shape for name in COLUMNS}) != 1 or columns["lag"].ndim != 1:
        raise ValueError("columns of unequal length")
    scheduled = np.cumsum(columns["scheduled"], dtype=np.int64)
    sent = scheduled + columns["lag"]
    first, no_answer = _after(sent, columns["head"])
    ended, no_end = _after(np.where(no_answer, sent, first), columns["body"])
    return Samples(
        scheduled_s=_seconds(scheduled),
        sent_s=_seconds(sent),
        first_byte_s=_seconds(first, no_answer),
        ended_s=_seconds(ended, no_end),
        status=columns["status"].astype(np.uint16, copy=False),
        failure=columns["failure"].astype(np.uint8, copy=False),
        request=columns["request"].astype(np.uint16, copy=False),
    )


def _ticks(seconds: Seconds) -> npt.NDArray[np.int64]:
    return np.round(np.nan_to_num(seconds, nan=0.0) * TICKS_PER_S).astype(np.int64)


def _seconds(ticks: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_] | None = None) -> Seconds:
    seconds = ticks / TICKS_PER_S
    if unknown is not None:
        seconds[unknown] = np.nan
    return seconds


def _small(ticks: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_] | None = None) -> Ticks:
    """Return the same in the smallest type that holds it, its lowest value kept for what is unknown."""
    if unknown is not None:
        ticks = np.where(unknown, 0, ticks)
    low, high = (int(ticks.min()), int(ticks.max())) if len(ticks) else (0, 0)
    size = next(size for size in SIZES if np.iinfo(size).min < low and high <= np.iinfo(size).max)
    small: Ticks = ticks.astype(size)
    if unknown is not None:
        small[unknown] = np.iinfo(size).min
    return small


def _after(
    start: npt.NDArray[np.int64], ticks: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return instants so many ticks after ``start``, and which of them are unknown."""
    unknown: npt.NDArray[np.bool_] = ticks == np.iinfo(ticks.dtype).min
    return start + ticks, unknown
