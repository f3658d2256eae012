"""What a run writes of itself as it goes: its manifest, kept up to date, with a line for each thing that happened."""

import time

from loadtests.experiment.sides import Label
from loadtests.records.manifest import Event, Manifest
from loadtests.records.run_folder import RunFolder


class Journal:
    """The manifest of a run that goes on, and the file it lives in."""

    def __init__(self, folder: RunFolder, manifest: Manifest) -> None:
        self._folder = folder
        self.manifest = manifest
        self._begun = time.monotonic() - (manifest.seconds or 0.0)

    def update(self, **changes: object) -> None:
        """Change some of the manifest's fields."""
        self.manifest = self.manifest.model_copy(update=changes)
        self._folder.write_manifest(self.manifest)

    def event(self, block: int, label: Label | None, kind: str, message: str, seconds: float | None = None) -> None:
        """Add a line; see ``Event`` for what goes into it."""
        event = Event.model_validate(
            {"block": block, "label": label, "kind": kind, "message": message, "seconds": seconds}
        )
        self.update(events=[*self.manifest.events, event])

    def note_time(self) -> None:
        """Write down how long has been measured, earlier sittings included."""
        self.update(seconds=round(time.monotonic() - self._begun, 1))
