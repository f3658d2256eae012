"""``bench run``, up to the last sample: of a new run, or of one that was interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from loadtests.describe import new_manifest
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import Experiment, Plan
from loadtests.importable import check_importable
from loadtests.live import display
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RESULTS, RunFolder, check_free, create_run_folder, locked
from loadtests.resumption import check_same, experiment_of, lacking, resumed
from loadtests.runner import Runner
from loadtests.servers.databases import check_database, check_reachable, open_databases
from loadtests.system.cores import Cores, assign_cores, pinned
from loadtests.system.errors import BenchError, Interrupted, RunError, UsageError, told
from loadtests.system.terminal import PipeConsole


def measure(options: RunOptions) -> Path:
    """Make a run and carry it out; return its folder.

    Raises:
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted: by a signal; what was measured is kept.
        RunError: the run could not be completed; what was measured is kept.
    """
    now = datetime.now(UTC)
    out = options.out or new_folder()
    check_free(out)
    experiment = options.experiment()
    check_importable(experiment.a, experiment.b)
    check_database(experiment.database)
    check_reachable(experiment.database)
    cores = assign_cores()
    manifest = new_manifest(experiment, out.name, now, cores)
    with _told(out):
        folder = create_run_folder(out, manifest)
        with locked(folder):
            _carry_out(experiment, folder, manifest, cores, experiment.plan())
    return out


def new_folder(kind: str = "") -> Path:
    """Return where results go that nobody named a place for.

    Args:
        kind: of results; a plain run has none.
    """
    return RESULTS / kind / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")


def resume(out: Path) -> Path:
    """Measure what an interrupted run lacks; return its folder.

    Raises:
        UsageError: it lacks nothing, is still going on, or would go on under other conditions than it began.
        UnreadableRun: a file of it is no good; the message names it.
        Interrupted, RunError: as for ``measure``.
    """
    folder = RunFolder(out)
    before = folder.read_manifest()
    experiment = experiment_of(before)
    check_importable(experiment.a, experiment.b)
    check_database(experiment.database)
    cores = assign_cores()
    now = datetime.now(UTC)
    check_same(before, new_manifest(experiment, before.name, now, cores))
    with _told(out), locked(folder):
        plan = lacking(experiment.plan(), {key for key, _ in folder.read_trials()})
        if before.complete and not any(plan):
            raise UsageError(f"--resume {out}: nothing is missing; bench report {out} shows what was found")
        _carry_out(experiment, folder, resumed(before, plan, now), cores, plan)
    return out


def _carry_out(experiment: Experiment, folder: RunFolder, manifest: Manifest, cores: Cores, plan: Plan) -> None:
    trials = 2 * len(experiment.cells) * experiment.blocks
    with (
        pinned(cores.driver),
        display(PipeConsole(), experiment.blocks, trials) as listener,
        open_databases(experiment.database, folder.work, cores) as databases,
    ):
        Runner(experiment, folder, manifest, cores, listener, plan, databases).run()


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """Add to what ends a run early what is left of it."""
    kept = f"what was measured is kept: bench report {out}, or go on: bench run --resume {out}"
    try:
        yield
    except Interrupted as signal:
        RunFolder(out).clear_work()
        raise Interrupted(f"{signal}; {kept}" if out.exists() else str(signal)) from None
    except (BenchError, OSError) as error:
        if isinstance(error, BenchError) and error.exit_status == UsageError.exit_status:
            raise
        raise RunError(f"{told(error, out)}; {kept}") from error
