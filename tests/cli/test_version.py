"""``bench --version``."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from loadtests.cli import bench
from loadtests.system import machine

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(("commit", "said"), [("0123456789ab+", " (commit 0123456789ab+)"), (None, "")])
def test_version_names_the_commit_of_a_checkout(commit: str | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "own_commit", lambda: commit)
    result = CliRunner().invoke(bench, ["--version"])
    assert (result.exit_code, result.output) == (0, f"bench {PROJECT['version']}{said}\n")
