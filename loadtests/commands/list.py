"""``bench list``: the catalogue for people."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.experiment.catalogue import CATALOGUE, REPRESENTATIVE


def show() -> None:
    """Print every scenario with its kind, its parameters and what is expected of it."""
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
        "* measured by a plain `bench run`; `--full` takes all but journeys, which need `--driver locust`, and"
        " pitfalls, which lessons show."
    )
    console.print(Text('In brackets: parameters and their defaults, as in "query[wait_ms=100]".'))
