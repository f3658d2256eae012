"""``bench doctor``: whether this machine is fit to measure on."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from loadtests.doctor import examine
from loadtests.doctor.check import Check
from loadtests.system.errors import BenchError
from loadtests.system.terminal import PipeConsole


class AttentionNeeded(BenchError):
    """Something is not as it should be; runs are possible all the same."""

    exit_status = 1


def show(database_url: str | None) -> None:
    """Print every check; raises AttentionNeeded if one is not ok, UsageError if the URL is no good."""
    console = PipeConsole()
    if console.is_terminal:  # a line, not a spinner: drawing would take the time that is being looked at
        console.print("looking at this machine for a few seconds …", style="dim")
    checks = examine(database_url)
    console.print(table(checks))
    faults = sum(not check.ok for check in checks)
    if faults:
        need = "checks need" if faults > 1 else "check needs"
        raise AttentionNeeded(f"{faults} of {len(checks)} {need} attention")
    console.print("All is fit to measure.")


def table(checks: Sequence[Check]) -> Table:
    """Lay out the checks, each mend below what it mends."""
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for check in checks:
        finding = Text(check.finding)
        if check.mend:
            finding.append(f"\n→ {check.mend}", style="bold")
        state = Text("ok", style="green") if check.ok else Text("attention", style="bold yellow")
        rows.add_row(Text(check.name, style="bold"), state, finding)
    return rows
