"""What each command does, from its options to its last line."""

import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtests import affinity, charts, store
from loadtests import report as reports
from loadtests.analysis import analyse
from loadtests.describe import new_manifest
from loadtests.errors import BenchError, Interrupted
from loadtests.live import display
from loadtests.options import RunOptions
from loadtests.runner import Runner, upstream
from loadtests.scenarios import CATALOGUE, REPRESENTATIVE, parse_scenario
from loadtests.servers import Server
from loadtests.sides import check_importable, parse_side
from loadtests.store import RunFolder
from loadtests.verdict_table import verdict_table


def run(options: RunOptions) -> None:
    """Measure, then report."""
    console = Console()
    now = datetime.now(UTC)
    out = options.out or store.RESULTS / now.strftime("%Y-%m-%dT%H-%M-%S")
    store.check_free(out)
    experiment = options.experiment()
    cores = affinity.divide()
    folder = store.create(out, new_manifest(experiment, out.name, now, cores))
    manifest = folder.read_manifest()
    affinity.pin(cores.driver)
    trials = 2 * len(experiment.cells) * experiment.blocks
    try:
        with display(console, experiment.blocks, trials) as listener:
            Runner(experiment, folder, manifest, cores, listener).run()
    except Interrupted as signal:
        raise Interrupted(f"{signal}; what was measured is kept: bench report {out}") from None
    except OSError as error:
        raise BenchError(f"{error}; what was measured is kept: bench report {out}") from error
    report(out)


def report(path: Path) -> None:
    """Derive everything from a run's raw samples, and show the verdicts."""
    console = Console()
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    outcome = analyse(folder, manifest)
    folder.write_outcome(outcome)
    drawn = charts.draw(manifest, outcome, folder.charts)
    folder.report.write_text(reports.render(manifest, outcome, drawn), encoding="utf-8")
    console.print(verdict_table(manifest, outcome))
    console.print(f"\ncharts   {folder.charts}\nreport   {folder.report}", highlight=False, soft_wrap=True)


def list_scenarios() -> None:
    """Print the catalogue."""
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("scenario", "kind", "what is asked, and what we expect"):
        table.add_column(heading)
    for name, entry in CATALOGUE.items():
        scenario = parse_scenario(name)
        parameters = f"\\[{','.join(f'{k}={v:g}' for k, v in entry.defaults.items())}]" if entry.defaults else ""
        star = " *" if name in REPRESENTATIVE else ""
        table.add_row(
            f"[bold]{name}[/]{star}\n[dim]{parameters}[/]",
            scenario.kind,
            f"{scenario.title}\n[dim]{scenario.hypothesis}[/]",
        )
    console.print(table)
    console.print(
        "* measured by a plain `bench run`; `--full` takes them all. Brackets hold parameters and their defaults."
    )


def serve(spec: str, port: int, database_url: str) -> None:
    """Run one side until interrupted."""
    side = parse_side(f"{spec},port={port}")
    check_importable(side)
    log = Path("bench-serve.log")
    cores = affinity.Cores((), ())
    with (
        upstream(cores, log) as url,
        Server(side, database_url=database_url, upstream_url=url, cores=cores, log=log) as server,
    ):
        server.wait_until_ready()
        Console().print(
            f"{spec} serves at {server.url}, its slow external API at {url}; Ctrl-C ends both",
            highlight=False,
        )
        while server.child is not None and server.child.alive:
            time.sleep(0.2)
        server.check_alive("while it served")
