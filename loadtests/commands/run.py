"""``bench run``, up to the last sample."""

from datetime import UTC, datetime
from pathlib import Path

from loadtests import affinity, store
from loadtests.console import PipeConsole
from loadtests.describe import new_manifest
from loadtests.errors import BenchError, Interrupted, RunError, UsageError
from loadtests.live import display
from loadtests.options import RunOptions
from loadtests.runner import Runner


def measure(options: RunOptions) -> Path:
    """Make a run and carry it out; return its folder.

    Raises:
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted: by a signal; what was measured is kept.
        RunError: the run could not be completed; what was measured is kept.
    """
    now = datetime.now(UTC)
    out = options.out or store.RESULTS / now.strftime("%Y-%m-%dT%H-%M-%S")
    store.check_free(out)
    experiment = options.experiment()
    cores = affinity.divide()
    manifest = new_manifest(experiment, out.name, now, cores)
    trials = 2 * len(experiment.cells) * experiment.blocks
    kept = f"what was measured is kept: bench report {out}"
    try:
        folder = store.create(out, manifest)
        with affinity.pinned(cores.driver), display(PipeConsole(), experiment.blocks, trials) as listener:
            Runner(experiment, folder, manifest, cores, listener).run()
    except UsageError:
        raise
    except Interrupted as signal:
        store.RunFolder(out).clear_work()
        raise Interrupted(f"{signal}; {kept}" if out.exists() else str(signal)) from None
    except (BenchError, OSError) as error:
        raise RunError(f"{error}; {kept}") from error
    return out
