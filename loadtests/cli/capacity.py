"""``bench capacity``: how much a side can do, by the model, or with ``--slo`` measured against an objective."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from loadtests.analysis.comparison import WORTH
from loadtests.analysis.model.capacity import Demand, Prediction, Resources, predict
from loadtests.analysis.model.crossover import SHORTEST_S, crossover_users, crossover_wait_s
from loadtests.cli.request_options import (
    OF_A_REQUEST,
    REQUEST,
    VALUES,
    options_of,
    say_what_is_left_out,
    typed_for_all,
)
from loadtests.experiment.blog import DEFAULT_THREADS
from loadtests.experiment.loads import ClosedLoop, parse_users
from loadtests.experiment.options import SQLITE, USERS
from loadtests.experiment.side_parser import parse_side
from loadtests.records.summary import Limit
from loadtests.slo.objective import SearchResult, SloRecord
from loadtests.slo.search import DEFAULT_SIDES, OnProgress, SloOptions, search
from loadtests.system.errors import UsageError
from loadtests.system.terminal import PipeConsole

MOST_MS = 60_000.0
MOST_RESOURCES = 100_000


@click.command(name="capacity")
@click.argument("sides", nargs=-1, metavar="[SIDE]...")
@click.option("--cpu-ms", type=float, help="What if: CPU time of a request on the server.")
@click.option("--wait-ms", type=float, help="What if: time a request waits for a database or another service.")
@click.option("--users", default=USERS, help="What if: a row for each number of users.")
@click.option("--threads", default=DEFAULT_THREADS, help="What if: threads of the sync build.")
@click.option("--pool", type=int, help="What if: connections, if a request holds one.  [default: it needs none]")
@click.option("--cores", default=1, help="What if: cores that the server's processes can use.")
@click.option("--think-ms", default=0.0, help="What if: a user's pause before asking again.")
@click.option("--slo", help="Measure: the objective, as p99=200ms or p99=200ms,errors=0.5%.  [1 % errors by default]")
@click.option(
    "--scenario",
    default="get_post",
    metavar="SCENARIO",
    help='Measure: what is asked. Of a request, "POST /orders", the seven options below say more.',
)
@options_of(*REQUEST, VALUES)
@click.option("--database", default=SQLITE, help="Measure: as for `bench run`.")
@click.option("--starts", default=3, help="Measure: fresh starts, each with its own search.")
@click.option("--seed", default=0, help="Measure: seed of all random choices.")
@click.option("--out", type=click.Path(path_type=Path), help="Measure: the results folder, which must not exist yet.")
@click.pass_context
def capacity_(context: click.Context, /, sides: tuple[str, ...], slo: str | None, **options: Any) -> None:  # noqa: ANN401 - click has checked their types
    """Say how much load a side can handle: by a model, or measured against an objective.

    With --cpu-ms and --wait-ms a model answers without measuring: the throughput of both builds, and the limit that
    each one reaches. The model is a closed queueing network of users, threads, connections, cores, and a wait that
    requests spend in parallel.

    With --slo it measures the highest arrival rate at which each SIDE (sync and async by default) meets the objective.
    Short probes find the region, thorough ones of 13 seconds halve the gap down to 5 %, and the highest rate must meet
    the objective twice. It takes about four minutes for each side.
    """
    measure = ("scenario", "database", "starts", "seed", "out", "values", *OF_A_REQUEST)
    given = {p for p in options if context.get_parameter_source(p) is ParameterSource.COMMANDLINE}
    if slo is None:
        if sides or given & set(measure):
            raise UsageError(
                "capacity: sides and their options are only for measuring; add --slo, as in --slo p99=200ms"
            )
        show(question(**{name: value for name, value in options.items() if name not in measure}))
        return
    if given - set(measure):
        raise UsageError("capacity: --slo measures, the other options ask a model; use only one kind")
    chosen = {name: options[name] for name in measure if name not in OF_A_REQUEST}
    typed = typed_for_all({name: options[name] for name in OF_A_REQUEST})
    say_what_is_left_out([options["scenario"]])
    show_search(SloOptions(sides=sides, slo=slo, typed=typed, **chosen))


@dataclass(frozen=True)
class Question:
    """What if: a request, a server and its users, as typed.

    Attributes:
        cpu_ms: CPU time of a request, in milliseconds.
        wait_ms: what it waits for besides, in milliseconds.
        users: of the closed loops to look at.
        threads: of the sync build.
        pool: connections of either build that a request holds; None where it needs none.
        cores: that the server can use.
        think_ms: how long users pause before they ask again, in milliseconds.
    """

    cpu_ms: float
    wait_ms: float
    users: tuple[ClosedLoop, ...]
    threads: int
    pool: int | None
    cores: int
    think_ms: float

    @property
    def demand(self) -> Demand:
        """What one request needs, the same in both builds."""
        return Demand(self.cpu_ms / 1000, self.wait_ms / 1000)

    @property
    def sync(self) -> Resources:
        """What the build with `def` routes has."""
        return Resources(self.cores, threads=self.threads, connections=self.pool)

    @property
    def async_(self) -> Resources:
        """What the build with `async def` routes has: no thread for a request."""
        return Resources(self.cores, connections=self.pool)


def question(
    cpu_ms: float | None,
    wait_ms: float | None,
    users: str,
    threads: int,
    pool: int | None,
    cores: int,
    think_ms: float,
) -> Question:
    """Check what was typed; raises UsageError."""
    if cpu_ms is None or wait_ms is None:
        raise UsageError("capacity: give --cpu-ms and --wait-ms to ask the model, or --slo to measure")
    for name, value in (("--cpu-ms", cpu_ms), ("--wait-ms", wait_ms), ("--think-ms", think_ms)):
        if not 0 <= value <= MOST_MS:
            raise UsageError(f"{name} {value:g}: must be from 0 to {MOST_MS:,.0f} milliseconds")
    for name, number in (("--threads", threads), ("--pool", pool), ("--cores", cores)):
        if number is not None and not 1 <= number <= MOST_RESOURCES:
            raise UsageError(f"{name} {number}: must be from 1 to {MOST_RESOURCES:,}")
    if cpu_ms + wait_ms <= 0:
        raise UsageError("--cpu-ms 0 --wait-ms 0: a request that takes no time has no limit; set one of them above 0")
    return Question(cpu_ms, wait_ms, parse_users(users), threads, pool, cores, think_ms)


def show(asked: Question) -> None:
    """Print what the model predicts for both builds, which limit binds, and where they part."""
    console = Console()
    table = Table(title=_title(asked), title_justify="left", title_style="bold")
    table.add_column("users", justify="right")
    for name in ("sync", "async"):
        table.add_column(f"{name}, requests/s", justify="right")
        table.add_column("limit")
    table.add_column("async ÷ sync", justify="right")
    for load in asked.users:
        sync, async_ = (predict(asked.demand, r, load.users, asked.think_ms / 1000) for r in (asked.sync, asked.async_))
        ratio = f"{async_.throughput_rps / sync.throughput_rps:.2f}"
        cells = [cell for side in (sync, async_) for cell in (f"{side.throughput_rps:,.0f}", _limit(side, asked))]
        table.add_row(str(load.users), *cells, ratio)
    console.print(table)
    for line in _crossings(asked):
        console.print(line, highlight=False, markup=False)


def _title(asked: Question) -> str:
    holds = f", which holds one of {asked.pool} connections" if asked.pool else ""
    think = f", {asked.think_ms:g} ms between requests" if asked.think_ms else ""
    cores = f"{asked.cores} core{'s' if asked.cores > 1 else ''}"
    return f"A request of {asked.cpu_ms:g} ms CPU and {asked.wait_ms:g} ms wait{holds}, on {cores}{think}: predicted"


def _limit(side: Prediction, asked: Question) -> str:
    words: dict[Limit, str] = {
        "users": "users",
        "cpu": "CPU",
        "threads": f"{asked.threads} threads",
        "connections": f"{asked.pool} connections",
    }
    return words[side.limit]


def _crossings(asked: Question) -> list[str]:
    percent = f"{WORTH - 1:.0%}"
    most = asked.users[-1].users
    sides = asked.sync, asked.async_, asked.demand, asked.demand
    users, wait_s = crossover_users(*sides), crossover_wait_s(*sides, most)
    lines = [
        f"async answers {percent} more with {users} users or more."
        if users
        else f"async never answers {percent} more, whatever the number of users."
    ]
    lines.append(
        f"With {most} users it does so at no wait."
        if wait_s is None
        else f"With {most} users it does so at any wait."
        if wait_s <= SHORTEST_S
        else f"With {most} users it does so at a wait of {wait_s * 1000:.3g} ms or more."
    )
    if asked.think_ms:
        lines = [f"Without think time, {lines[0]}", lines[1]]
    return [*lines, "The model assumes the same CPU time for both builds; measure to see what each one needs."]


def show_search(options: SloOptions) -> None:
    """Search, and print what was found. Raises as ``search`` does."""
    console = PipeConsole()
    record, out = search(options, partial(_progress_display, console))
    _print_search(console, options, record, out)


@contextmanager
def _progress_display(console: Console) -> Iterator[OnProgress]:
    """Show what is being done; in a pipe, a line for each probe."""
    if not console.is_terminal:
        yield lambda _record, now: console.print(now, highlight=False, markup=False)
        return
    with Status("", console=console) as status:
        yield lambda record, now: status.update(f"{now}, {len(record.probes)} probes so far")


def _print_search(console: Console, options: SloOptions, record: SloRecord, out: Path) -> None:
    sides = [parse_side(name).spec for name in options.sides or DEFAULT_SIDES]
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
    if len(means) == len(DEFAULT_SIDES):
        a, b = sides
        console.print(f"{b} ÷ {a}: {means[1] / means[0]:.2f}", highlight=False, markup=False)
    console.print(
        f"{record.database}. Each figure is the middle between the highest rate that met the objective twice and the"
        f" lowest that missed it, at most 5 % apart. Every probe is in {out / 'slo.json'}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _figures(found: list[SearchResult]) -> tuple[float | None, str, str]:
    """Return the geometric mean over starts of the middle of each bracket, how it reads, and its range.

    Of a single start the range is the bracket itself.
    """
    middles = [each.middle_rps for each in found if each.middle_rps is not None]
    if not middles or len(middles) < len(found):
        return None, "not found", "–"
    mean = math.exp(sum(map(math.log, middles)) / len(middles))
    least = "at least " if any(each.state == "at-least" for each in found) else ""
    ends = [end for each in found for end in (each.kept_rps, each.missed_rps) if end] if len(found) == 1 else middles
    return mean, f"{least}{mean:,.4g}", f"{min(ends):,.4g} – {max(ends):,.4g}"


def _beyond(record: SloRecord, side: str) -> str:
    """Quote the lowest rate that was missed by a thorough probe, and why."""
    missed = [probe for probe in record.probes if probe.side == side and probe.thorough and probe.missed]
    if not missed:
        return "the load driver cannot send more"
    lowest = min(missed, key=lambda probe: probe.rate_rps)
    return f"{lowest.missed} at {lowest.rate_rps:,.4g}/s"
