"""``bench validate``: measure known answers, and say how often the harness is wrong on this machine."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from loadtests.records.json_files import replace_file
from loadtests.records.run_folder import VALIDATIONS
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS
from loadtests.runner.single_server import Workspace
from loadtests.system.cores import assign_cores, pinned
from loadtests.system.errors import BenchError, Interrupted, RunError
from loadtests.system.machine import read_environment
from loadtests.system.terminal import PipeConsole
from loadtests.validation import chart, pages
from loadtests.validation.checks import ValidationRun, progress_display
from loadtests.validation.findings import findings, within
from loadtests.validation.pages import Archive
from loadtests.validation.plan import COMPARISONS, ValidateOptions
from loadtests.validation.record import Validation
from loadtests.validation.wording import TITLES, aim, found, markdown

DEFAULTS = ValidateOptions()
STYLES = {"met": "green", "missed": "bold red", "undecided": "yellow"}


@click.command(name="validate")
@click.option(
    "--comparisons",
    type=int,
    help=f"How often a side is compared with itself; 200 show whether the rate is good.  [default: {COMPARISONS}]",
)
@click.option(
    "--only",
    metavar="CHECKS",
    help="Run only these checks: aa,effects,queue,stall,overload,capacity,drivers.  [default: all]",
)
@click.option("--quick", is_flag=True, help="A smoke test of a few minutes, too short to prove a rate.")
@click.option("--blog", default=DEFAULTS.blog, help="Share of the aa comparisons that use the blog's builds.")
@click.option(
    "--precision",
    default=DEFAULTS.precision,
    metavar="SHARE",
    help="Half-width of a ratio's interval at which a cell is settled, as in `bench run`.",
)
@click.option("--blocks", type=int, help="Fresh starts for each comparison, in a fixed design without a budget.")
@click.option("--time", "time_s", type=float, help="Seconds for each scenario, load and block, in a fixed design.")
@click.option("--seed", default=DEFAULTS.seed, help="Seed of all random choices.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder of validations.  [default: results/validation]"
)
def validate_(**options: object) -> None:
    """Ask questions with known answers, and say how often this harness is wrong on this machine.

    It compares a side with itself, and with one that does slightly more work on purpose. It measures a queue, a stall,
    a pace and a capacity whose values follow from theory, and overloads a queue, which it must detect. It compares the
    driver with other clients. It takes 15 minutes, or 45 with --comparisons 200. Later reports on this machine quote
    the results.
    """
    validate(ValidateOptions.model_validate(options))


class TargetMissed(BenchError):
    """The harness is not as good as it has to be, on this machine."""

    exit_status = 1


def validate(options: ValidateOptions) -> None:
    """Carry out the checks and say what they prove.

    Raises:
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted: by a signal; what was measured is kept.
        RunError: a check could not be carried out; what was measured is kept.
        TargetMissed: everything was carried out, and a target was missed.
    """
    sizes = options.sizes()
    now = datetime.now(UTC)
    machine = read_environment()
    validation_run = ValidationRun(sizes, machine, quick=options.quick, seed=options.seed)
    archive = Archive(options.out or VALIDATIONS)
    folder = archive.open(now.strftime("%Y-%m-%dT%H-%M-%S"))
    cores = assign_cores()
    console = PipeConsole()
    try:
        with pinned(cores.driver), progress_display(console, validation_run.seconds) as progress:
            workspace = Workspace(folder / "work", cores, now, machine.commit, options.seed, progress.update)
            validation_run.run(workspace, progress)
    except (BenchError, OSError, Interrupted) as error:
        kept = _keep(archive, folder, validation_run.measured())
        if isinstance(error, Interrupted):
            raise Interrupted(f"{error}; {kept}") from None
        raise RunError(f"{error}; {kept}") from error
    finally:
        shutil.rmtree(folder / "work", ignore_errors=True)
    _keep(archive, folder, validation_run.measured())
    _show(console, validation_run.measured(), folder)


def _keep(archive: Archive, folder: Path, validation: Validation) -> str:
    """Write what was measured; return where it is, in words."""
    if not validation.checked():
        shutil.rmtree(folder, ignore_errors=True)
        return "nothing was measured"
    archive.keep(validation, folder)
    replace_file(folder / "validation.md", markdown(validation).encode())
    svg, _ = chart.draw(validation, folder)
    replace_file(folder / "report.html", pages.render(validation, svg).encode())
    return f"what was measured is kept in {folder}"


def _show(console: PipeConsole, validation: Validation, folder: Path) -> None:
    table = Table(title="Known answers", title_justify="left", title_style="bold")
    for column in ("", "known answer", "found (95 % interval)", "target"):
        table.add_column(column)
    missed, open_, doubtful = [], [], []
    for check, each in findings(validation).items():
        table.add_section()
        table.add_row("", Text(TITLES[check], style="bold"))
        for finding in each:
            name = Text(finding.name).append(f"\n{finding.note}", style="dim")
            sign = Text(STATUS_SIGNS[finding.status], style=STYLES[finding.status])
            table.add_row(sign, name, found(finding), aim(finding))
            said = f"{TITLES[check]}: {finding.name}: {found(finding)}, target {aim(finding)}"
            if finding.status == "missed":
                missed.append(said)
            elif finding.status == "undecided":
                open_.append(said)
                # Two clients that differ by more than the target are no proof of a good one, chance or not.
                if check == "drivers" and not validation.quick and not within(finding):
                    doubtful.append(said)
    console.print(table)
    legend = ", ".join(f"{STATUS_SIGNS[status]} {word}" for status, word in STATUS_WORDS.items())
    console.print(f"{legend} (too little data, or an error that chance can explain)", highlight=False)
    if validation.quick:
        console.print("--quick is a smoke test: it is too short to prove a rate, and reports do not quote it")
    files = {"figures": "validation.md", "chart": "validation.svg", "report": "report.html"}
    where = "".join(f"\n{name:8} {folder / file}" for name, file in files.items())
    console.print(where, highlight=False, soft_wrap=True, markup=False)
    if open_:
        said = "\n".join(["not decided, which is not met: measure more, or on a quieter machine", *open_])
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    if missed or doubtful:
        heads = [("targets were missed", missed), ("clients disagree, though by chance perhaps", doubtful)]
        raise TargetMissed("\n".join(line for head, lines in heads if lines for line in (head, *lines)))
