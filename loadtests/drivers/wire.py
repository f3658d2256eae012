"""What goes over the pipe between a driver's process and its owner: jobs in, signs of life and recordings out.

Each side's recording is a message of its own, so that the owner never holds a pickled and an unpickled copy of all.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Coroutine, Mapping
from multiprocessing.connection import Connection
from typing import Final, TypeVar

from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.errors import BenchError

BEAT_S = 1.0
"""A driver that works gives a sign of life so often."""
SILENCE_S = 10.0
"""One that gives none for so long has hung, or was stopped."""

BEAT: Final = "beat"
DONE: Final = "done"

T = TypeVar("T")


class Silent(BenchError):
    """The driver does not speak, or speaks for too long; the message is what follows on "the load driver"."""


async def beating(owner: Connection, work: Coroutine[object, object, T]) -> T:
    """Do the driver's work, with signs of life that stop when its event loop does."""
    beats = asyncio.create_task(_beat(owner))
    try:
        return await work
    finally:
        beats.cancel()


async def _beat(owner: Connection) -> None:
    while True:
        owner.send(BEAT)
        await asyncio.sleep(BEAT_S)


def send(owner: Connection, recordings: Mapping[SideLabel, Recording]) -> None:
    """Hand recordings to the owner, a side at a time."""
    for label, recording in recordings.items():
        owner.send((label, recording))
    owner.send(DONE)


def limit_reading(driver: Connection) -> None:
    """Let no read wait for longer than SILENCE_S: a process that is stopped in mid-message must not stop its owner."""
    with socket.socket(fileno=driver.fileno()) as pipe:
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", round(SILENCE_S), 0))
        pipe.detach()


def receive(driver: Connection, limit_s: float) -> dict[SideLabel, Recording]:
    """Wait for all recordings of a job.

    Raises:
        Silent: no sign of life for SILENCE_S, or no end within ``limit_s``.
        EOFError, OSError: the driver is gone.
    """
    deadline = time.monotonic() + limit_s
    recordings: dict[SideLabel, Recording] = {}
    while driver.poll(min(SILENCE_S, max(0.0, deadline - time.monotonic()))):
        try:
            message = driver.recv()
        except BlockingIOError:
            break
        if message == DONE:
            return recordings
        if message != BEAT:
            label, recording = message
            recordings[label] = recording
        elif time.monotonic() > deadline:
            break
    if time.monotonic() > deadline:
        raise Silent(f"gave no answer for {limit_s:g} s")
    raise Silent(f"hung: it gave no sign of life for {SILENCE_S:g} s")
