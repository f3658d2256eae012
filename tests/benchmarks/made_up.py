"""Raw samples that no server ever gave, in the shapes that real ones have."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import ORDERS, Experiment
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.records.run_folder import RunFolder, create_run_folder
from loadtests.records.samples import Failure, Recording, Samples, Slice
from loadtests.records.trial_file import TrialKey
from loadtests.runner.run_log import new_manifest
from loadtests.system.cores import Cores


def recording(requests: int, rate: float, seed: int, slice_s: float = 0.1) -> Recording:
    """Return a trial of so many requests, answered at ``rate`` a second; one in 500 fails, one in 5,000 is cut off."""
    rng = np.random.default_rng(seed)
    ended = 1.0 + np.cumsum(rng.exponential(1 / rate, requests))
    sent = ended - rng.lognormal(np.log(0.012), 0.4, requests)
    first_byte = ended - rng.lognormal(np.log(2e-4), 0.3, requests)
    failure = np.zeros(requests, np.uint8)
    failure[rng.integers(0, requests, requests // 500)] = Failure.STATUS
    failure[rng.integers(0, requests, requests // 5000)] = Failure.CUT_OFF
    status = np.where(failure == Failure.STATUS, 500, 200).astype(np.uint16)
    cut_off = failure == Failure.CUT_OFF
    status[cut_off], ended[cut_off], first_byte[cut_off] = 0, np.nan, np.nan
    samples = Samples(sent, sent.copy(), first_byte, ended, status, failure, np.zeros(requests, np.uint16))
    opens = np.arange(1.05, 1.0 + requests / rate - 2 * slice_s, 2 * slice_s)
    slices = tuple(Slice(t, t + slice_s, t + 1.5 * slice_s, slice_s * 0.9, slice_s * 0.5, 0.5) for t in opens.tolist())
    return Recording(samples, 1000.0, slices, 100_000_000, 12, None)


def run_folder(path: Path, users: Sequence[int], blocks: int) -> tuple[RunFolder, list[TrialKey]]:
    """Create the folder of a run that is said to be complete; return it with the keys of its trials."""
    experiment = Experiment(
        parse_side("sync"), parse_side("async"), (parse_scenario("noop"),), tuple(map(ClosedLoop, users)),
        blocks=blocks, slice_s=0.1, pairing_s=40.0, seed=0,
    )  # fmt: skip
    manifest = new_manifest(experiment, path.name, datetime.now(UTC), Cores((0,), (1,)))
    folder = create_run_folder(path, manifest.model_copy(update={"complete": True, "seconds": 0.0}))
    cells = experiment.cells
    keys = [
        TrialKey(block, cell.scenario.name, cell.load.slug, label)
        for block in range(blocks)
        for cell in cells
        for label in ORDERS[0]
    ]
    return folder, keys
