"""Find the validation of this machine, for a run's manifest."""

from pathlib import Path

from pydantic import ValidationError

from loadtests.store import RESULTS
from loadtests.system.machine import Environment, machine_id
from loadtests.validation.digest import ValidationDigest

VALIDATIONS = RESULTS / "validation"


def digest_path(folder: Path, machine: str) -> Path:
    """Return where the digest of a machine's latest figures is: beside them, so that a run need not work it out."""
    return folder / f"{machine}-digest.json"


def quoted(environment: Environment, folder: Path = VALIDATIONS) -> ValidationDigest | None:
    """Return the digest of a machine's latest validation; None if there is none, or it can't be read."""
    try:
        return ValidationDigest.model_validate_json(digest_path(folder, machine_id(environment)).read_bytes())
    except (OSError, ValidationError):
        return None
