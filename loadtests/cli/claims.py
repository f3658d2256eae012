"""``bench claims``: measure what the tutorial claims and what others published, and say what holds here."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from loadtests.lessons.catalogue import CLAIMS, Claim
from loadtests.lessons.lesson import SIGNS
from loadtests.lessons.measure import check_sides, measure_claims
from loadtests.lessons.record import CLAIMS_FILE, ClaimResult, claim_results, read_claims
from loadtests.lessons.text import STYLES
from loadtests.records.run_folder import check_free, new_folder
from loadtests.system.errors import UsageError
from loadtests.system.terminal import PipeConsole


@click.command(name="claims")
@click.argument("names", nargs=-1, metavar="[CLAIM]...")
@click.option("--out", type=click.Path(path_type=Path), help="The results folder, which must not exist yet.")
def claims_(names: tuple[str, ...], out: Path | None) -> None:
    """Test the tutorial's claims and published figures on this machine.

    It measures each CLAIM, or all of them, and calls it supported, refuted or inconclusive, with its figure. All of
    them take about 25 minutes. Claims about PostgreSQL need the extra: uv run --extra postgres bench claims.
    """
    show(names, out)


def show(names: Sequence[str], out: Path | None) -> None:
    """Measure the claims, print what holds, and keep it.

    Raises:
        UsageError: there is no such claim; nothing was written.
        Interrupted: by a signal; what was found so far is printed and kept.
    """
    chosen = _chosen(names)
    for claim in chosen:
        if claim.measured_by is not None:
            check_sides(claim.measured_by, f"claim {claim.name!r}")
    folder = out or new_folder("claims")
    check_free(folder)
    folder.mkdir(parents=True)
    console = PipeConsole()
    try:
        measure_claims(chosen, {}, folder, console)
    finally:
        if (folder / CLAIMS_FILE).exists():
            print_claims(folder)
        else:
            with suppress(OSError):  # a run that was begun is kept
                folder.rmdir()


def print_claims(folder: Path) -> None:
    """Print what was found of the claims; raises UnreadableRun."""
    console = PipeConsole()
    console.print(table(claim_results(read_claims(folder / CLAIMS_FILE))))
    console.print(
        f"Each 95 % interval stands alone: not corrected for many comparisons.\n\nfigures  {folder / CLAIMS_FILE}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


def table(found: Sequence[ClaimResult]) -> Table:
    """Return the table of claims."""
    shown = Table(title="Claims", title_justify="left", title_style="bold", show_lines=True)
    for heading in ("", "claim", "figure (95 % interval)", "lesson"):
        shown.add_column(heading)
    for each in found:
        sign = Text(f"{SIGNS[each.standing]} {each.standing}", style=STYLES[each.standing])
        where = each.url or each.source
        says = Text(each.says).append(f"\n{each.origin}" + (f", {where}" if where else ""), style="dim")
        if each.conditions:
            says.append(f"\n{each.conditions}", style="dim")
        shown.add_row(sign, says, Text(" – ".join(filter(None, (each.figure, each.why)))), each.lesson or "")
    return shown


def _chosen(names: Sequence[str]) -> list[Claim]:
    known = {claim.name: claim for claim in CLAIMS}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no claim {name!r}; choose one of: {', '.join(known)}")
    return [known[name] for name in names] if names else list(CLAIMS)
