"""Nobody is still on the way in when a closed loop's first window opens."""

import asyncio
import time

from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.load_generator import drive
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.request import Request
from loadtests.records.samples import Recording
from tests.drivers.serving import until_left

USERS = 20


class SlowDoor:
    """A server that lets one connection in at a time, and then answers at once: as a busy event loop does."""

    def __init__(self) -> None:
        self.came_s: list[float] = []
        self._door = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._door:
            await asyncio.sleep(0.02)
            self.came_s.append(time.perf_counter())
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def test_no_window_opens_before_every_user_has_a_connection() -> None:
    """Two answers a user on average are soon there, from the few who were let in first."""

    async def measure() -> tuple[SlowDoor, Recording]:
        door = SlowDoor()
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the client hangs up in mid-read
        async with await asyncio.start_server(door.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            target = Target(f"http://127.0.0.1:{port}")
            job = PairingJob({"a": target}, (Request("GET", "/"),), ClosedLoop(USERS), 0.05, 0.0, 0.0, seed=1)
            recording = (await drive(job))["a"]
            await until_left()
            return door, recording

    door, recording = asyncio.run(measure())
    assert len(door.came_s) == USERS
    assert max(door.came_s) < recording.started_s + recording.slices[0].opened_s
