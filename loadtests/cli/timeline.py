"""``bench timeline``: draw where the requests of one cell were, in any block of a run with ``--observe``."""

from pathlib import Path

import click

from loadtests.analysis.analyse import analyse
from loadtests.records.run_folder import RunFolder
from loadtests.report.charts.timeline import draw_one
from loadtests.report.view import view_of
from loadtests.system.errors import RunError, UsageError, describe_error
from loadtests.system.terminal import PipeConsole


@click.command(name="timeline")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("scenario", required=False)
@click.option("--load", type=float, help="Users, or arrivals per second.  [default: the highest]")
@click.option("--block", default=1, help="Number of the block, a fresh start of both sides.")
@click.option(
    "--details", is_flag=True, help="Also draw threads and connections in use, CPU, and the event loop's lag."
)
def timeline_(folder: Path, scenario: str | None, load: float | None, block: int, details: bool) -> None:
    """Draw where the requests of one cell of RUN were: in threads, on the event loop, or in which queue.

    The run must have been made with `bench run --observe`.
    """
    show(folder, scenario, load, block, details=details)


def show(path: Path, scenario: str | None, load: float | None, block: int, *, details: bool = False) -> None:
    """Draw one timeline and print where it is.

    Args:
        path: the run's folder.
        scenario: its name; None for the run's only one, or its first.
        load: users, or arrivals per second; None for the highest.
        block: from 1.
        details: whether more is drawn below.

    Raises:
        UnreadableRun: it is no run, or a file of it is no good.
        UsageError: the run has no such cell, or nobody looked into its servers.
    """
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    if manifest.schedule is not None:
        raise UsageError(f"{path}: a schedule's course over time is in its report; bench report {path} rebuilds it")
    run = view_of(manifest, analyse(folder, manifest))
    names = [known.name for known in run.scenarios]
    name = scenario or next(iter(names), "")
    if name not in names:
        raise UsageError(f"{path}: nothing was measured of {name or 'any scenario'}; choose one of: {', '.join(names)}")
    loads = {measured.size: measured for measured in run.measured_loads(name)}
    if load is not None and load not in loads:
        raise UsageError(
            f"{path}: {name} was not measured with {load:g}; choose one of: {', '.join(map(str, loads.values()))}"
        )
    if not 1 <= block <= run.blocks:
        raise UsageError(f"{path}: there is no block {block}; choose one from 1 to {run.blocks}")
    chosen = loads[load if load is not None else max(loads)]
    try:
        drawn = draw_one(run, folder.read_trial, folder.charts, name, chosen, block - 1, details=details)
    except OSError as error:
        raise RunError(describe_error(error, path)) from error
    if drawn is None:
        why = "nothing was seen" if manifest.observe else "they were not observed; run it with --observe"
        raise UsageError(f"{path}: of the servers of {name} with {chosen}, block {block}: {why}")
    console = PipeConsole()
    for line in (drawn.finding, *map(str, drawn.paths)):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
