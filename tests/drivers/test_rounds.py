"""How a pairing goes on after its first round: planned from that, or from the plan alone."""

import asyncio

import pytest

from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.load_generator import drive
from loadtests.drivers.phases import Rounds, rounds_of_closed_loop, rounds_of_open_loop
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.plan import default_timing
from loadtests.experiment.request import Request
from loadtests.records.samples import Recording
from tests.drivers.serving import until_left


@pytest.mark.parametrize(
    ("pairing_s", "took_s", "windows_s", "lead_in_s", "expected"),
    [
        (4.0, 0.28, [0.1, 0.1], 0.03, Rounds(13, 0.103)),  # a fast route: as many short turns as fit
        (4.0, 1.0, [0.1, 0.1], 0.3, Rounds(2, 0.35)),  # settling takes long: windows as long as that, and a little more
        (4.0, 3.9, [0.1, 0.1], 0.3, Rounds(0)),  # nothing fits any more
        (0.8, 1.2, [0.1, 0.1], 0.3, Rounds(0)),  # it took longer than it should have
        (4.0, 1.0, [0.4], 0.3, Rounds(3, 0.4)),  # a side alone
        (4.0, 5.0, [], 0.0, Rounds(0)),  # none came to its end
    ],
)
def test_what_fits_after_the_first_round(
    pairing_s: float, took_s: float, windows_s: list[float], lead_in_s: float, expected: Rounds
) -> None:
    found = rounds_of_closed_loop(pairing_s, took_s, windows_s, lead_in_s)
    assert found.rounds == expected.rounds
    assert found.window_s == (None if expected.window_s is None else pytest.approx(expected.window_s, abs=0.001))


def test_further_rounds_fill_the_time_that_is_left() -> None:
    planned = rounds_of_closed_loop(4.0, 1.0, [0.1, 0.2], 0.25)
    assert planned.window_s is not None
    assert planned.rounds * (1.0 - 0.3 + 2 * planned.window_s) == pytest.approx(3.0)


@pytest.mark.parametrize(("rate", "slices"), [(10, 10), (100, 5), (1000, 2)])
def test_an_open_loop_has_the_turns_that_its_design_has(rate: float, slices: int) -> None:
    load = OpenLoop(rate)
    timing = default_timing([load], 1)
    assert rounds_of_open_loop(timing.pairing_s, timing.slice_s) == Rounds(slices - 1)


class Slow:
    """A server that takes its time."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(self._wait_s)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def measured(load: Load, wait_s: float, slice_s: float, pairing_s: float) -> Recording:
    async def measure() -> Recording:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the client hangs up in mid-read
        async with await asyncio.start_server(Slow(wait_s).serve, "127.0.0.1", 0) as server:
            target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            job = PairingJob({"a": target}, (Request("GET", "/"),), load, slice_s, pairing_s, wait_s, seed=1)
            recording = (await drive(job))["a"]
            await until_left()
            return recording

    return asyncio.run(measure())


@pytest.mark.quiet
def test_all_windows_after_the_first_are_meant_to_be_alike() -> None:
    recording = measured(ClosedLoop(4), 0.02, 0.05, 3.0)
    _, *further = [turn.closed_s - turn.opened_s for turn in recording.slices]
    assert further
    assert max(further) < 1.5 * min(further)


@pytest.mark.slow
def test_a_slow_side_of_an_open_loop_is_asked_as_often_as_a_fast_one() -> None:
    for wait_s in (0.0, 0.3):
        recording = measured(OpenLoop(20.0, "constant"), wait_s, 0.2, 2 * 2 * 0.8)
        assert len(recording.slices) == 2


def test_a_pairing_ends_when_no_side_can_take_a_turn() -> None:
    """It must not spin: its owner would take it for hung."""
    target = Target("http://127.0.0.1:9", (2**22 + 1,))  # no such process
    job = PairingJob({"a": target}, (Request("GET", "/"),), OpenLoop(5.0), 0.1, 60.0, 0.0, seed=1, stall_s=1.0)
    recording = asyncio.run(asyncio.wait_for(drive(job), 30))["a"]
    assert recording.stalled is not None
    assert len(recording.slices) == 0
