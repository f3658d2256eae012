"""Arrivals of an open loop are sent, however late the driver comes to it."""

import asyncio
import time

import numpy as np

from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.load_generator import drive
from loadtests.drivers.loops import LEAD_IN_S
from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.request import Request
from loadtests.records.samples import Recording
from tests.drivers.serving import listening

RATE, SLICE_S = 100, 0.4
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        writer.write(ANSWER)
    writer.close()


async def _paused_over_the_windows_end(load: OpenLoop) -> Recording:
    """Drive one slice on a machine that stands still from the middle of its window until after its end."""
    async with listening(_serve) as url:
        job = PairingJob({"a": Target(url)}, (Request("GET", "/"),), load, SLICE_S, 0.0, 0.0, 0)
        driving = asyncio.create_task(drive(job))
        await asyncio.sleep(LEAD_IN_S + SLICE_S / 2)
        time.sleep(SLICE_S)  # noqa: ASYNC251 - nothing else runs meanwhile
        return (await driving)["a"]


def test_what_was_due_while_the_machine_stood_still_is_sent_and_counts() -> None:
    """Left out, the pause would not show in any response time."""
    recording = asyncio.run(_paused_over_the_windows_end(OpenLoop(RATE, "constant")))
    (turn,) = recording.slices
    due = recording.samples.scheduled_s
    inside = (due >= turn.opened_s) & (due < turn.closed_s)
    assert abs(int(np.count_nonzero(inside)) - RATE * SLICE_S) <= 1
    took_s = (recording.samples.ended_s - due)[inside]
    assert not recording.samples.failure.any()
    assert float(took_s.max()) > SLICE_S / 4
