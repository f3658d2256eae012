"""docs/ci.md: its workflows work, step by step."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
WORKFLOW = re.compile(r"^```yaml\n(?P<lines>.*?)^```$", re.DOTALL | re.MULTILINE)
STEP = re.compile(
    r"^(?P<indent> +)- name: (?P<name>.+)\n(?: +if: .+\n)?"
    r" +run: \|\n(?P<lines>(?:(?P=indent) {4}.*\n)+)",
    re.MULTILINE,
)
COPIED = ("shared", "sync_app", "async_app", "loadtests", "pyproject.toml", "README.md", "LICENSE")
LIMIT_S = 300
SHORTER = {" --time 3 ": " --time 0.3 --no-control ", "bench check sync ": "bench check sync --budget 20s "}
"""What is changed in the page's scripts: how long they measure and ask, which decides how sure they are; no step."""


Run = Callable[[str, str], str]


def workflows() -> dict[str, dict[str, str]]:
    """Return each workflow's scripts by the names of their steps."""
    found: dict[str, dict[str, str]] = {}
    for workflow in WORKFLOW.findall(PAGE):
        scripts = {match["name"]: textwrap.dedent(match["lines"]) for match in STEP.finditer(workflow)}
        assert len(scripts) == workflow.count("run:")
        found[workflow.partition("name: ")[2].partition("\n")[0]] = scripts
    return found


def test_what_is_made_shorter_stands_on_the_page() -> None:
    assert all(PAGE.count(pages) == 1 for pages in SHORTER)


def test_the_workflows_install_and_measure() -> None:
    assert {name: [*scripts] for name, scripts in workflows().items()} == {
        "bench": ["Install", "Measure"],
        "check": ["Install", "Check", "Leave out what is accepted"],
    }
    assert workflows()["bench"]["Install"] == workflows()["check"]["Install"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this repository."""
    checkout = tmp_path_factory.mktemp("runner") / "checkout"
    (checkout / ".git").mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, checkout)
    return checkout


@pytest.fixture(scope="module")
def run(checkout: Path) -> Run:
    """Return what runs a script as a runner does, in that copy, where the workflows' first step was carried out."""
    runner = checkout.parent / "python"
    subprocess.run([sys.executable, "-m", "venv", runner], check=True)  # as actions/setup-python leaves one
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {
        "PATH": f"{runner / 'bin'}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(checkout.parent / "summary.md"),
    }

    def carry_out(name: str, script: str) -> str:
        for pages, ours in SHORTER.items():
            script = script.replace(pages, ours)
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
        return done.stdout

    carry_out("Install", workflows()["bench"]["Install"])
    return carry_out


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT_S)
def test_the_steps_of_a_measurement_do_what_the_page_says(checkout: Path, run: Run) -> None:
    assert "Thresholds: ✓" in run("Measure", workflows()["bench"]["Measure"])
    cases = ElementTree.parse(checkout / "junit.xml").getroot()  # noqa: S314 - our own file
    assert (cases.get("tests"), cases.get("failures")) == ("4", "0")
    assert "### async against sync" in (checkout.parent / "summary.md").read_text(encoding="utf-8")
    assert (checkout / "results" / "ci" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT_S)
def test_the_steps_of_a_check_do_what_the_page_says(checkout: Path, run: Run) -> None:
    check, leave_out = (workflows()["check"][name] for name in ("Check", "Leave out what is accepted"))
    run("Check", check)
    (written,) = json.loads((checkout / "check.sarif").read_text(encoding="utf-8"))["runs"]
    assert written["results"]
    for result in written["results"]:
        assert (checkout / result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).is_file()
    if shutil.which("jq") is None:
        pytest.skip("there is no jq here, which runners have")
    accepted = {"suppressions": [{"kind": "external"}], **written["results"][0]}
    document = {"runs": [{**written, "results": [accepted, *written["results"]]}]}
    (checkout / "check.sarif").write_text(json.dumps(document), encoding="utf-8")
    run("Leave out what is accepted", leave_out)
    assert json.loads((checkout / "upload.sarif").read_text(encoding="utf-8"))["runs"] == [written]
