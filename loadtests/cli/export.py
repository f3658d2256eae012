"""``bench export``: a run's samples, or its results, in the formats of other programs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.system.errors import UsageError
from loadtests.system.resources import no_garbage_collection

if TYPE_CHECKING:
    from loadtests.records.schedule_trials import Missing

SAMPLES = (".csv", ".parquet")
RESULTS = (".openmetrics", ".prom")


@click.command(name="export")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--to",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="The file to write. Its name's ending decides what: .csv or .parquet for every sample, .openmetrics or .prom "
    "for the results. May be repeated.",
)
@no_garbage_collection()
def export_(folder: Path, files: tuple[Path, ...]) -> None:
    """Write the samples or the results of RUN, a run's folder, for other programs.

    Parquet needs pyarrow: `uv run --extra parquet bench export …`. docs/data.md describes all columns and metrics.
    """
    from loadtests.records.export import check_parquet, export_samples
    from loadtests.records.run_folder import RunFolder

    for file in files:
        if file.suffix not in (*SAMPLES, *RESULTS):
            from loadtests.report.wording import listed

            raise UsageError(f"--to {file}: its name must end in {listed((*SAMPLES, *RESULTS), 'or')}")
        if not file.absolute().parent.is_dir():
            raise UsageError(f"--to {file}: there is no folder {file.parent}")
        if file.suffix == ".parquet":
            check_parquet()
    run = RunFolder(folder)
    for file in files:
        if file.suffix in SAMPLES:
            count, missing = export_samples(run, file)
            click.echo(f"{count:,} samples   {file}")
            for each in missing:
                click.echo(f"{file}: {_lacking(each)}", err=True)
        else:
            _export_results(run.path, file)
            click.echo(f"results   {file}")


def _lacking(missing: "Missing") -> str:
    """Say which requests of a schedule's trial have no samples."""
    said = []
    if missing.counted:
        said.append(f"{missing.counted:,} requests were only counted, because the trial's file was full")
    if not missing.ended:
        said.append("the driver was ended early, so the last second may be missing")
    return f"block {missing.block}, side {missing.label}: {'; '.join(said)}"


def _export_results(folder: Path, file: Path) -> None:
    from loadtests.analysis.saved_runs import read_saved_run
    from loadtests.records.json_files import replace_file
    from loadtests.report.open_metrics import open_metrics, prometheus_text

    saved = read_saved_run(folder)
    replace_file(file, (open_metrics(saved) if file.suffix == ".openmetrics" else prometheus_text(saved)).encode())
