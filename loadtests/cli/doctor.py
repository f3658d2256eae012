"""``bench doctor``: whether this machine is fit to measure on."""

from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from loadtests.doctor import Check
from loadtests.doctor.hardware import (
    check_clock,
    check_cores,
    check_driver_ceiling,
    check_governor,
    check_load,
    check_noise,
    check_quota,
    check_steal,
    take_sample,
)
from loadtests.doctor.installation import check_open_files, check_ports, check_tools, check_versions
from loadtests.doctor.storage import check_database, check_folder
from loadtests.system.cores import assign_cores
from loadtests.system.errors import BenchError
from loadtests.system.terminal import PipeConsole


@click.command(name="doctor")
@click.option("--database", metavar="URL", help="Also check this server: postgresql://HOST:PORT/NAME.")
def doctor_(database: str | None) -> None:
    """Check whether this machine is fit for measuring.

    Each line is ok or needs attention, and then says what to do. It takes a few seconds; run nothing else meanwhile.
    Exit status: 0 if all is ok, 1 if something needs attention; runs are still possible then.
    """
    show(database)


class AttentionNeeded(BenchError):
    """Something is not as it should be; runs are possible all the same."""

    exit_status = 1


def show(database_url: str | None) -> None:
    """Print every check; raises AttentionNeeded if one is not ok, UsageError if the URL is no good."""
    console = PipeConsole()
    if console.is_terminal:  # a line, not a spinner: drawing would take the time that is being looked at
        console.print("checking this machine for a few seconds …", style="dim")
    checks = examine(database_url)
    console.print(table(checks))
    faults = sum(not check.ok for check in checks)
    if faults:
        need = "checks need" if faults > 1 else "check needs"
        raise AttentionNeeded(f"{faults} of {len(checks)} {need} attention")
    console.print("This machine is fit for measuring.")


def table(checks: Sequence[Check]) -> Table:
    """Lay out the checks, each fix below its finding."""
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for check in checks:
        finding = Text(check.finding)
        if check.fix:
            finding.append(f"\n→ {check.fix}", style="bold")
        state = Text("ok", style="green") if check.ok else Text("attention", style="bold yellow")
        rows.add_row(Text(check.name, style="bold"), state, finding)
    return rows


def examine(database_url: str | None) -> list[Check]:
    """Carry out every check; takes some four seconds. Raises UsageError if the URL is not of a known database."""
    cores = assign_cores()
    database = check_database(database_url)  # first, for its URL may be wrong
    sample = take_sample(cores)
    return [
        check_cores(cores),
        check_quota(cores, sample),
        check_governor(cores),
        check_load(sample),
        check_steal(sample),
        check_noise(sample),
        check_open_files(),
        check_clock(sample),
        check_versions(),
        check_tools(),
        check_driver_ceiling(cores),
        check_ports(),
        check_folder(),
        *database,
    ]
