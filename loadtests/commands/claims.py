"""``bench claims``: measure what the tutorial claims and what others published, and say what holds here."""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.claims import CLAIMS, Claim
from loadtests.lessons.expectation import SIGNS
from loadtests.lessons.lesson import Measure
from loadtests.lessons.teaching import measure_here
from loadtests.lessons.telling import STYLES
from loadtests.lessons.verdicts import FILE, ClaimsRecord, Evidence, Verdict, read_claims, verdicts
from loadtests.records.run_folder import check_free, write_json
from loadtests.runner.run import new_folder
from loadtests.servers.databases import check_database
from loadtests.system.errors import RunError, UsageError
from loadtests.system.machine import read_environment
from loadtests.system.terminal import PipeConsole

RUNS = "runs"
"""The folder of the runs that claims were measured by."""


def show(names: Sequence[str], out: Path | None) -> None:
    """Measure the claims, print what holds, and keep it.

    Raises:
        UsageError: there is no such claim; nothing was written.
        Interrupted: by a signal; what was found so far is printed and kept.
    """
    chosen = _chosen(names)
    folder = out or new_folder("claims")
    check_free(folder)
    folder.mkdir(parents=True)
    console = PipeConsole()
    try:
        examine(chosen, {}, folder, console)
    finally:
        if (folder / FILE).exists():
            again(folder)
        else:
            with suppress(OSError):  # a run that was begun is kept
                folder.rmdir()


def again(folder: Path) -> None:
    """Print what was found of the claims; raises UnreadableRun."""
    console = PipeConsole()
    console.print(table(verdicts(read_claims(folder / FILE))))
    console.print(
        f"Each interval is a single one, at 95 %.\n\nfigures  {folder / FILE}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


def examine(chosen: Sequence[Claim], evidence: dict[str, Evidence], folder: Path, console: Console) -> ClaimsRecord:
    """Measure what the claims need and is not measured yet; keep what is known after each of them.

    Args:
        chosen: the claims.
        evidence: what was measured already, and from now on too.
        folder: where measurements go, and the record.
        console: told which claim it is.
    """
    began, now, machine = time.monotonic(), datetime.now(UTC), read_environment()
    done: list[str] = []
    record = ClaimsRecord(created=now, seconds=0.0, environment=machine, claims=done, evidence=evidence)
    for number, claim in enumerate(chosen, 1):
        console.print(f"{number} of {len(chosen)}: {claim.says}", highlight=False, markup=False)
        measure = claim.measured_by
        if measure is not None and claim.evidence not in evidence:
            evidence[claim.evidence] = _measure(measure, folder / RUNS / claim.evidence)
        done.append(claim.name)
        seconds = round(time.monotonic() - began, 1)
        record = record.model_copy(update={"seconds": seconds, "claims": done, "evidence": evidence})
        write_json(folder / FILE, record)
    return record


def table(found: Sequence[Verdict]) -> Table:
    """Return the table of claims."""
    shown = Table(title="Claims", title_justify="left", title_style="bold", show_lines=True)
    for heading in ("", "claim", "figure (95 % interval)", "lesson"):
        shown.add_column(heading)
    for each in found:
        sign = Text(f"{SIGNS[each.standing]} {each.standing}", style=STYLES[each.standing])
        says = Text(each.says).append(f"\n{each.origin}", style="dim")
        shown.add_row(sign, says, Text(" – ".join(filter(None, (each.figure, each.why)))), each.lesson or "")
    return shown


def _chosen(names: Sequence[str]) -> list[Claim]:
    known = {claim.name: claim for claim in CLAIMS}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no claim {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(CLAIMS)


def _measure(measure: Measure, out: Path) -> Evidence:
    """Return what was found; or why nothing was: there is no PostgreSQL here, or the measurement broke off."""
    try:
        check_database(measure.database)
    except UsageError as refused:
        return Evidence(why=str(refused))
    try:
        return Evidence(outcome=measure_here(measure, out)[0])
    except RunError as failure:
        return Evidence(why=str(failure), standing="inconclusive")
