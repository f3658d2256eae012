"""Load from three machines, two of them behind bad links, becomes one run, also when a machine is lost in mid-run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.distributed.permission import skip_without_namespaces
from tests.distributed.trial import LOST, SLOW_S, SPECS, USERS, WORKERS, Fault, Trial, serving, trials_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROUNDED_S = 1e-6


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    skip_without_namespaces()
    with serving(tmp_path_factory.mktemp("hosts")) as made:
        yield made


@pytest.fixture(scope="module")
def run(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which nothing goes wrong."""
    out = tmp_path_factory.mktemp("sound") / "run"
    trial.run(out, "noop", "get_post", f"--users={USERS}", "--blocks=2", "--time=2")
    return out


def test_a_run_holds_what_all_load_machines_sent(run: Path) -> None:
    trials = trials_of(run)
    assert len(trials) == 8  # two scenarios in two blocks, both sides
    sent = dict.fromkeys(WORKERS, 0)
    for _, recording in trials:
        assert [machine.name for machine in recording.machines] == list(WORKERS)
        assert sum(machine.requests for machine in recording.machines) == len(recording.samples)
        for machine in recording.machines:
            assert machine.requests > 0
            sent[machine.name] += machine.requests
    assert {each["name"]: each["requests"] for each in manifest(run)["load_machines"]} == sent


def test_sides_take_turns_on_all_load_machines_at_once(run: Path) -> None:
    trials = {(key.block, key.scenario, key.label): recording for key, recording in trials_of(run)}
    for block, scenario in {(block, scenario) for block, scenario, _ in trials}:
        a, b = trials[block, scenario, "a"], trials[block, scenario, "b"]
        assert a.started_s == b.started_s  # both sides' seconds count from there
        turns = sorted([(turn.opened_s, "a") for turn in a.slices] + [(turn.opened_s, "b") for turn in b.slices])
        order = [label for _, label in turns]
        assert order
        assert all(set(pair) == {"a", "b"} for pair in zip(order[::2], order[1::2], strict=True))
        clocks_s = max(machine.clock_uncertainty_s for machine in a.machines)
        for ours, theirs in ((a, b), (b, a)):
            for turn in ours.slices:
                begun = theirs.samples.sent_s < turn.closed_s - clocks_s
                assert not np.any(begun & (theirs.samples.ended_s > turn.opened_s + clocks_s))


def test_the_clocks_of_load_machines_are_known_as_well_as_is_said(run: Path) -> None:
    for _, recording in trials_of(run):
        for machine in recording.machines:
            off_s = SPECS["master"].clock_ahead_s - SPECS[machine.name].clock_ahead_s
            assert abs(machine.clock_offset_s - off_s) <= machine.clock_uncertainty_s + ROUNDED_S
            assert machine.clock_moved_s == 0


def test_whoever_is_far_away_waits_for_the_link_in_every_request(run: Path) -> None:
    for _, recording in trials_of(run):
        took_s = recording.samples.ended_s - recording.samples.sent_s
        far = next(machine for machine in recording.machines if machine.name == "worker2")
        assert np.count_nonzero(took_s >= SLOW_S - ROUNDED_S) >= far.requests


def test_packets_that_are_lost_cost_time_and_no_answers(run: Path, trial: Trial) -> None:
    assert trial.hosts["worker3"].link.counts()["lost"] > 0
    assert not any(np.count_nonzero(recording.samples.failure) for _, recording in trials_of(run))


@pytest.mark.parametrize("fault", ["worker killed", "worker cut off"])
def test_a_load_machine_that_is_lost_is_named_and_the_others_go_on(fault: Fault, trial: Trial, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trial.run_with(fault, out)
    (restarted,) = events(out, "restarted")
    assert restarted.startswith(f"load machine {LOST} was lost: ")
    assert restarted.endswith("; the cell was tried again")
    (changed,) = events(out, "load")
    assert changed.endswith("load was sent by worker1, worker3")
    assert not events(out, "collapsed")  # no server is to blame
    senders = [[machine.name for machine in recording.machines] for _, recording in trials_of(out)]
    assert len(senders) == 6
    assert senders[:2] == [list(WORKERS)] * 2
    assert senders[-2:] == [["worker1", "worker3"]] * 2


def test_a_master_that_is_killed_is_named_and_the_load_machines_find_the_next_one(trial: Trial, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trial.run_with("master killed", out)
    (restarted,) = events(out, "restarted")
    assert restarted == "Locust's master died; the cell was tried again with a new one"
    senders = [[machine.name for machine in recording.machines] for _, recording in trials_of(out)]
    assert senders == [list(WORKERS)] * 6


def manifest(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / "run.json").read_text())
    return loaded


def events(run: Path, kind: str) -> list[str]:
    return [event["message"] for event in manifest(run)["events"] if event["kind"] == kind]
