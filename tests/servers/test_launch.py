"""A side is started with its own interpreter, in its own folder, with its own variables."""

import json
import sys
from pathlib import Path

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.servers.app_check import check_sides
from loadtests.servers.launch import environment_of, expanded, folder_of, python_of, start_of
from loadtests.system.errors import UsageError

GIVEN = {"BLOG_DATABASE_URL": "sqlite:///x.db", "BLOG_UPSTREAM_URL": "http://u"}


def test_a_knob_reaches_the_app_as_an_environment_variable_and_wins() -> None:
    environment = environment_of(parse_side("sync,upstream_url=http://127.0.0.1:1"), GIVEN)
    assert environment["BLOG_DATABASE_URL"] == "sqlite:///x.db"
    assert environment["BLOG_UPSTREAM_URL"] == "http://127.0.0.1:1"


def test_the_blogs_knobs_in_the_shell_do_not_reach_a_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOG_POOL_SIZE", "99")
    assert "BLOG_POOL_SIZE" not in environment_of(parse_side("sync"), GIVEN)


def test_variables_of_the_shell_reach_an_app_then_those_of_its_file_then_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ONE", "TWO", "THREE"):
        monkeypatch.setenv(name, "shell")
    (tmp_path / ".env").write_text("# a comment\nTWO=file\nexport THREE='the file'\n")
    side = parse_side(f"main:app,dir={tmp_path},env_file=.env,env.THREE=own,env.FOUR=x${{ONE}}")
    environment = environment_of(side, {})
    assert [environment[name] for name in ("ONE", "TWO", "THREE", "FOUR")] == ["shell", "file", "own", "xshell"]


def test_what_a_side_says_is_quoted_without_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hush-hush")
    (tmp_path / ".env").write_text("DSN=db://me:hush@db\nDEBUG=1\n")
    side = parse_side(f"main:app,dir={tmp_path},env_file=.env,env.KEY=${{TOKEN}},env.MODE=production")
    start = start_of(side, 1, {})
    said = "1: no db at db://me:hush@db with hush-hush in production"
    assert start.without_secrets(said) == "1: no db at ${DSN} with ${KEY} in production"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(UsageError, match="needs the environment variable NOT_SET_ANYWHERE, which is not set"):
        environment_of(parse_side("main:app,env.X=${NOT_SET_ANYWHERE}"), {})
    assert expanded("no ${ nor $", "x") == "no ${ nor $"


def test_an_interpreter_is_looked_for_in_the_sides_folder_first(tmp_path: Path) -> None:
    own = tmp_path / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    side = parse_side(f"main:app,dir={tmp_path},python=.venv/bin/python")
    assert python_of(side) == str(own)  # not where the link leads: an environment is found by its link
    environment = environment_of(side, {})
    assert environment["VIRTUAL_ENV"] == str(tmp_path / ".venv")
    assert environment["PATH"].startswith(str(own.parent))
    assert python_of(parse_side("main:app")) == sys.executable


def test_a_tilde_is_the_home_folder_though_no_shell_has_seen_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "python").symlink_to(sys.executable)
    (tmp_path / ".env").write_text("ONE=file\n")
    side = parse_side("main:app,dir=~,python=~/python,env_file=~/.env")
    assert (folder_of(side), python_of(side)) == (tmp_path, str(tmp_path / "python"))
    assert environment_of(side, {})["ONE"] == "file"


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("main:app,dir=no_such_folder", "there is no folder no_such_folder"),
        ("main:app,python=no_such_python", "there is no interpreter no_such_python"),
        ("main:app,env_file=no_such_file", "there is no file"),
    ],
)
def test_what_is_not_there_is_named(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        start_of(parse_side(spec), 1, {})


def test_our_own_apps_are_started_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert (folder_of(parse_side("sync")) / "sync_app").is_dir()
    assert folder_of(parse_side("main:app")) == tmp_path


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("no_such_module:app", "there is no module 'no_such_module'"),
        ("loadtests.servers.slow_api:nothing", "has no 'nothing'"),
        ("command='no_such_program {port}'", "there is no program 'no_such_program'"),
        ("command='MODE=prod serve {port}'", "no shell reads the command: set variables with env.NAME=value"),
        ("http://127.0.0.1:9,pid=999999999", "there is no process 999999999"),
        ("http://127.0.0.1:9,pid=1", "process 1"),
    ],
)
def test_what_cannot_be_started_is_told_before_anything_is(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        check_sides([parse_side(spec)])


def test_an_interpreter_that_is_too_old_is_told_from_an_app_that_is_wrong(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\necho "  File \\"$1\\", line 7" >&2\necho "SyntaxError: no such feature" >&2\nexit 1\n')
    old.chmod(0o755)
    with pytest.raises(UsageError, match=r"older than Python 3\.8"):
        check_sides([parse_side(f"main:app,dir={tmp_path},python={old}")])
    (tmp_path / "main.py").write_text("app = (\n")
    with pytest.raises(UsageError, match="importing main: SyntaxError"):
        check_sides([parse_side(f"main:app,dir={tmp_path}")])


def test_an_import_may_take_as_long_as_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.servers.app_check.LIMIT_S", 0.5)
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1.5)\nasync def app(scope, receive, send): ...\n")
    side = parse_side(f"slow:app,dir={tmp_path}")
    with pytest.raises(UsageError, match=r"its import took more than 0.5 s; allow more with --start-limit"):
        check_sides([side])
    checked = check_sides([side], start_limit_s=30)
    assert checked.installed[side.spec].python == ".".join(map(str, sys.version_info[:3]))
    assert checked.sides == (side,)


def test_what_an_app_prints_does_not_hide_the_answer(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import atexit\nprint('{}')\natexit.register(print, 'bye')\nasync def app(scope, receive, send): ...\n"
    )
    assert "uvicorn" in next(iter(check_sides([parse_side(f"loud:app,dir={tmp_path}")]).installed.values())).versions


def test_the_folder_that_is_looked_into_reaches_the_server(tmp_path: Path) -> None:
    side = parse_side("main:app")
    checked, plain = (json.loads(start_of(side, 1, {}, check=each).command[-1]) for each in (tmp_path, None))
    assert (checked["check"], plain["check"]) == (str(tmp_path), None)


def test_a_server_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    assert json.loads(start_of(parse_side("main:app"), 1, {}).command[-1])["host"] == "127.0.0.1"
    assert json.loads(start_of(parse_side("main:app"), 1, {}, host="10.0.0.5").command[-1])["host"] == "10.0.0.5"
