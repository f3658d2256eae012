from pathlib import Path

import pytest
from pydantic import ValidationError

from loadtests.lessons.record import ClaimsRecord, LessonRecord
from loadtests.records.json_files import Record, replace_file
from loadtests.records.manifest import Manifest
from loadtests.slo.objective import SloRecord
from loadtests.validation.record import Validation


@pytest.mark.parametrize("kept", [Manifest, LessonRecord, ClaimsRecord, SloRecord, Validation])
def test_no_file_of_another_version_is_taken_for_one_of_this(kept: type[Record]) -> None:
    with pytest.raises(ValidationError) as failure:
        kept.model_validate_json('{"schema": 99, "what_comes_later": 1}')
    wrong = {each["loc"]: each["type"] for each in failure.value.errors()}
    assert wrong["schema",] == "literal_error"
    assert wrong["what_comes_later",] == "extra_forbidden"


def test_a_file_that_could_not_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    replace_file(path, b"before")
    (tmp_path / "kept.partial").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(path, b"after")
    assert path.read_bytes() == b"before"
