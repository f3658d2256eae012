"""A schedule is carried out as it stands, and what it finds is on disk while it goes on."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from loadtests.drivers import scheduled
from loadtests.drivers.job import PairingJob, StreamTo, Target
from loadtests.drivers.load_generator import drive
from loadtests.drivers.loops import AT_ONCE, ArrivalsTrial
from loadtests.experiment.rate_schedule import parse_schedule
from loadtests.experiment.request import Request
from loadtests.records.sample_stream import End, Reading, StreamWriter, read_about, read_stream
from loadtests.records.samples import Failure, Recording, Samples
from tests.drivers.serving import Serve, until_left

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def prompt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(ANSWER)


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        pass


def driven(path: Path, text: str, serve: Serve = prompt, pids: tuple[int, ...] = (), **job: Any) -> Recording:
    async def measure() -> Recording:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the client hangs up in mid-read
        async with await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096) as server:
            port = server.sockets[0].getsockname()[1]
            schedule = parse_schedule(text, "constant")
            stream = StreamTo(path, {"label": "a"}, 10**9)
            pairing = PairingJob(
                {"a": Target(f"http://127.0.0.1:{port}", pids)},
                (Request("GET", "/"),),
                schedule,
                schedule.seconds,
                0.0,
                0.0,
                seed=1,
                stream=stream,
                **job,
            )
            recording = (await drive(pairing))["a"]
            await until_left()
            return recording

    return asyncio.run(measure())


def joined(path: Path) -> Samples:
    parts = [frame for frame in read_stream(path) if isinstance(frame, Samples)]
    return Samples(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def test_a_ramp_sends_what_is_due_when_it_is_due(tmp_path: Path) -> None:
    path = tmp_path / "a.stream"
    recording = driven(path, "20..180/s in 1s, 50/s for 1s")
    found = joined(path)
    due = sorted(parse_schedule("20..180/s in 1s, 50/s for 1s", "constant").schedule(1))
    np.testing.assert_allclose(np.sort(found.scheduled_s), due, atol=2e-7)
    assert not found.failure.any()
    assert not len(recording.samples)
    assert recording.stalled is None
    assert recording.good_bytes[0].answers == len(due)
    assert read_about(path) == {"label": "a"}
    *_, end = read_stream(path)
    assert end == End(reached_s=2.0, stalled=None, stopped=None, abandoned=0, raw_until_s=None)
    readings = [frame for frame in read_stream(path) if isinstance(frame, Reading)]
    assert (readings[-1].sent, readings[-1].in_flight) == (len(due), 0)


def test_samples_are_on_disk_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later half of the requests is answered only when some of the earlier half are in the file."""
    monkeypatch.setattr(scheduled, "FLUSH_S", 0.05)
    path = tmp_path / "a.stream"
    asked = itertools.count()

    async def wait_for_the_file(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            if next(asked) >= 50:
                while not any(isinstance(frame, Samples) for frame in read_stream(path)):  # noqa: ASYNC110 - a file
                    await asyncio.sleep(0.01)
            writer.write(ANSWER)

    driven(path, "100/s for 1s", wait_for_the_file)
    found = joined(path)
    assert len(found) == 100
    assert not found.failure.any()


def test_no_more_is_sent_when_too_much_is_unanswered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled, "MOST_UNANSWERED", 60)
    path = tmp_path / "a.stream"
    recording = driven(path, "200/s for 30s", silent, drain_s=0.1)
    found = joined(path)
    assert 60 <= len(found) < 200
    assert set(found.failure) == {Failure.CUT_OFF}
    *_, end = read_stream(path)
    assert isinstance(end, End)
    assert end.stopped is not None
    count, _, rest = end.stopped.partition(" ")
    assert rest == "requests were unanswered, and no more were sent"
    assert 60 <= int(count) <= len(found)  # some may be on their way when that is noticed
    assert end.reached_s < 5
    assert end.abandoned == recording.abandoned == len(found)


def test_requests_that_are_overdue_are_sent_while_more_are_released() -> None:
    """A loop that never turned at a rate beyond the driver's would send nothing, and give no sign of life."""
    released: list[int] = []
    at_first: list[int] = []

    async def request(turn: int, _: float) -> None:
        at_first.append(len(released))

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        released.append(len(released))
        tasks.append(asyncio.ensure_future(work))

    tasks: list[asyncio.Future[None]] = []
    trial: Any = SimpleNamespace(
        log=SimpleNamespace(now=lambda: 100.0), _tasks=SimpleNamespace(spawn=spawn), _request=request
    )

    async def release() -> None:
        await ArrivalsTrial._release(trial, 0.0, [0.0] * 1000)
        await asyncio.gather(*tasks)

    asyncio.run(release())
    assert len(at_first) == 1000
    assert at_first[0] <= AT_ONCE


def test_a_server_that_falls_silent_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "a.stream"
    recording = driven(path, "50/s for 30s", silent, stall_s=0.2, drain_s=0.1)
    assert recording.stalled is not None
    assert "nothing was answered for 0.2 s" in recording.stalled
    *_, end = read_stream(path)
    assert isinstance(end, End)
    assert end.stalled == recording.stalled
    assert set(joined(path).failure) == {Failure.CUT_OFF}


def test_a_server_whose_process_ends_is_not_asked_for_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled, "FLUSH_S", 0.05)
    asked = itertools.count()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process:

        async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readuntil(b"\r\n\r\n"):
                if next(asked) == 20:
                    process.kill()
                    process.wait()
                writer.write(ANSWER)

        recording = driven(tmp_path / "a.stream", "50/s for 30s", dies, (process.pid,))
    assert recording.stalled == "the server's process was gone"
    *_, end = read_stream(tmp_path / "a.stream")
    assert isinstance(end, End)
    assert end.stalled == recording.stalled
    assert len(joined(tmp_path / "a.stream")) >= 20


def test_a_disk_that_is_full_ends_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scheduled, "FLUSH_S", 0.05)
    monkeypatch.setattr(StreamWriter, "write", full)
    recording = driven(tmp_path / "a.stream", "50/s for 30s")
    assert recording.stalled == "could not be measured further: no space is left for the run's folder"
    assert not [frame for frame in read_stream(tmp_path / "a.stream") if isinstance(frame, End)]
