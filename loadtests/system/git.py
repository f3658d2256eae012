"""A folder's git repository: its commit, whether files differ from that commit, and checkouts of other commits.

A checkout is a worktree in a temporary folder of its owner's (see ``owned_folder``). Making a checkout first removes
those that killed owners left.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from loadtests.system.errors import UsageError, shielded
from loadtests.system.owned_folder import leftovers, owned_folder

LIMIT_S = 10.0
GRACE_S = 2.0
"""A command that is to end may take so long to remove what it has begun."""
CHECKOUT_LIMIT_S = 120.0
PREFIX = "bench-commits-"
OF_A_CALLER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Variables that a hook sets for its own repository; they must not apply to another folder's repository."""


class GitFailed(Exception):
    """Git failed or is not installed; the message is the last line of its output."""


@dataclass(frozen=True)
class Repository:
    """A git repository on disk.

    Attributes:
        root: its top folder.
        inside: the path of the folder in question, relative to the top folder.
    """

    root: Path
    inside: Path

    def commit(self, name: str) -> str:
        """Return a commit's full hash; raises GitFailed if there is none of that name."""
        return git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def changed(self) -> list[str]:
        """Return the tracked files that differ from the last commit."""
        lines = git(self.root, "status", "--porcelain", "--untracked-files=no").splitlines()
        return [line.strip().split(maxsplit=1)[-1] for line in lines]

    @property
    def is_shallow(self) -> bool:
        """Whether the clone lacks older commits."""
        return git(self.root, "rev-parse", "--is-shallow-repository") == "true"

    def differing(self, first: str, second: str) -> list[str]:
        """Return the files in which two commits differ, as paths relative to the top folder."""
        return git(self.root, "diff", "--name-only", first, second, "--").splitlines()


def git(folder: Path, *arguments: str, limit_s: float = LIMIT_S) -> str:
    """Return what a git command prints in a folder; raises GitFailed."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_CALLER}
    what = next(word for word in arguments if not word.startswith("-") and "=" not in word)
    try:
        with contextlib.ExitStack() as stack:
            with shielded():
                process = subprocess.Popen(  # noqa: S603
                    ["git", *arguments],  # noqa: S607 - the user's git, wherever it is
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    env={**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
                    start_new_session=True,
                )
                stack.enter_context(process)
                stack.callback(_end, process)
            output, errors = process.communicate(timeout=limit_s)
    except FileNotFoundError:
        raise GitFailed("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git {what} took more than {limit_s:g} s") from None
    except OSError as error:
        raise GitFailed(f"git can't be started in {folder} ({error.strerror})") from None
    if process.returncode:
        raise GitFailed((errors.strip().splitlines() or [f"git {what} failed"])[-1])
    return output.rstrip()


def _end(process: "subprocess.Popen[str]") -> None:
    """End a git command that goes on, with all that it has started: what fills a checkout is a process of its own."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)  # it removes what it has begun
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def repository_of(folder: Path) -> Repository:
    """Return the repository of a folder; raises GitFailed if it has none."""
    root = Path(git(folder, "rev-parse", "--show-toplevel"))
    return Repository(root, Path(os.path.relpath(folder.resolve(), root.resolve())))


def state_of(folder: Path) -> str | None:
    """Return a folder's commit, with a plus sign if files differ from it; None if it is not known."""
    try:
        repository = repository_of(folder)
        return repository.commit("HEAD") + ("+" if repository.changed() else "")
    except GitFailed:
        return None


class Checkouts:
    """Checkouts of commits, each in its own folder; a context manager that removes them at its end."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._folder: Path | None = None
        self._made: dict[tuple[Path, str], Path] = {}

    def __enter__(self) -> "Checkouts":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def checkout(self, repository: Repository, commit: str) -> Path:
        """Check a commit out, if it is not yet, and return the top folder; raises UsageError if that fails.

        Args:
            repository: of the commit.
            commit: its full hash.
        """
        if (made := self._made.get((repository.root, commit))) is not None:
            return made
        if self._folder is None:
            remove_leftovers()
            self._folder = self._stack.enter_context(owned_folder(PREFIX))
        path = self._folder / f"{len(self._made)}-{commit[:12]}"
        self._stack.callback(_remove, repository.root, path)
        hooks = ("-c", f"core.hooksPath={os.devnull}")  # the user's hooks are for the user's own checkouts
        try:
            git(repository.root, *hooks, "worktree", "add", "--detach", "--force", str(path), commit,
                limit_s=CHECKOUT_LIMIT_S)  # fmt: skip
        except GitFailed as error:
            raise UsageError(f"{commit[:12]} of {repository.root} can't be checked out: {error}") from None
        self._made[repository.root, commit] = path
        return path


def _remove(root: Path, path: Path) -> None:
    """Remove a checkout, and its entry in the repository, even if git was killed while it made it.

    Not by ``worktree prune``: that also forgets the user's own worktrees if their drive is not mounted at the moment.
    """
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(GitFailed):
        git(root, "worktree", "remove", "--force", "--force", str(path))


def remove_leftovers() -> None:
    """Remove this user's checkouts whose owners were killed; those of running owners stay."""
    for folder in leftovers(PREFIX):
        for path in folder.glob("*"):
            if (root := _owner(path)) is not None:
                _remove(root, path)
        shutil.rmtree(folder, ignore_errors=True)


def _owner(checkout: Path) -> Path | None:
    """Return the git folder of a checkout's repository; None if the folder is no checkout."""
    try:
        words = (checkout / ".git").read_text(encoding="utf-8").partition("gitdir:")[2].strip()
    except (OSError, ValueError):
        return None
    if not words:
        return None
    kept = Path(os.path.normpath(checkout / words))  # relative, where the user has set worktree.useRelativePaths
    root = kept.parent.parent
    return root if kept.parent.name == "worktrees" and root.is_dir() else None
