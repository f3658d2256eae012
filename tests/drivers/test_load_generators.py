"""Load generators that share the users of a load: what they agree on, and how their owner hears of them."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest

from loadtests.drivers.driver import receive
from loadtests.drivers.job import (
    HEARTBEAT,
    Group,
    NoHeartbeat,
    PairingJob,
    Target,
    limit_reading,
    send,
    send_heartbeats,
)
from loadtests.drivers.load_generator import drive
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.request import Request
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.errors import Interrupted
from tests.drivers.serving import until_left

Work = Callable[[Group], Coroutine[Any, Any, dict[SideLabel, Recording]]]


def together(size: int, work: Work) -> list[dict[SideLabel, Recording]]:
    """Have load generators do something, each on an event loop of its own; return what their owner receives."""

    async def alive(owner: Connection, group: Group) -> dict[SideLabel, Recording]:
        beats = asyncio.create_task(send_heartbeats(owner, asyncio.sleep))
        try:
            return await work(group)
        finally:
            beats.cancel()

    def generate(number: int, owner: Connection) -> None:
        send(owner, asyncio.run(alive(owner, Group(asyncio.sleep, number, size, owner))))

    pipes = [Pipe() for _ in range(size)]
    with ThreadPoolExecutor(size) as threads:
        ended = [threads.submit(generate, number, theirs) for number, (_, theirs) in enumerate(pipes)]
        received = receive([ours for ours, _ in pipes], 60.0)
        for each in ended:
            each.result()
    return received


def test_each_learns_what_all_have_brought_to_a_barrier_and_none_goes_on_before() -> None:
    left: dict[int, float] = {}

    async def meet(group: Group) -> dict[SideLabel, Recording]:
        for seconds in (0.0, 0.1):
            await asyncio.sleep(seconds * group.number)
            assert await group.barrier((group.number, seconds)) == [(0, seconds), (1, seconds), (2, seconds)]
        left[group.number] = time.perf_counter()
        return {}

    begun = time.perf_counter()
    assert together(3, meet) == [{}, {}, {}]
    assert min(left.values()) > begun + 0.2


class HangsUpOnNobody:
    """A server that answers who comes first, and lets all others wait; as one with a hung worker process does."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        first = self.connections == 1
        while await reader.readuntil(b"\r\n\r\n"):
            if first:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def test_a_stall_under_one_load_generator_is_a_stall_for_all() -> None:
    async def measure() -> list[dict[SideLabel, Recording]]:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the clients hang up in mid-read
        async with await asyncio.start_server(HangsUpOnNobody().serve, "127.0.0.1", 0) as server:
            target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            load, requests = ClosedLoop(5), (Request("GET", "/"),)
            job = PairingJob({"a": target}, requests, load, 0.05, 0.0, 0.0, seed=1, stall_s=0.5)
            recordings = await asyncio.to_thread(together, 2, lambda group: drive(job, group))
            await until_left()
            return recordings

    recordings = [part["a"] for part in asyncio.run(measure())]
    assert [each.stalled for each in recordings] == ["nothing was answered for 0.5 s, with 4 requests in flight"] * 2
    assert len({each.started_s for each in recordings}) == 1
    assert [len(each.samples) for each in recordings] == [3, 2]


def test_one_that_gives_no_sign_of_life_is_noticed_beside_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.drivers.driver.SILENCE_S", 0.5)
    pipes = [Pipe() for _ in range(2)]
    for _, theirs in pipes:
        theirs.send(HEARTBEAT)

    def beat() -> None:
        for _ in range(10):
            time.sleep(0.1)
            pipes[0][1].send(HEARTBEAT)

    with ThreadPoolExecutor(1) as thread:
        beating = thread.submit(beat)
        with pytest.raises(NoHeartbeat, match=r"no sign of life for 0.5 s"):
            receive([ours for ours, _ in pipes], 60.0)
        beating.result()


def test_one_that_only_gives_signs_of_life_is_overdue_at_last() -> None:
    ours, theirs = Pipe()
    for _ in range(3):
        theirs.send(HEARTBEAT)
    with pytest.raises(NoHeartbeat, match=r"gave no answer for 0.2 s"):
        receive([ours], 0.2)


def test_a_signal_while_a_pipe_is_made_ready_leaves_the_pipe_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted

    ours, theirs = Pipe()
    with ours, theirs:
        monkeypatch.setattr(socket.socket, "setsockopt", interrupted)
        with pytest.raises(Interrupted):
            limit_reading(ours)
        theirs.send("still open")
        assert ours.recv() == "still open"
