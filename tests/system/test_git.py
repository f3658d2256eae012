"""What git knows of a folder, and commits checked out beside it, which never stay."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from loadtests.system.git import PREFIX, Checkouts, GitFailed, remove_leftovers, repository_of, state_of
from tests.made_up_repository import git, make_repository
from tests.owned import owned


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test alone."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def worktrees(folder: Path) -> int:
    return len(git(folder, "worktree", "list").splitlines())


def test_the_state_of_a_folder_tells_whether_files_differ(tmp_path: Path) -> None:
    _, second = make_repository(tmp_path / "r")
    assert state_of(tmp_path / "r" / "backend") == second
    (tmp_path / "r" / "new.txt").write_text("not git's\n")
    assert state_of(tmp_path / "r") == second
    (tmp_path / "r" / "uv.lock").write_text("3\n")
    assert state_of(tmp_path / "r") == f"{second}+"
    assert repository_of(tmp_path / "r").changed() == ["uv.lock"]


def test_a_folder_in_no_repository_has_no_state(tmp_path: Path) -> None:
    assert state_of(tmp_path) is None


def test_a_hook_that_names_its_own_repository_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, second = make_repository(tmp_path / "r")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert state_of(tmp_path / "r") == second


def test_git_that_is_not_there_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitFailed, match="git is not installed"):
        repository_of(tmp_path)


def test_a_checkout_holds_the_files_of_its_commit_and_goes_with_its_owner(tmp_path: Path, temporary: Path) -> None:
    folder = tmp_path / "r"
    first, second = make_repository(folder)
    repository = repository_of(folder / "backend")
    assert repository.inside == Path("backend")
    with pytest.raises(RuntimeError), Checkouts() as checkouts:  # noqa: PT012 - what is held is looked at
        old, new = checkouts.checkout(repository, first), checkouts.checkout(repository, second)
        assert checkouts.checkout(repository, first) == old
        assert (old / "uv.lock").read_text() == "1\n"
        assert (new / "uv.lock").read_text() == "2\n"
        assert state_of(old) == first
        assert worktrees(folder) == 3
        remove_leftovers()
        assert old.is_dir(), "what a living owner holds stays"
        raise RuntimeError
    assert worktrees(folder) == 1
    assert list(temporary.iterdir()) == []


def test_what_a_killed_owner_left_is_removed_by_the_next(tmp_path: Path, temporary: Path) -> None:
    folder = tmp_path / "r"
    first, _ = make_repository(folder)
    code = (
        "import os, signal, sys, tempfile\nfrom pathlib import Path\n"
        "from loadtests.system.git import Checkouts, repository_of\n"
        "tempfile.tempdir = sys.argv[2]\nrepository = repository_of(Path(sys.argv[1]))\n"
        "with Checkouts() as checkouts:\n"
        "    checkouts.checkout(repository, sys.argv[3])\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(owned([sys.executable, "-c", code, str(folder), str(temporary), first]), check=False)
    assert killed.returncode != 0
    assert len(list(temporary.glob(f"{PREFIX}*"))) == 1
    assert worktrees(folder) == 2
    remove_leftovers()
    assert list(temporary.iterdir()) == []
    assert worktrees(folder) == 1
