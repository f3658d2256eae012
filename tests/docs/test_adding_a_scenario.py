"""docs/adding-a-scenario.md is a worked example: its patches, applied to a copy, do what the page promises."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-scenario.md"
COPIED = ("shared", "sync_app", "async_app", "loadtests", "tests")
NEW = "search_posts"
PATCH = re.compile(r"^```diff\n\+\+\+ (?P<path>\S+)\n(?P<lines>.*?)^```$", re.DOTALL | re.MULTILINE)
PROMISES = f"""
import asyncio, sys, tempfile
from pathlib import Path

import httpx
import pytest

import loadtests
from loadtests.experiment.catalogue import HOLD_A_CONNECTION
from loadtests.servers.handlers import routes
from loadtests.experiment.scenario_text import parse_scenario
from tests.contract.in_process import in_process

here = Path.cwd()
assert Path(loadtests.__file__).is_relative_to(here), "this is not the copy"
scenario = parse_scenario({NEW!r})
(request,) = scenario.requests
assert {NEW!r} in HOLD_A_CONNECTION
for build in ("sync", "async"):
    found = [route for route in routes(here / f"{{build}}_app") if route.answers(request)]
    assert {NEW!r} in found[0].lines[1], "another route answers first"


async def answer(build):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        async with in_process(build, Path(folder), "http://127.0.0.1:9", patch) as client:
            return await client.request(request.method, request.path)


sync, async_ = (asyncio.run(answer(build)) for build in ("sync", "async"))
assert sync.status_code == async_.status_code == request.status, (sync, async_)
assert request.contains in sync.content, sync.text
assert sync.content == async_.content
"""


def patched(text: str, lines: str) -> str:
    """Apply one patch; its context must be found exactly once."""
    marked = [(line[:1] or " ", line[1:]) for line in lines.splitlines()]
    before, after = ("".join(f"{line}\n" for mark, line in marked if mark != gone) for gone in "+-")
    assert text.count(before) == 1, f"found {text.count(before)} times, not once:\n{before}"
    return text.replace(before, after)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the page's patches applied."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for match in PATCH.finditer(PAGE.read_text(encoding="utf-8")):
        file = folder / match["path"]
        file.write_text(patched(file.read_text(encoding="utf-8"), match["lines"]), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> str:
    """Run Python with the copy first on its path; return what it said."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_patch_of_the_page_is_applied() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(PATCH.findall(page)) == page.count("```diff") > 5


def test_the_scenario_is_listed(copy: Path) -> None:
    assert NEW in run(copy, "-c", "from loadtests.cli import main; main()", "list")


def test_both_builds_give_the_answer_that_the_scenario_expects(copy: Path) -> None:
    run(copy, "-c", PROMISES)


@pytest.mark.slow
def test_the_twins_and_the_contract_accept_it(copy: Path) -> None:
    run(
        copy,
        *("-m", "pytest", "-q", "tests/contract/test_twins.py", "tests/experiment/test_scenarios.py"),
        *("tests/contract/test_statements.py", "tests/contract/test_alike.py::test_both_builds_answer_alike[sqlite]"),
    )


def test_its_code_is_as_the_house_likes_it(copy: Path) -> None:
    changed = sorted({match["path"] for match in PATCH.finditer(PAGE.read_text(encoding="utf-8"))})
    run(copy, "-m", "ruff", "check", *changed)
    run(copy, "-m", "ruff", "format", "--check", *changed)
