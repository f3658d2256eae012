"""JSON files of results: read strictly, and written whole or not at all."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of everything that is kept as JSON: immutable, and strict about what it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


def write_json(path: Path, content: BaseModel) -> None:
    """Write a record, whole or not at all."""
    replace_file(path, content.model_dump_json(indent=1).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step, so that no reader ever sees half of it."""
    partial = path.with_suffix(".partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
