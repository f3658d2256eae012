"""Users of a sequence log in before anything is measured, and once for each start of a server."""

import asyncio
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from loadtests.drivers.job import Group, PairingJob, Target
from loadtests.drivers.load_generator import Logins, drive
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.request import Request
from loadtests.experiment.sequence import Login
from loadtests.records.samples import Failure, Recording
from tests.drivers.serving import listening

LOGIN = Request("POST", "/login", takes=(("token", "$.token"),), once=True)
LOOK = Request("GET", "/look", (("authorization", "${token}"),))


class Doorkeeper:
    """A server at which one logs in, which takes its time, one user after another."""

    def __init__(self) -> None:
        self.logins = 0
        self.known: set[bytes] = set()
        self.seen: set[bytes] = set()
        self._busy = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                status, body = b"200 OK", b"{}"
                if head.startswith(b"POST /login"):
                    async with self._busy:
                        await asyncio.sleep(0.02)
                    self.logins += 1
                    self.known.add(b"t%d" % self.logins)
                    body = b'{"token": "t%d"}' % self.logins
                else:
                    token = head.partition(b"authorization: ")[2].split()[0]
                    self.seen.add(token)
                    status = status if token in self.known else b"401 Unauthorized"
                writer.write(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body))


def job(url: str, users: int, start: int) -> PairingJob:
    return PairingJob(
        {"a": Target(url, start=start)}, (LOGIN, LOOK), ClosedLoop(users), 0.05, 0.0, 0.0, seed=1, sequence=True
    )


async def drive_each(door: Doorkeeper, *loads: tuple[int, int], forget: bool = False) -> list[tuple[int, Recording]]:
    """Drive a job for each number of users and start; return how many had logged in by then, and what was recorded."""
    found: list[tuple[int, Recording]] = []
    logins: Logins = {}
    async with listening(door.serve) as url:
        for users, start in loads:
            recording = (await drive(job(url, users, start), logins=logins))["a"]
            found.append((door.logins, recording))
            if forget:
                door.known.clear()
    return found


@pytest.mark.parametrize(
    ("starts", "logins"),
    [((1, 1, 1), [3, 5, 5]), ((1, 2, 2), [3, 8, 8]), ((0, 0, 0), [3, 8, 12])],
    ids=["one server", "another one", "one whose rows are put back"],
)
def test_users_log_in_once_for_each_start_of_a_server(starts: tuple[int, ...], logins: list[int]) -> None:
    found = asyncio.run(drive_each(Doorkeeper(), *zip((3, 5, 4), starts, strict=True)))
    assert [count for count, _ in found] == logins
    for _, recording in found:
        assert recording.samples.failure.tolist() == [Failure.NONE] * len(recording.samples)


def test_who_warmed_up_a_server_has_logged_in_for_others() -> None:
    door = Doorkeeper()
    door.known |= {b"w1", b"w2"}

    async def measure() -> None:
        logins: Logins = {}
        warmed = tuple(Login({"token": f"w{number}"}, frozenset({1})) for number in (1, 2))
        async with listening(door.serve) as url:
            for users in (1, 5, 5):
                asked = replace(job(url, users, 1), targets={"a": Target(url, start=1, logins=warmed)})
                samples = (await drive(asked, logins=logins))["a"].samples
                assert not samples.failure.any()

    asyncio.run(measure())
    assert door.logins == 3


def test_load_generators_divide_the_logins_of_a_warm_up_among_them() -> None:
    door = Doorkeeper()
    door.known |= {b"w1", b"w2"}

    async def measure() -> list[set[bytes]]:
        seen = []
        warmed = tuple(Login({"token": f"w{number}"}, frozenset({1})) for number in (1, 2))
        async with listening(door.serve) as url:
            for number in range(2):
                asked = replace(job(url, 2, 1), targets={"a": Target(url, start=1, logins=warmed)})
                await drive(asked, Group(asyncio.sleep, number, 2), logins={})
                seen.append(set(door.seen))
                door.seen.clear()
        return seen

    assert asyncio.run(measure()) == [{b"w1"}, {b"w2"}]
    assert door.logins == 0


def test_no_login_falls_into_a_window() -> None:
    """Two answers of each user on average are soon there, from the one who was the first to log in."""
    [(_, recording)] = asyncio.run(drive_each(Doorkeeper(), (10, 1)))
    samples = recording.samples
    assert (samples.request == 0).sum() == 10
    assert samples.ended_s[samples.request == 0].max() < recording.slices[0].opened_s


def test_who_is_not_known_any_more_logs_in_again() -> None:
    (_, _), (logins, recording) = asyncio.run(drive_each(Doorkeeper(), (3, 1), (3, 1), forget=True))
    assert logins == 6
    samples = recording.samples
    refused = samples.failure == Failure.STATUS
    assert refused.sum() == 3
    assert set(samples.status[refused].tolist()) == {401}
