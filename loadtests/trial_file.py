"""One trial as a file: an archive of compact columns, and a few readings about them."""

import io
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loadtests import encoding
from loadtests.experiment.sides import Label
from loadtests.samples import Recording, Slice
from loadtests.timeline import ROW, Timeline

COMPRESSION = 1
"""The highest saves 2 % more, and takes six times as long."""
TIMELINE = "timeline"
"""The archive's member for what was seen inside the server, if anybody looked."""
EDGES = ("opened_s", "closed_s", "drained_s")


@dataclass(frozen=True)
class TrialKey:
    """Which trial of a run: one side of one cell in one block.

    Attributes:
        block: from 0.
        scenario: its name.
        load: the load's slug.
        label: the side.
    """

    block: int
    scenario: str
    load: str
    label: Label

    @property
    def file_name(self) -> str:
        """A name of its own, readable and safe whatever the scenario is called."""
        readable = "".join(c if c.isalnum() or c in "_=.," else "-" for c in self.scenario)[:60]
        checksum = zlib.crc32(self.scenario.encode())
        return f"{self.block:03d}-{readable}-{checksum:08x}-{self.load}-{self.label}.npz"


def dump_trial(key: TrialKey, run_id: str, recording: Recording) -> bytes:
    """Return a trial's file, its times to 100 ns."""
    about = {
        "run": run_id,
        **asdict(key),
        "started_s": recording.started_s,
        # Edges are rounded as samples are, so that what was due at an edge stays on the same side of it.
        "slices": [
            asdict(turn) | {edge: encoding.on_tick(getattr(turn, edge)) for edge in EDGES} for turn in recording.slices
        ],
        "rss_bytes": recording.rss_bytes,
        "threads": recording.threads,
        "stalled": recording.stalled,
        "abandoned": recording.abandoned,
    }
    columns: dict[str, np.ndarray] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        **encoding.pack(recording.samples),
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
    with path.open("rb") as source, np.load(source, allow_pickle=False) as archive:
        about: dict[str, Any] = json.loads(archive["about"].tobytes())
        samples = encoding.unpack({name: archive[name] for name in encoding.COLUMNS})
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
    )
    key = TrialKey(about["block"], about["scenario"], about["load"], about["label"])
    if about["run"] != run_id or key.file_name != path.name:
        raise ValueError("it belongs to another run, or to another place in it")
    return key, recording
