"""What is kept of a lesson: lesson.json, all that its page and its claims need."""

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from loadtests.records.outcome import Outcome
from loadtests.records.run_folder import UnreadableRun
from loadtests.system.machine import Environment

FILE = "lesson.json"


class LessonRecord(BaseModel):
    """One lesson, as it was measured once.

    Attributes:
        schema_version: of this file.
        lesson: its name.
        created: when it was begun.
        seconds: how long it took.
        environment: machine and versions.
        database: product and version.
        outcome: the figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, validate_by_name=True)

    schema_version: Literal[1] = Field(1, alias="schema")
    lesson: str
    created: AwareDatetime
    seconds: float
    environment: Environment
    database: str
    outcome: Outcome


def read_lesson(path: Path) -> LessonRecord:
    """Return a lesson that was kept; raises UnreadableRun naming the file."""
    try:
        return LessonRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UnreadableRun(f"{path} can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise UnreadableRun(f"{path} is not a lesson of this version: {error.errors()[0]['msg']}") from None
