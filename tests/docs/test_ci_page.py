"""docs/ci.md: its workflow works, step by step."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
WORKFLOW = re.compile(r"^```yaml\n(?P<lines>.*?)^```$", re.DOTALL | re.MULTILINE)
STEP = re.compile(r"^(?P<indent> +)- name: (?P<name>.+)\n +run: \|\n(?P<lines>(?:(?P=indent) {4}.*\n)+)", re.MULTILINE)
COPIED = ("shared", "sync_app", "async_app", "loadtests", "pyproject.toml", "README.md", "LICENSE")
LIMIT_S = 300


def steps() -> dict[str, str]:
    """Return the workflow's scripts by the names of their steps."""
    (workflow,) = WORKFLOW.findall(PAGE)
    found = {match["name"]: textwrap.dedent(match["lines"]) for match in STEP.finditer(workflow)}
    assert len(found) == workflow.count("run:")
    return found


def test_the_workflow_installs_and_measures() -> None:
    assert [*steps()] == ["Install", "Measure"]


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT_S)
def test_the_steps_of_the_workflow_do_what_the_page_says(tmp_path: Path) -> None:
    checkout, runner = tmp_path / "checkout", tmp_path / "runner"
    checkout.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, checkout)
    subprocess.run([sys.executable, "-m", "venv", runner], check=True)  # as actions/setup-python leaves one
    summary = tmp_path / "summary.md"
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {"PATH": f"{runner / 'bin'}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    for name, script in steps().items():
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    assert "Thresholds: ✓" in done.stdout
    cases = ElementTree.parse(checkout / "junit.xml").getroot()  # noqa: S314 - our own file
    assert (cases.get("tests"), cases.get("failures")) == ("4", "0")
    assert "### async against sync" in summary.read_text(encoding="utf-8")
    assert (checkout / "results" / "ci" / "report.html").exists()
