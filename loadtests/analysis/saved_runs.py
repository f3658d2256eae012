"""Runs read from their folders to be compared with others; each folder that can't be gets a sentence."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests.analysis.run_differences import SavedRun, cautions
from loadtests.records.run_folder import MANIFEST_FILE, OUTCOME_FILE, RunFolder, UnreadableRun
from loadtests.system.errors import UsageError


def read_saved_run(path: Path, name: str | None = None) -> SavedRun:
    """Read a run, whose results may be those of a run that ended early.

    Args:
        path: its folder.
        name: what to call it beside others; None for the folder's name.

    Raises:
        UnreadableRun: it is no run, is of another version, is a run of a schedule, has no summary, or has that of
            another run; the message names the file and what to do.
    """
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    if manifest.schedule is not None:
        raise UnreadableRun(f"{path} is a run of a schedule, which has no cells; bench report {path} shows it")
    outcome = folder.read_outcome()
    planned = {(scenario.name, load) for scenario, load in manifest.cells()}
    found = {(each.scenario, each.load) for each in outcome.comparisons}
    found |= {(each.scenario, each.load) for each in outcome.cells}
    if outcome.run != manifest.name or not found <= planned:
        raise UnreadableRun(
            f"{path / OUTCOME_FILE} is not about the run in {path / MANIFEST_FILE}; bench report {path} rebuilds it"
        )
    return SavedRun(path.resolve().name if name is None else name, manifest, outcome)


def copies(runs: Sequence[SavedRun]) -> Iterator[tuple[int, int]]:
    """Yield by index which runs are copies, each with the first run that it is a copy of."""
    first: dict[object, int] = {}
    for number, run in enumerate(runs):
        original = first.setdefault((run.manifest.created, run.manifest.name), number)
        if original != number:
            yield number, original


def runs_in(folder: Path) -> tuple[list[SavedRun], list[str]]:
    """Return the complete runs of a folder, and why others are left out: a sentence each, without its full stop.

    A run of which there are several copies is returned once.

    Raises:
        UsageError: there is no such folder, it is a run itself, or no run in it can be read.
    """
    if not folder.is_dir():
        raise UsageError(f"bench history: there is no folder {folder}")
    if (folder / MANIFEST_FILE).exists():
        raise UsageError(
            f"bench history: {folder} is a run; name the folder that holds it and others, {folder.resolve().parent}"
        )
    runs: list[SavedRun] = []
    said: list[str] = []
    others: list[str] = []
    for path in sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")):
        if not (path / MANIFEST_FILE).exists():
            others.append(path.name)
            continue
        try:
            run = read_saved_run(path, path.name)
        except UnreadableRun as error:
            said.append(f"left out: {error}")
            continue
        if run.manifest.complete and run.outcome.complete:
            runs.append(run)
        else:
            said.append(f"left out: {run.name} is incomplete; bench run --resume {path} completes it")
    if others:
        said.append(f"left out: {', '.join(others)}: {'no run' if len(others) == 1 else 'no runs'}")
    doubled = dict(copies(runs))
    said.extend(f"left out: {runs[copy].name} is a copy of {runs[original].name}" for copy, original in doubled.items())
    runs = [run for number, run in enumerate(runs) if number not in doubled]
    said.extend(each for run in runs for each in cautions(run))
    if not runs:
        raise UsageError("\n".join([f"bench history {folder}: the folder holds no complete run", *said]))
    return runs, said
