"""The page about the tutorial's chapter names functions that are in the files it links to."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"\[`(\w+)`\]\(\.\./([\w/]+\.py)\)", PAGE)))


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_what_is_named_is_there(name: str, path: str) -> None:
    code = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async def |def )?{name}\b *[(=]", code, re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("build", ["sync", "async"])
def test_each_change_has_its_place_in_both_builds(build: str) -> None:
    told = {name for name, path in NAMED if path.startswith(f"{build}_app/")}
    assert {"get_db", "Db", "open_database", "home", "post_page", "create_post", "delete_post"} <= told
