"""``bench list``: show the catalogue of scenarios."""

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.experiment.catalogue import CATALOGUE, REPRESENTATIVE


@click.command(name="list")
def list_() -> None:
    """List the scenarios and what is expected of each."""
    table = Table(box=None, padding=(0, 2, 1, 0))
    for heading in ("scenario", "kind", "what is asked, and what we expect"):
        table.add_column(heading)
    for name, entry in CATALOGUE.items():
        parameters = ",".join(f"{key}={value:g}" for key, value in entry.defaults.items())
        title = Text(name, style="bold").append(" *" if name in REPRESENTATIVE else "")
        title.append(f"\n[{parameters}]" if parameters else "", style="not bold dim")
        table.add_row(title, entry.kind, Text(entry.title).append(f"\n{entry.hypothesis}", style="dim"))
    console = Console()
    console.print(table)
    console.print(
        "* measured by a plain `bench run`. `--full` measures all except journeys, which need `--driver locust`, and"
        " pitfalls, which lessons show."
    )
    console.print(Text('In brackets: parameters and their defaults, as in "query[wait_ms=100]".'))
    console.print(Text("Any request to any app is also a scenario; `bench run --help` lists its options:"))
    console.print(Text('  bench run "POST /orders" --json \'{"item": "tea"}\''), soft_wrap=True)
