"""``bench claims``: measure what the tutorial claims and what others published, and say what holds here."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests import environment
from loadtests.claims import CLAIMS, Claim
from loadtests.commands.run import new_folder
from loadtests.console import PipeConsole
from loadtests.errors import UsageError
from loadtests.lessons.expectation import Judged
from loadtests.lessons.lesson import Measure
from loadtests.lessons.teaching import measure_here
from loadtests.lessons.telling import SIGNS, STYLES
from loadtests.lessons.verdicts import FILE, ClaimRecord, ClaimsRecord, recorded
from loadtests.outcome import Outcome
from loadtests.store import check_free, write_json


def show(names: Sequence[str], out: Path | None) -> None:
    """Measure the claims, print what holds, and keep it.

    Raises:
        UsageError: there is no such claim.
        Interrupted, RunError: it could not be completed; what was found so far is kept.
    """
    _chosen(names)
    folder = out or new_folder("claims")
    check_free(folder)
    console = PipeConsole()
    folder.mkdir(parents=True)
    record = examine(_chosen(names), {}, folder, console)
    console.print(table(record.claims))
    console.print(f"\nfigures  {folder / FILE}", highlight=False, markup=False, soft_wrap=True)


def examine(
    chosen: Sequence[Claim], measured: dict[int, Outcome | str], folder: Path, console: Console
) -> ClaimsRecord:
    """Measure what the claims need and is not measured yet; keep what holds after each of them.

    Args:
        chosen: the claims.
        measured: what was found, or why nothing was, by the identity of the measurement.
        folder: where measurements go, and the record.
        console: told which claim it is.
    """
    began, now, machine = time.monotonic(), datetime.now(UTC), environment.observe()
    records: list[ClaimRecord] = []
    record = ClaimsRecord(created=now, seconds=0.0, environment=machine, claims=[])
    for number, claim in enumerate(chosen, 1):
        console.print(f"{number} of {len(chosen)}: {claim.says}", highlight=False, markup=False)
        records.append(recorded(claim, _judge(claim, measured, folder)))
        seconds = round(time.monotonic() - began, 1)
        record = ClaimsRecord(created=now, seconds=seconds, environment=machine, claims=records)
        write_json(folder / FILE, record)
    return record


def table(records: Sequence[ClaimRecord]) -> Table:
    """Return the table of claims."""
    shown = Table(title="Claims", title_justify="left", title_style="bold", show_lines=True)
    for heading in ("", "claim", "figure (95 % interval)", "lesson"):
        shown.add_column(heading)
    for record in records:
        sign = Text(f"{SIGNS[record.standing]} {record.standing}", style=STYLES[record.standing])
        says = Text(record.says).append(f"\n{record.origin}", style="dim")
        shown.add_row(sign, says, Text(" – ".join(filter(None, (record.figure, record.why)))), record.lesson or "")
    return shown


def _chosen(names: Sequence[str]) -> list[Claim]:
    known = {claim.name: claim for claim in CLAIMS}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no claim {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(CLAIMS)


def _judge(claim: Claim, measured: dict[int, Outcome | str], folder: Path) -> list[Judged]:
    """Judge a claim; several that rest on one measurement share it."""
    measure = claim.measured_by
    if measure is None:
        return []
    if id(measure) not in measured:
        measured[id(measure)] = _measure(measure, folder / claim.name)
    outcome = measured[id(measure)]
    if isinstance(outcome, str):
        return [Judged("not tested", "", outcome)]
    return [expectation.judge(outcome) for expectation in claim.expects]


def _measure(measure: Measure, out: Path) -> Outcome | str:
    """Return what was found, or why it can't be measured here: without PostgreSQL, for example."""
    try:
        return measure_here(measure, out)[0]
    except UsageError as refused:
        return str(refused)
