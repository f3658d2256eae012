"""Samples of several machines, merged into one run, say what the same samples say that were taken on one."""

import math
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from loadtests.analysis.analyse import analyse
from loadtests.drivers.distributed_messages import pack_recording, unpack_recording
from loadtests.drivers.merge import clock_moved_s, merge_machines
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import BodyBytes, Failure, Recording, Samples
from loadtests.system.clock_offset import ClockOffset
from tests import made_up_samples as build

EXAMPLE = Path(__file__).parents[2] / "results" / "example" / "run"
ZERO_S = 91_234.567_890_123
"""When a trial began, by the master's clock."""
AHEAD_S = (0.0, 8_765_432.109_876, -4_321.000_123_4)
"""How far the master's clock is ahead of each machine's."""
NAMES = ("load1", "load2", "load3")


def by_the_clock_of(samples: Samples, ahead_s: float) -> Samples:
    """Return samples with the rounding of a machine that reads its own clock, and counts from its own zero."""

    def read(instants_s: np.ndarray) -> np.ndarray:
        return (ZERO_S + instants_s - ahead_s) - (ZERO_S - ahead_s)

    return replace(
        samples,
        scheduled_s=read(samples.scheduled_s),
        sent_s=read(samples.sent_s),
        first_byte_s=read(samples.first_byte_s),
        ended_s=read(samples.ended_s),
    )


def rows(samples: Samples, which: np.ndarray) -> Samples:
    return Samples(**{field.name: getattr(samples, field.name)[which] for field in fields(Samples)})


def part_of(recording: Recording, which: np.ndarray, ahead_s: float) -> Recording:
    """Return what one machine has recorded that sent some of a trial's requests."""
    own = rows(recording.samples, which)
    good = own.request[own.failure == Failure.NONE]
    return replace(
        recording,
        samples=by_the_clock_of(own, ahead_s),
        started_s=ZERO_S - ahead_s,
        good_bytes=tuple(
            BodyBytes(each.request, int((good == each.request).sum()), 0) for each in recording.good_bytes
        ),
        timeline=None,
    )


def through_machines(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return a trial whose requests were sent by three machines with clocks of their own, over the network."""
    sender = rng.integers(0, len(NAMES), len(recording.samples))
    parts = [part_of(recording, sender == number, ahead_s) for number, ahead_s in enumerate(AHEAD_S)]
    received = [unpack_recording(pack_recording("a", part))[1] for part in parts]
    offsets = [ClockOffset(ahead_s, 0.0001) for ahead_s in AHEAD_S]
    return replace(merge_machines(received, NAMES, offsets, offsets), timeline=recording.timeline)


def test_a_run_by_load_machines_has_the_same_summary_to_the_last_digit(tmp_path: Path) -> None:
    """What is merged was measured: a scenario that works and one that waits, from one user to many."""
    local, merged = RunFolder(tmp_path / "local"), RunFolder(tmp_path / "merged")
    for folder in (local, merged):
        folder.trials.mkdir(parents=True)
        shutil.copy(EXAMPLE / "run.json", folder.path)
    rng = np.random.default_rng(4)
    for scenario in ("get_post", "external_api"):
        for path in (EXAMPLE / "trials").glob(f"*-{scenario}-*"):
            shutil.copy(path, local.trials)
    for key, recording in local.read_trials():
        there = through_machines(recording, rng)
        assert len(there.samples) == len(recording.samples)
        assert [part.name for part in there.machines] == list(NAMES)
        assert sum(part.requests for part in there.machines) == len(recording.samples)
        merged.write_trial(key, there)
    for folder in (local, merged):
        folder.write_outcome(analyse(folder, folder.read_manifest()))
    summary = (merged.path / "summary.json").read_text()
    assert summary == (local.path / "summary.json").read_text()
    assert '"throughput"' in summary


def test_every_instant_is_by_the_masters_clock() -> None:
    spans = [(0.1, 0.2), (0.15, 0.3), (0.2, 0.25), (0.4, math.nan)]
    recording = build.recording(spans, (0.1, 0.35))
    failures = np.array([0, 0, 0, Failure.CUT_OFF], np.uint8)
    recording = replace(recording, samples=replace(recording.samples, failure=failures))
    there = through_machines(recording, np.random.default_rng(0))
    assert there.started_s == pytest.approx(ZERO_S, abs=1e-8)
    assert there.samples.ended_s[:3].tolist() == [0.2, 0.25, 0.3]
    assert there.samples.sent_s.tolist() == [0.1, 0.2, 0.15, 0.4]
    assert there.slices == recording.slices


def test_a_machine_that_is_gone_when_the_trial_is_over_has_lost_nothing() -> None:
    """Whether its clock was set meanwhile is not known any more."""
    recording = build.recording([(0.1, 0.2)], (0.0, 0.3))
    merged = merge_machines([recording] * 2, NAMES[:2], [ClockOffset(0.0, 0.1)] * 2, [None, ClockOffset(0.0, 0.1)])
    assert len(merged.samples) == 2
    assert [machine.clock_moved_s for machine in merged.machines] == [None, 0.0]


@pytest.mark.parametrize(
    ("before", "after", "moved_s"),
    [
        (ClockOffset(5.0, 0.001), ClockOffset(5.0, 0.001), 0.0),
        (ClockOffset(5.0, 0.001), ClockOffset(5.0015, 0.001), 0.0),
        (ClockOffset(5.0, 0.001), ClockOffset(5.1, 0.002), 0.097),
        (ClockOffset(5.0, 0.0), ClockOffset(-5.0, 0.0), 10.0),
    ],
)
def test_a_clock_has_moved_by_what_both_uncertainties_do_not_explain(
    before: ClockOffset, after: ClockOffset, moved_s: float
) -> None:
    assert clock_moved_s(before, after) == pytest.approx(moved_s)
    assert clock_moved_s(before, after, apart_s=20_000.0) == 0  # so long, clocks may drift
