"""``bench capacity --slo``: the highest rate at which each side keeps an objective."""

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.options import check_driver, parse_scenario
from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import Label, parse_side
from loadtests.records.run_folder import check_free, write_json
from loadtests.runner.run import check_importable, new_folder
from loadtests.servers.databases import check_database, check_reachable, open_databases
from loadtests.slo.objective import parse_objective
from loadtests.slo.probing import Inquiry, Prober, Tell
from loadtests.slo.record import Found, SloRecord
from loadtests.system.cores import assign_cores, pinned
from loadtests.system.errors import BenchError, Interrupted, RunError, UsageError
from loadtests.system.machine import command_line, read_environment
from loadtests.system.terminal import PipeConsole

BOTH = ("sync", "async")
MAX_STARTS = 100


@dataclass(frozen=True)
class SloOptions:
    """What was typed."""

    sides: tuple[str, ...]
    slo: str
    scenario: str
    database: str
    starts: int
    seed: int
    out: Path | None

    def inquiry(self) -> Inquiry:
        """Check everything that can be checked before a server starts; raises UsageError."""
        names = self.sides or BOTH
        if len(names) > len(BOTH):
            raise UsageError(f"{' '.join(names)}: name one side or two")
        if not 1 <= self.starts <= MAX_STARTS:
            raise UsageError(f"--starts {self.starts}: must be from 1 to {MAX_STARTS}")
        sides = [parse_side(name) for name in names]
        scenario, load = parse_scenario(self.scenario), OpenLoop(1.0)
        check_driver("httpx", 0, [scenario], [load])
        check_importable(sides[0], sides[-1])
        check_database(self.database)
        labels: tuple[Label, ...] = ("a", "b") if len(sides) > 1 else ("a",)
        experiment = Experiment(
            sides[0], sides[-1], (scenario,), (load,), 1, 1.0, 1.0, self.seed, database=self.database
        )
        return Inquiry(experiment, labels, parse_objective(self.slo), self.starts)


def search(options: SloOptions, telling: Callable[[], AbstractContextManager[Tell]]) -> tuple[SloRecord, Path]:
    """Search and keep every probe; return what was found, and the folder that it is in.

    Args:
        options: what was typed.
        telling: lends what is told of every probe.

    Raises:
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted, RunError: it could not be completed; what was found is kept.
    """
    inquiry = options.inquiry()
    now = datetime.now(UTC)
    out = options.out or new_folder("slo")
    check_free(out)
    check_reachable(options.database)
    cores = assign_cores()
    record = SloRecord(
        created=now,
        argv=command_line(),
        complete=False,
        objective=str(inquiry.objective),
        scenario=inquiry.experiment.scenarios[0].name,
        database="",
        driver_ceiling_rps=None,
        environment=read_environment(),
    )
    out.mkdir(parents=True)
    work = out / "work"
    try:
        with (
            pinned(cores.driver),
            open_databases(options.database, work, cores) as databases,
            telling() as tell,
        ):
            prober = Prober(inquiry, record.model_copy(update={"database": databases.version}), work, cores, tell)
            try:
                prober.run(databases)
            finally:
                record = prober.record
    except (BenchError, Interrupted) as error:
        kept = f"what was found is kept in {out}" if record.probes else "nothing was measured"
        told = Interrupted(f"{error}; {kept}") if isinstance(error, Interrupted) else RunError(f"{error}; {kept}")
        raise told from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if record.probes:
            write_json(out / "slo.json", record)
        else:
            shutil.rmtree(out, ignore_errors=True)
    return record, out


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
