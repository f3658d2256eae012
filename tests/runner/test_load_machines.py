"""What a run writes down of its load machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from loadtests.drivers.driver import Driver
from loadtests.drivers.job import GatheredMachine
from loadtests.experiment.load_machines import LoadMachines
from loadtests.records.run_folder import create_run_folder
from loadtests.records.samples import LoadMachine, Recording
from loadtests.runner.load_machines import LoadMachineLog
from loadtests.runner.run_log import RunLog
from loadtests.system.errors import RunError
from tests import made_up_runs
from tests import made_up_samples as build

MACHINES = LoadMachines(2, "10.0.0.1", 5557)


class Connected:
    """Stands for Locust's master, to which those have connected."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def gather(self, limit_s: float) -> list[GatheredMachine]:
        assert limit_s > 0
        return [GatheredMachine(name, 4, "Linux", "3.11") for name in self.names]


@pytest.fixture
def run_log(tmp_path: Path) -> RunLog:
    manifest, _ = made_up_runs.make_run(("noop",), (1,))
    manifest = manifest.model_copy(update={"events": []})
    return RunLog(create_run_folder(tmp_path / "run", manifest), manifest)


def sent_by(*parts: LoadMachine) -> Recording:
    made = build.recording([(0.1, 0.2)], (0.0, 1.0))
    return Recording(**{**vars(made), "machines": parts})


def part(name: str, requests: int = 5, uncertainty_s: float = 0.001, moved_s: float | None = 0.0) -> LoadMachine:
    return LoadMachine(name, requests, 12.0, uncertainty_s, moved_s)


def messages(run_log: RunLog) -> Sequence[str]:
    return [event.message for event in run_log.manifest.events]


def test_what_each_machine_did_is_summed_up(run_log: RunLog) -> None:
    log = LoadMachineLog(run_log)
    log.gather(cast("Driver", Connected("load2", "load1")), MACHINES)
    log.saw(0, "noop with 8 users", [sent_by(part("load1"), part("load2", 7, 0.01)), sent_by(part("load1"))])
    one, two = run_log.manifest.load_machines
    assert (one.name, one.cores, one.requests, one.clock_uncertainty_s) == ("load1", 4, 10, 0.001)
    assert (two.name, two.requests, two.clock_uncertainty_s, two.clock_moved_s) == ("load2", 7, 0.01, 0.0)
    assert messages(run_log) == []


def test_too_few_end_the_run_with_what_to_do(run_log: RunLog) -> None:
    with pytest.raises(RunError, match=r"1 of 2 load machines \(load2\) .*on each other one: bench worker 10.0.0.1:55"):
        LoadMachineLog(run_log).gather(cast("Driver", Connected("load2")), MACHINES)
    with pytest.raises(RunError, match=r"0 of 2 load machines connected to 10.0.0.1:5557 within"):
        LoadMachineLog(run_log).gather(cast("Driver", Connected()), MACHINES)


def test_a_machine_that_is_missing_from_a_cell_on_is_noted_and_one_that_comes_back(run_log: RunLog) -> None:
    log = LoadMachineLog(run_log)
    log.gather(cast("Driver", Connected("load1", "load2")), MACHINES)
    log.saw(0, "noop with 8 users", [sent_by(part("load1"), part("load2"))])
    log.saw(1, "noop with 1 user", [sent_by(part("load1"))])
    log.saw(1, "noop with 2 users", [sent_by(part("load1"))])
    log.saw(2, "noop with 4 users", [sent_by(part("load1"), part("load2"))])
    assert messages(run_log) == [
        "from noop with 1 user on, load was sent by load1",
        "from noop with 4 users on, load was sent by load1, load2",
    ]
    assert [event.block for event in run_log.manifest.events] == [1, 2]


def test_a_clock_that_was_set_is_noted(run_log: RunLog) -> None:
    log = LoadMachineLog(run_log)
    log.saw(0, "noop with 8 users", [sent_by(part("load1", moved_s=0.25), part("load2", moved_s=None))])
    (message,) = messages(run_log)
    assert "the clock of load1 was 250 ms further off" in message
    assert [machine.clock_moved_s for machine in run_log.manifest.load_machines] == [0.25, 0.0]


def test_a_resumed_run_goes_on_counting(run_log: RunLog) -> None:
    LoadMachineLog(run_log).saw(0, "noop with 8 users", [sent_by(part("load1"))])
    again = LoadMachineLog(run_log)
    again.gather(cast("Driver", Connected("load1", "load2")), MACHINES)
    again.saw(0, "noop with 8 users", [sent_by(part("load1"), part("load2"))])
    assert [machine.requests for machine in run_log.manifest.load_machines] == [10, 5]


def test_a_cell_that_this_machine_sent_says_nothing_of_others(run_log: RunLog) -> None:
    LoadMachineLog(run_log).saw(0, "noop with 8 users", [sent_by()])
    assert run_log.manifest.load_machines == []
    assert messages(run_log) == []
