"""docs/check-outputs.md: its tables have every key and every condition, and its baseline can be read."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from loadtests.check.baseline import read
from loadtests.check.fail_on import MEANINGS
from loadtests.check.record import SCHEMA, Check, Finding, Gain, Part, Place, Problem, RouteCheck, Site, Verdict
from tests.docs.test_pages import FENCE, ROOT

PAGE = (ROOT / "docs" / "check-outputs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[^|]+`) \| (.+) \|$", re.MULTILINE)


def rows(heading: str) -> dict[str, str]:
    """Return what stands beside each word of the tables under a heading."""
    section = re.split(r"^#", PAGE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return {word: text for names, text in ROW.findall(section) for word in re.findall("`([^`]+)`", names)}


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("The check", Check),
        ("A route", RouteCheck),
        ("A part of a request", Part),
        ("A finding", Finding),
        ("A line of source", Site),
        ("A gain", Gain),
    ],
)
def test_every_key_of_the_record_is_in_a_table(heading: str, model: type[BaseModel]) -> None:
    assert list(rows(heading)) == list(model.model_fields)


def test_every_word_of_the_record_is_told() -> None:
    assert rows("The check")["schema_version"] == str(SCHEMA)
    for words, text in (
        (get_args(Verdict), rows("A route")["verdict"]),
        (get_args(Problem), rows("A finding")["problem"]),
        (get_args(Place), rows("A part of a request")["place"]),
    ):
        assert set(re.findall("`([^`]+)`", text)) == set(words)


def test_every_condition_is_told_with_its_meaning() -> None:
    assert rows("In continuous integration: --fail-on") == MEANINGS


def test_the_baseline_on_the_page_can_be_read(tmp_path: Path) -> None:
    (content,) = (fence["body"] for fence in FENCE.finditer(PAGE) if fence["kind"] == "json")
    file = tmp_path / "baseline.json"
    file.write_text(content, encoding="utf-8")
    assert len(read(file)) == 1
