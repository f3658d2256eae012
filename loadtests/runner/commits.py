"""Sides at commits: find each commit in the side's repository, check it out, and say what the commit does not cover.

A side keeps its interpreter and its settings. Files that settings name, such as an environment or a file of variables,
are rarely in the repository. They are taken from the folder on disk if the commit has none.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.servers.launch import folder_on_disk
from loadtests.system.errors import UsageError
from loadtests.system.git import Checkouts, GitFailed, Repository, repository_of, state_of

SHORT = 12
"""Characters of a hash in a sentence."""
DEPENDENCIES = ("*.lock", "requirements*.txt", "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "environment.y*ml")
"""Files that say which packages an app needs."""
MOST_FILES = 3


@dataclass(frozen=True)
class SideCommit:
    """A side's commit.

    Attributes:
        repository: of the commit.
        hash: in full.
        is_on_disk: whether the side is the folder on disk, and not a checkout.
    """

    repository: Repository
    hash: str
    is_on_disk: bool


def with_checkouts(
    experiment: Experiment,
    checkouts: Checkouts,
    known: Mapping[SideLabel, str] | None = None,
    measured: Collection[SideLabel] = LABELS,
) -> tuple[Experiment, list[str]]:
    """Return the experiment with its sides' commits checked out, and sentences about them.

    Args:
        experiment: as asked for.
        checkouts: makes and removes them.
        known: hashes of a resumed run: a branch may have moved since it began.
        measured: the sides that the sentences are about; a schedule may be applied to side a only.

    Raises:
        UsageError: a folder has no repository, or its repository has no such commit.
    """
    sides: dict[SideLabel, Side] = {}
    found: dict[SideLabel, SideCommit] = {}
    for label in LABELS:
        side = experiment.side(label)
        if side.launch.commit is not None:
            hashed = (known or {}).get(label, "").removesuffix("+")  # as older runs have it
            name = hashed or side.launch.commit
            found[label] = _commit_of(side, name)
            side = _checked_out(side, found[label], checkouts)
        sides[label] = side
    for label in LABELS if found else ():
        if label not in found and sides[label].url is None and (on_disk := _on_disk(sides[label])) is not None:
            found[label] = on_disk
    said: list[str] = []
    try:
        said.extend(_sentences(sides, {label: commit for label, commit in found.items() if label in measured}))
    except GitFailed as error:  # as in a repository so large that git status takes too long
        said.append(f"other differences between the sides are not known: {error}")
    return replace(experiment, a=sides["a"], b=sides["b"]), said


def commit_of(side: Side) -> str | None:
    """Return a side's commit, with a plus sign if files differ from it; None if it is not known.

    For a checkout it is the commit itself: files that differ there were changed by the side's own ``setup``, or by
    git's filters, and not by somebody who forgot to commit them.
    """
    if side.url is not None:
        return None
    if side.checkout is not None:
        with suppress(GitFailed):
            return repository_of(side.checkout).commit("HEAD")
        return None
    folder = folder_on_disk(side)
    return state_of(folder) if folder.is_dir() else None


def _commit_of(side: Side, name: str) -> SideCommit:
    folder = folder_on_disk(side)
    there = next(path for path in (folder, *folder.parents) if path.is_dir())  # it may have been removed since
    try:
        repository = repository_of(there)
    except GitFailed as error:
        why = str(error) if "not a git repository" not in str(error) else "its folder is in no git repository"
        raise UsageError(
            f"side {side.spec!r}: {why}, so there is no commit {name}; name its folder with dir="
        ) from None
    try:
        return SideCommit(repository, repository.commit(name), is_on_disk=False)
    except GitFailed:
        hint = "git log lists its commits"
        with suppress(GitFailed):
            if repository.is_shallow:
                hint = "it is a shallow clone: git fetch --unshallow gets the rest"
        raise UsageError(f"side {side.spec!r}: its repository has no commit {name!r}; {hint}") from None


def _checked_out(side: Side, commit: SideCommit, checkouts: Checkouts) -> Side:
    folder = folder_on_disk(side)
    inside = folder.resolve().relative_to(commit.repository.root.resolve())
    root = checkouts.checkout(commit.repository, commit.hash)
    if not (root / inside).is_dir():
        raise UsageError(f"side {side.spec!r}: commit {commit.hash[:SHORT]} has no folder {inside}")
    return replace(side, checkout=root / inside)


def _on_disk(side: Side) -> SideCommit | None:
    try:
        repository = repository_of(folder_on_disk(side))
        return SideCommit(repository, repository.commit("HEAD"), is_on_disk=True)
    except (GitFailed, OSError):
        return None


def _sentences(sides: Mapping[SideLabel, Side], found: Mapping[SideLabel, SideCommit]) -> Iterator[str]:
    """Yield what a reader of the ratio must know about the commits."""
    for label, commit in found.items():
        if commit.is_on_disk:
            changed = commit.repository.changed()
            more = f" with uncommitted changes in {_some(changed)}" if changed else ", without changes"
            yield f"side {label} is the folder on disk: commit {commit.hash[:SHORT]}{more}"
        else:
            yield f"side {label} is commit {commit.hash[:SHORT]} ({sides[label].launch.commit})"
    repositories = {commit.repository.root: commit.repository for commit in found.values() if not commit.is_on_disk}
    if not any(commit.is_on_disk for commit in found.values()):
        for repository in repositories.values():
            if changed := repository.changed():
                yield f"uncommitted changes are not measured: {_some(changed)}"
    if len(found) < len(LABELS) or found["a"].repository.root != found["b"].repository.root:
        return
    a, b = (found[label] for label in LABELS)
    if a.hash == b.hash and a.is_on_disk == b.is_on_disk:
        yield "both sides are the same commit, so only their settings can make a difference"
        return
    differing = b.repository.differing(a.hash, b.hash) + (b.repository.changed() if b.is_on_disk else [])
    packages = sorted({path for path in differing if any(PurePosixPath(path).match(kind) for kind in DEPENDENCIES)})
    if packages and sides["a"].launch.python == sides["b"].launch.python:
        yield (
            f"{_some(packages)} {'differs' if len(packages) == 1 else 'differ'} between the commits, but both sides use"
            " the packages of one interpreter; to measure the packages too, give each side its own interpreter with"
            " python=PATH"
        )


def _some(paths: list[str]) -> str:
    shown, more = paths[:MOST_FILES], len(paths) - MOST_FILES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
