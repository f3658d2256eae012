"""What git knows of a folder, and commits checked out beside it, which never stay."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from loadtests.system.git import PREFIX, Checkouts, GitFailed, remove_leftovers, repository_of, state_of
from loadtests.system.git import git as run_git
from tests.e2e.harness import eventually
from tests.made_up_repository import git, make_repository
from tests.owned import owned


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test alone."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


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


def test_a_worktree_of_the_users_own_whose_drive_is_not_there_is_kept(tmp_path: Path, temporary: Path) -> None:
    folder, drive = tmp_path / "r", tmp_path / "drive"
    first, second = make_repository(folder)
    git(folder, "worktree", "add", "--quiet", "--detach", str(drive), second)
    drive.rename(tmp_path / "elsewhere")
    with Checkouts() as checkouts:
        checkouts.checkout(repository_of(folder), first)
    assert list(temporary.iterdir()) == []
    assert worktrees(folder) == 2
    (tmp_path / "elsewhere").rename(drive)
    assert git(drive, "rev-parse", "HEAD") == second


def test_a_checkout_that_git_was_killed_in_is_removed_though_it_is_locked(tmp_path: Path, temporary: Path) -> None:
    folder = tmp_path / "r"
    first, second = make_repository(folder)
    with Checkouts() as checkouts:
        for commit in (first, second):
            path = checkouts.checkout(repository_of(folder), commit)
            git(folder, "worktree", "lock", "--reason=initializing", str(path))
    assert worktrees(folder) == 1


@pytest.mark.parametrize("relative", [False, True])
def test_a_leftover_is_removed_wherever_its_repository_is_named_from(
    tmp_path: Path, temporary: Path, *, relative: bool
) -> None:
    folder = tmp_path / "r"
    first, _ = make_repository(folder)
    left = temporary / f"{PREFIX}left"
    left.mkdir()
    (left / "lock").touch()
    for name, content in {"no-1": "gitdir: /x\n", "no-2": "gitdir: ../../x\n", "no-3": "\n"}.items():
        (left / name).mkdir()
        (left / name / ".git").write_text(content)
    git(folder, "worktree", "add", "--quiet", "--detach", str(left / "0"), first)
    if relative:
        kept = (left / "0" / ".git").read_text().removeprefix("gitdir: ").strip()
        (left / "0" / ".git").write_text(f"gitdir: {os.path.relpath(kept, left / '0')}\n")
    remove_leftovers()
    assert list(temporary.iterdir()) == []
    assert worktrees(folder) == 1


def test_what_a_command_has_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    (tmp_path / "git").write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {said}\nwait\n")
    (tmp_path / "git").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(GitFailed, match="git worktree took more than 1 s"):
        run_git(tmp_path, "-c", "core.hooksPath=/dev/null", "worktree", "add", limit_s=1.0)
    assert eventually(lambda: gone(int(said.read_text())))
