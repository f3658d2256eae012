"""A side's own commands: run in its folder with its variables, and told of in a line where they fail."""

from pathlib import Path

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.servers import side_command
from loadtests.servers.app_check import check_sides
from loadtests.servers.side_command import run_side_command
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError, UsageError

CORES = Cores((), ())


def run(folder: Path, command: str) -> None:
    side = parse_side(f'main:app,dir={folder},env.A=b,setup="{command}"')
    run_side_command(side, "setup", {"BLOG_X": "y"}, CORES, folder / "log")


def test_it_is_run_in_the_sides_folder_with_its_variables(tmp_path: Path) -> None:
    run(tmp_path, "sh -c 'echo $A $BLOG_X > made'")
    assert (tmp_path / "made").read_text() == "b y\n"


def test_a_side_without_one_needs_no_folder(tmp_path: Path) -> None:
    run_side_command(parse_side("main:app,dir=nowhere"), "reset", {}, CORES, tmp_path / "log")


def test_its_last_line_says_why_it_failed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(RunError, match=r"^setup ended with status 3: no such table$"):
        run(tmp_path, "sh -c 'echo migrating; echo no such table >&2; exit 3'")
    with pytest.raises(RunError, match=r"^setup ended with status 1: false$"):
        run(tmp_path / "other", "false")


def test_it_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_command, "LIMIT_S", 0.3)
    with pytest.raises(RunError, match=r"^setup took more than 0.3 s: sleep 60$"):
        run(tmp_path, "sleep 60")


@pytest.mark.parametrize("what", ["setup", "reset"])
def test_what_cannot_be_run_is_told_before_anything_is(tmp_path: Path, what: str) -> None:
    (tmp_path / "main.py").write_text("async def app(scope, receive, send): ...\n")
    with pytest.raises(UsageError, match=f"there is no program 'no-such-program' for {what}"):
        check_sides([parse_side(f"main:app,dir={tmp_path},{what}=no-such-program --now")])
    with pytest.raises(UsageError, match=f"{what}=.* can't be read"):
        parse_side(f'main:app,{what}="a \'b"')
    with pytest.raises(UsageError, match=f"leave out '{what}'"):
        parse_side(f"http://127.0.0.1:9,{what}=true")
