"""Where validations are kept: one file a machine, and a folder for each time that one was made."""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from loadtests.records.run_folder import VALIDATIONS, digest_path
from loadtests.system.errors import UsageError
from loadtests.validation.record import Validation
from loadtests.validation.wording import digest


class Archive:
    """The validations in a folder."""

    def __init__(self, path: Path = VALIDATIONS) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Archive {self.path}>"

    def latest_path(self, machine: str) -> Path:
        """Return where a machine's latest figures are."""
        return self.path / f"{machine}.json"

    def latest(self, machine: str) -> Validation | None:
        """Return the latest figures of each check on a machine; None if there are none, or they can't be read."""
        try:
            return Validation.model_validate_json(self.latest_path(machine).read_bytes())
        except (OSError, ValidationError):
            return None

    def open(self, name: str) -> Path:
        """Make the folder of a new validation; raises UsageError if it can't be."""
        folder = self.path / name
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"--out {self.path}: {name} cannot be made there ({error.strerror})") from None
        return folder

    def keep(self, validation: Validation, folder: Path) -> None:
        """Write what was measured into its folder, and into the machine's latest figures if it can prove a rate."""
        _write(folder / "validation.json", validation)
        if validation.complete and not validation.quick and validation.checked():
            merged = validation.onto(self.latest(validation.machine))
            _write(self.latest_path(validation.machine), merged)
            _write(digest_path(self.path, validation.machine), digest(merged))


def _write(path: Path, content: BaseModel) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(content.model_dump_json(indent=1), encoding="utf-8")
    partial.replace(path)
