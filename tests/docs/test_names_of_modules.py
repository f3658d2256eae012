"""What the docs call files and modules by is what they are called."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = ROOT / "CHANGELOG.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATH = re.compile(r"(?<![\w/.-])(?:loadtests|tests|shared|sync_app|async_app)/[\w./-]*\w/?")
"""A path from the repository's folder on."""
SPAN = re.compile(r"`([\w/]+\.py|[\w/]+/)`")
"""A file or a folder by the end of its path: ``runner/cell.py``, ``html/``."""
STARTED = re.compile(r"python3? -m ((?:loadtests|tests)[\w.]*)")
DOTTED = re.compile(r"`(loadtests\.[\w.]+)`")
PICTURED = re.compile(r">([\w, /]+\.py|[\w]+/)\b")
WRITTEN = {"charts/", "trials/", "results/", "results/example/", "results/validation/", "example/"} | {
    "folder/main.py",
    "shop.py",
    "decide.py",
    "after.py",
}
"""Folders of runs, and files that a page shows."""
FILES = [
    path
    for folder in ("loadtests", "shared", "sync_app", "async_app", "tests", "docs")
    for path in [ROOT / folder, *(ROOT / folder).rglob("*")]
    if "__pycache__" not in path.parts
]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def ends_so(name: str) -> bool:
    """Whether a file's path ends with a name, or a folder's if the name ends with a slash."""
    wanted = Path(name).parts
    return any(path.parts[-len(wanted) :] == wanted and path.is_dir() == name.endswith("/") for path in FILES)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_on_a_page_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path for path in PATH.findall(text) if not (ROOT / path).exists()] == []
    assert [name for name in SPAN.findall(text) if name not in WRITTEN and not ends_so(name)] == []


@pytest.mark.parametrize("page", [*PAGES, CHANGELOG], ids=name_of)
def test_modules_that_a_page_starts_are_there(page: Path) -> None:
    names = STARTED.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if find_spec(name.rstrip(".")) is None] == []


def test_pictures_name_files_that_there_are() -> None:
    for picture in (ROOT / "docs").glob("*.svg"):
        words = [word for part in PICTURED.findall(picture.read_text(encoding="utf-8")) for word in part.split(", ")]
        assert [word for word in words if word.endswith((".py", "/")) and not ends_so(word)] == []


def test_the_changelog_says_where_modules_are_now() -> None:
    rows = re.findall(r"^ *\| `loadtests.*\| (.*) \|$", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 5
    names = [name for now in rows for name in DOTTED.findall(now)]
    assert [name for name in names if find_spec(name) is None] == []


def test_every_room_is_on_the_pages_that_list_them() -> None:
    rooms = [path.parent.name for path in (ROOT / "loadtests").glob("*/__init__.py")]
    assert len(rooms) > 10
    for page in (ROOT / "CONTRIBUTING.md", ROOT / "docs" / "how-it-works.md"):
        text = page.read_text(encoding="utf-8")
        assert [room for room in rooms if f"`loadtests/{room}/`" not in text] == []


@pytest.mark.parametrize(("name", "there"), [("html/", True), ("runner/cell.py", True), ("arena.py", False)])
def test_a_name_is_told_from_one_that_is_none(name: str, there: bool) -> None:
    assert ends_so(name) is there
