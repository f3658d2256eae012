"""Sides that take turns while the other is stopped with its requests in flight."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.analysis.trial_summary import summarise
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import PairingJob
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.request import Request
from loadtests.records.samples import Failure, Recording, stood_still
from loadtests.runner.single_server import Workspace, target
from loadtests.servers.server import Server
from loadtests.system.cores import assign_cores

ROUNDS = 6


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, assign_cores(), datetime.now(UTC), None, 1, lambda _what, _s: None)


@pytest.fixture
def servers(workspace: Workspace) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        both = {
            label: stack.enter_context(workspace.server("loadtests.servers.reference:base", label)) for label in "ab"
        }
        for server in both.values():
            server.wait_until_ready()
        yield both


def drive(
    workspace: Workspace, servers: dict[str, Server], path: str, users: int, wait_s: float
) -> dict[str, Recording]:
    with Driver(workspace.cores, workspace.work / "driver" / "log") as driver:
        targets = {label: target(server) for label, server in servers.items()}
        job = PairingJob(targets, (Request("GET", path),), ClosedLoop(users), 0.05, 0.0, wait_s, seed=1, rounds=ROUNDS)  # type: ignore[arg-type]
        found = driver.drive(job)
    return {str(label): recording for label, recording in found.items()}


@pytest.mark.quiet
def test_a_busy_server_is_stopped_with_its_requests_in_flight(workspace: Workspace, servers: dict[str, Server]) -> None:
    for recording in drive(workspace, servers, "/cpu", 8, 0.0).values():
        assert len(recording.slices) == ROUNDS
        assert not (recording.samples.failure != Failure.NONE).any()
        sent, ended = recording.samples.sent_s, recording.samples.ended_s
        for turn in recording.slices[:-1]:
            assert ((sent < turn.closed_s) & (ended > turn.closed_s)).sum() == 8
        found = summarise(recording)
        assert found.flow.littles_law == pytest.approx(1.0, abs=0.03)
        assert found.flow.in_flight == pytest.approx(8, abs=0.3)


def test_a_server_that_waits_is_drained_before_the_other_ones_turn(
    workspace: Workspace, servers: dict[str, Server]
) -> None:
    for recording in drive(workspace, servers, "/wait", 4, 0.02).values():
        assert len(recording.slices) == ROUNDS
        sent, ended = recording.samples.sent_s, recording.samples.ended_s
        for turn in recording.slices:
            assert not ((sent < turn.drained_s) & (ended > turn.drained_s)).any()


def test_no_time_of_the_other_sides_turns_is_a_trials_time(workspace: Workspace, servers: dict[str, Server]) -> None:
    begun_s = time.perf_counter()
    found = drive(workspace, servers, "/cpu", 4, 0.0)
    whole_s = time.perf_counter() - begun_s
    for recording in found.values():
        assert sum(length_s for _, length_s in recording.pauses) > ROUNDS * 0.05
    own_s = [max(recording.samples.ended_s) for recording in found.values()]
    assert sum(own_s) < whole_s


def test_instants_of_the_machines_clock_are_told_in_the_trials_seconds() -> None:
    import numpy as np

    since_s = np.array([0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 3.4, 4.0])
    stood_s = stood_still(since_s, [(1.0, 0.5), (2.0, 1.0)])
    assert list(since_s - stood_s) == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.5, 2.0, 2.0, 2.5])
