"""``bench capacity --slo``: the highest rate at which each side keeps an objective."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from loadtests.experiment.sides import parse_side
from loadtests.slo.objective import Found, SloRecord
from loadtests.slo.search import BOTH, SloOptions, Tell, search
from loadtests.system.terminal import PipeConsole


def show(options: SloOptions) -> None:
    """Search, and print what was found. Raises as ``search`` does."""
    console = PipeConsole()
    record, out = search(options, partial(_telling, console))
    _print(console, options, record, out)


@contextmanager
def _telling(console: Console) -> Iterator[Tell]:
    """Show what is being done; in a pipe, a line for each probe."""
    if not console.is_terminal:
        yield lambda _record, now: console.print(now, highlight=False, markup=False)
        return
    with Status("", console=console) as status:
        yield lambda record, now: status.update(f"{now}, {len(record.probes)} probes so far")


def _print(console: Console, options: SloOptions, record: SloRecord, out: Path) -> None:
    sides = [parse_side(name).spec for name in options.sides or BOTH]
    title = Text(f"{record.scenario}: {record.objective}")  # no markup: a scenario's parameters are in brackets
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("side")
    table.add_column("most arrivals/s", justify="right")
    table.add_column(f"over {options.starts} start{'s' if options.starts > 1 else ''}", justify="right")
    table.add_column("beyond that")
    means: list[float] = []
    for side in sides:
        found = [each for each in record.found if each.side == side]
        mean, text, spread = _figures(found)
        if mean:
            means.append(mean)
        table.add_row(Text(side), text, spread, Text(_beyond(record, side)))
    console.print(table)
    if len(means) == len(BOTH):
        a, b = sides
        console.print(f"{b} ÷ {a}: {means[1] / means[0]:.2f}", highlight=False, markup=False)
    console.print(
        f"{record.database}. The gap between the highest rate that was kept and the lowest that was not, twice, is 5 %"
        f" at the most. Every probe is in {out / 'slo.json'}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _figures(found: list[Found]) -> tuple[float | None, str, str]:
    """Return the geometric mean over starts, how it reads, and the range."""
    kept = [each.kept_rps for each in found if each.kept_rps is not None]
    if not kept or len(kept) < len(found):
        return None, "not found", "–"
    mean = math.exp(sum(map(math.log, kept)) / len(kept))
    least = "at least " if any(each.state == "at-least" for each in found) else ""
    return mean, f"{least}{mean:,.4g}", f"{min(kept):,.4g} – {max(kept):,.4g}"


def _beyond(record: SloRecord, side: str) -> str:
    """Quote the lowest rate that was missed, and why."""
    missed = [probe for probe in record.probes if probe.side == side and probe.missed]
    if not missed:
        return "the load driver can send no more"
    lowest = min(missed, key=lambda probe: probe.rate_rps)
    return f"{lowest.missed} at {lowest.rate_rps:,.4g}/s"
