"""Temporary folders that go with their owner."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from loadtests.system.owned_folder import leftovers, owned_folder
from tests.owned import owned

PREFIX = "bench-made-up-"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_by_a_killed_owner(temporary: Path) -> Path:
    code = (
        "import os, signal, sys, tempfile\nfrom loadtests.system.owned_folder import owned_folder\n"
        "tempfile.tempdir = sys.argv[1]\n"
        f"with owned_folder({PREFIX!r}) as folder:\n"
        "    (folder / 'blog.db').touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run(owned([sys.executable, "-c", code, str(temporary)]), check=False)
    [folder] = temporary.glob(f"{PREFIX}*")
    assert (folder / "blog.db").exists()
    return folder


def test_a_folder_goes_with_its_owner_whatever_ends_it(temporary: Path) -> None:
    with pytest.raises(RuntimeError), owned_folder(PREFIX) as folder:  # noqa: PT012 - what is held is looked at
        (folder / "a-1").mkdir()
        raise RuntimeError
    assert list(temporary.iterdir()) == []


def test_the_next_owner_removes_what_a_killed_one_left_and_nothing_that_is_held(temporary: Path) -> None:
    left = left_by_a_killed_owner(temporary)
    other = temporary / "bench-other-1"
    other.mkdir()
    (other / "lock").touch()
    with owned_folder(PREFIX) as first:
        assert not left.exists()
        with owned_folder(PREFIX) as second:
            assert first.is_dir()
            assert second != first
    assert list(temporary.iterdir()) == [other]


def test_a_lock_is_held_before_others_can_look_for_it(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, seen = Path.rename, []

    def looking_first(new: Path, target: Path) -> Path:
        seen.append(list(leftovers(PREFIX)))
        renamed = rename(new, target)
        seen.append(list(leftovers(PREFIX)))
        return renamed

    monkeypatch.setattr(Path, "rename", looking_first)
    with owned_folder(PREFIX):
        assert seen == [[], []]


def test_a_folder_of_another_user_or_a_link_is_left_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = temporary / "project"
    target.mkdir()
    (target / "lock").touch()
    (temporary / f"{PREFIX}link").symlink_to(target)
    with owned_folder(PREFIX):
        assert (target / "lock").exists()
    left = held_by_nobody(temporary)
    monkeypatch.setattr(os, "getuid", lambda: left.stat().st_uid + 1)
    with owned_folder(PREFIX):
        assert left.is_dir()


def held_by_nobody(temporary: Path) -> Path:
    """Make a folder whose lock nobody holds, as of a killed owner."""
    left = temporary / f"{PREFIX}left"
    left.mkdir()
    (left / "lock").touch()
    return left
