"""``bench curve``: throughput from one user to many, as an ordinary run whose loads are chosen where the curve bends.

What a request needs is looked at first, in a short run of its own with one user and with many, which is not kept. From
that the model says where each side runs out of threads, connections or CPU time, and so which loads show it.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from loadtests.cli.bench_toml import found_file
from loadtests.cli.report import show_report
from loadtests.cli.request_options import RequestCommand, say_what_is_left_out
from loadtests.cli.run import chosen_options, measure, run_, typed_options
from loadtests.experiment.blog import DEFAULT_THREADS
from loadtests.experiment.loads import MAX_USERS
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.experiment.thresholds import ThresholdOptions
from loadtests.records.run_folder import RunFolder, check_free, new_folder
from loadtests.records.summary import side_names
from loadtests.report.wording import listed, number
from loadtests.system.errors import RunError, UsageError
from loadtests.system.owned_folder import owned_folder
from loadtests.system.resources import Stopwatch

if TYPE_CHECKING:
    from loadtests.analysis.model.curve import SideCurve
    from loadtests.runner.next_rows import NextRows

OF_A_RUN = {"users", "rate", "arrivals", "slo", "alone", "full", "resume", *ThresholdOptions.model_fields}
"""Options of `bench run` that a curve has no use for, or of its own."""
LOOK_USERS = "1,32"
LOOK_S = 0.8
"""A first look takes one user, and enough of them for CPU time to be what it is under load; seconds for each."""
FEWEST_LOADS, MOST_LOADS = 5, 12
LEAST_MOST_USERS = 4
BLOCK_S = 8.0
"""About how long a block's fresh start takes, and the cell in which side a is compared with itself."""
CELL_S, CELL_REQUESTS = 1.0, 16
"""About how long a cell takes in a block: so many seconds, and so many times as long as one request alone."""


@click.command(
    name="curve",
    cls=RequestCommand,
    params=[parameter for parameter in run_.params if parameter.name not in OF_A_RUN],
)
@click.option(
    "--users", metavar="NUMBERS", help="Numbers of users to measure, as in 1,20,40,60, instead of automatic ones."
)
@click.option(
    "--most",
    type=click.IntRange(LEAST_MOST_USERS, MAX_USERS),
    metavar="USERS",
    help="Where the curve ends.  [default: well beyond its last bend; 200 users where 40 threads are the limit]",
)
@click.pass_context
def curve_(context: click.Context, /, scenarios: tuple[str, ...], most: int | None, **options: object) -> None:
    """Measure SCENARIO from one user to many, and draw both sides' throughput with its ceilings.

    It is an ordinary run of one scenario whose report has one more chart. It chooses the loads itself: a short
    measurement shows what one request needs, a model of threads, connections and cores predicts where each side's
    throughput stops rising, and --budget limits the number of loads. --users sets them by hand. Everything else is as
    for `bench run`, including any request and any app.
    """
    watch = Stopwatch()
    from loadtests.analysis.analyse import analyse  # noqa: F401 - it takes a while, which tells how slow this machine is
    from loadtests.runner.next_rows import NextRows

    slowness = watch.slowness()
    typed = typed_options(context, options)
    chosen = chosen_options(found_file(options, typed), {**typed, "scenarios": scenarios}, options)
    users = typed.get("users")
    if users is not None and most is not None:
        raise UsageError(f"--users {users} --most {most}: --users already names every load; leave out one of them")
    out = chosen.out or new_folder()
    of_a_curve = {"users": users, "rate": None, "slo": None, "alone": False, "full": False, "out": out}
    chosen = chosen.model_copy(update=of_a_curve)
    names = [scenario.name for scenario in chosen.experiment().scenarios]
    if len(names) != 1:
        raise UsageError(f"bench curve takes one scenario; choose one of: {', '.join(names)}")
    check_free(out)
    say_what_is_left_out(scenarios)
    next_rows = NextRows()
    if users is None:
        chosen = _with_loads(chosen, most, watch.begun_s, next_rows)
    measure(chosen, watch.begun_s, slowness, next_rows)
    show_report(out)
    for path in sorted(RunFolder(out).charts.glob("curve-*.svg")):
        click.echo(f"curve    {path}")


def _with_loads(chosen: RunOptions, most: int | None, begun_s: float, next_rows: "NextRows") -> RunOptions:
    """Return options whose loads show where the curve bends, by a first look; raises as ``run.measure`` does.

    Args:
        chosen: what is asked for.
        most: users of the greatest load; None for what shows every bend.
        begun_s: when the command began, on the monotonic clock, in seconds.
        next_rows: of values files, which the first look uses, too.
    """
    from loadtests.analysis.model.curve import range_of, users_to_measure

    names = dict(zip(LABELS, side_names(chosen.a, chosen.b), strict=True))
    look_begun_s = time.monotonic()
    sides = _first_look(chosen, next_rows)
    look_s = time.monotonic() - look_begun_s
    bends, end = range_of([*sides.values()], DEFAULT_THREADS)
    budget_s = chosen.experiment().budget_s
    left_s = None if budget_s is None else max(1.0, budget_s - (time.monotonic() - begun_s))
    alone_s = max((side.demand.alone_s for side in sides.values() if side.demand), default=0.0)
    users = users_to_measure(bends, most or end, loads_that_fit(left_s, alone_s, look_s))
    click.echo(f"{_needs(sides, names)}measuring with {listed([str(each) for each in users])} users")
    return chosen.model_copy(update={"users": ",".join(map(str, users))})


def _first_look(chosen: RunOptions, next_rows: "NextRows") -> "dict[SideLabel, SideCurve]":
    """Measure for a moment what a request needs of each side, with one user and with many; nothing of it is kept."""
    from loadtests.analysis.analyse import analyse
    from loadtests.report.answers import nothing_good
    from loadtests.report.curves import side_of
    from loadtests.report.view import view_of
    from loadtests.runner import run

    click.echo("first measuring what one request needs")
    with owned_folder() as temporary:
        look = {
            "users": LOOK_USERS, "blocks": 1, "time_s": LOOK_S, "slice_s": None, "budget": None, "control": False,
            "observe": False, "out": temporary / "look",
        }  # fmt: skip
        folder = RunFolder(run.measure(chosen.model_copy(update=look), next_rows=next_rows, for_good=False))
        manifest = folder.read_manifest()
        outcome = analyse(folder, manifest)
    if outcome.unanswered:
        raise RunError(nothing_good(outcome))
    view = view_of(manifest, outcome)
    return {label: side_of(view, manifest.scenarios[0], label, 1) for label in LABELS}


def loads_that_fit(left_s: float | None, alone_s: float, look_s: float) -> int:
    """Return how many loads can be measured in the blocks that a verdict needs.

    Args:
        left_s: of the budget, in seconds; None in a fixed design.
        alone_s: how long a request takes that nobody is in the way of, in seconds.
        look_s: how long the first look took, which was a block of two cells: on a busy machine longer than usual.
    """
    if left_s is None:
        return MOST_LOADS
    cell_s = CELL_S + CELL_REQUESTS * alone_s
    cells = (left_s / MIN_BLOCKS - max(BLOCK_S, look_s - 2 * cell_s)) / cell_s
    return max(FEWEST_LOADS, min(MOST_LOADS, int(cells)))


def _needs(sides: "Mapping[SideLabel, SideCurve]", names: Mapping[SideLabel, str]) -> str:
    """Say what one request needs of each side, where that is known."""
    said = [
        f"{number(1000 * side.demand.cpu_s)} ms of CPU and {number(1000 * side.demand.wait_s)} ms of wait with"
        f" {names[label]}"
        for label, side in sides.items()
        if side.demand is not None
    ]
    return f"one request takes {listed(said)}; " if said else ""
