"""The load process on an event loop of the test's own, against servers that answer after a known wait."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from loadtests.experiment.request import Request
from loadtests.experiment.sides import SideLabel
from loadtests.lab.lane_users import Counter
from loadtests.lab.load_process import serve
from loadtests.lab.messages import Asked, Load, Report

WAIT_S = 0.02
LIMIT_S = 30.0
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Slow:
    """A server that answers each request after a wait, at first WAIT_S, unless it hangs."""

    def __init__(self) -> None:
        self.asked = 0
        self.wait_s = WAIT_S
        self.connections: set[asyncio.Task[None] | None] = set()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                await asyncio.sleep(self.wait_s)
                await self.goes_on.wait()
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Lab:
    """Two servers and a load process, with what it has reported."""

    def __init__(self, servers: dict[SideLabel, Slow], asked: dict[SideLabel, Asked], owner: Connection) -> None:
        self.servers = servers
        self.asked = asked
        self._owner = owner
        self.load = Load(1, 5, WAIT_S, asked)

    def tell(self, load: Load) -> None:
        self.load = load
        self._owner.send(load)

    async def reports(self, until: Callable[[list[Report]], bool]) -> list[Report]:
        """Return the reports from now on until something is true of them."""
        found: list[Report] = []
        async with asyncio.timeout(LIMIT_S):
            while not until(found):
                await asyncio.sleep(0.02)
                while self._owner.poll():
                    found.append(self._owner.recv())
        return found


@asynccontextmanager
async def lab() -> AsyncIterator[Lab]:
    servers: dict[SideLabel, Slow] = {"a": Slow(), "b": Slow()}
    listening = [await asyncio.start_server(server, "127.0.0.1", 0) for server in servers.values()]
    asked: dict[SideLabel, Asked] = {
        label: Asked(
            start=1,
            base_url=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}",
            pids=(),
            requests=(Request("GET", "/", contains=b"ok"),),
        )
        for label, listener in zip(servers, listening, strict=True)
    }
    owner, theirs = Pipe()
    running = asyncio.create_task(serve(theirs))
    try:
        yield Lab(servers, asked, owner)
    finally:
        owner.close()
        async with asyncio.timeout(LIMIT_S):
            await running
        theirs.close()
        for server, listener in zip(servers.values(), listening, strict=True):
            server.goes_on.set()
            listener.close()
            await asyncio.gather(*filter(None, server.connections))
        await asyncio.sleep(0)


def windows(reports: list[Report], label: SideLabel) -> float:
    return sum(report.window_s for report in reports if report.lane == label)


def test_lanes_take_turns_and_what_came_in_windows_is_counted() -> None:
    async def scenario() -> None:
        async with lab() as found:
            found.tell(found.load)
            reports = await found.reports(lambda seen: windows(seen, "a") > 0.5 and windows(seen, "b") > 0.5)
            order = list(dict.fromkeys((each.turn, each.lane) for each in reports if each.lane))
            lanes = [lane for _, lane in order]
            assert lanes == [("a", "b")[number % 2] for number in range(len(lanes))]
            for label in ("a", "b"):
                mine = [each for each in reports if each.lane == label]
                answers = sum(each.answers for each in mine)
                assert 0 < answers <= 5 / WAIT_S * windows(reports, label) * 1.2 + 5
                assert sum(sum(each.counts.values()) for each in mine) == answers
            assert all(each.lanes[label].in_flight <= 5 for each in reports for label in each.lanes)
            assert {each.undrained for each in reports} == {0}

    asyncio.run(scenario())


def test_a_change_applies_at_once_and_figures_say_to_which_load_they_belong() -> None:
    async def scenario() -> None:
        async with lab() as found:
            found.tell(found.load)
            await found.reports(lambda seen: windows(seen, "a") > 0)
            found.tell(replace(found.load, epoch=2, users=9))
            reports = await found.reports(lambda seen: bool(seen) and seen[-1].epoch == 2 and seen[-1].answers > 0)
            whose = reports[-1].lane
            assert whose is not None
            assert reports[-1].lanes[whose].in_flight == 9

    asyncio.run(scenario())


def test_answers_to_an_earlier_load_do_not_settle_a_slower_one() -> None:
    """Else the window opens at once, and is over before the first answer: a lane that answers nothing."""

    async def scenario() -> None:
        async with lab() as found:
            found.tell(found.load)
            await found.reports(lambda seen: windows(seen, "a") > 0)
            for server in found.servers.values():
                server.wait_s = 0.5
            found.tell(replace(found.load, epoch=2))

            def of_first_turn(reports: list[Report]) -> list[Report]:
                measured = [each for each in reports if each.epoch == 2 and each.window_s > 0]
                return [each for each in measured if each.turn == measured[0].turn]

            reports = await found.reports(
                lambda seen: bool(of_first_turn(seen)) and seen[-1].turn > of_first_turn(seen)[0].turn
            )
            assert sum(each.answers for each in of_first_turn(reports)) >= 5

    asyncio.run(scenario())


def test_what_was_asked_before_a_turn_says_nothing_of_its_response_times() -> None:
    log = Counter()
    before = log.send(0)
    log.begin_turn()
    log.end(before, log.now())
    assert log.turn_answers == 0
    log.end(log.send(0), log.now())
    assert log.turn_answers == 1


def test_a_server_that_hangs_does_not_take_the_turns_of_the_other() -> None:
    async def scenario() -> None:
        async with lab() as found:
            found.servers["a"].goes_on.clear()
            found.tell(found.load)
            reports = await found.reports(lambda seen: windows(seen, "b") > 0.9)
            assert reports[-1].lanes["a"].in_flight == 5
            assert reports[-1].lanes["a"].silent_s > 1.0
            assert reports[-1].undrained == 5
            assert not windows(reports, "a")
            found.servers["a"].goes_on.set()
            await found.reports(lambda seen: windows(seen, "a") > 0)

    asyncio.run(scenario())


def test_a_lane_without_a_server_has_no_turn_and_one_that_comes_back_is_new() -> None:
    async def scenario() -> None:
        async with lab() as found:
            found.tell(replace(found.load, lanes={"b": found.asked["b"]}))
            reports = await found.reports(lambda seen: windows(seen, "b") > 0.3)
            assert {each.lane for each in reports if each.window_s} == {"b"}
            assert found.servers["a"].asked == 0
            found.tell(replace(found.load, lanes={**found.asked, "b": replace(found.asked["b"], start=2)}))
            await found.reports(lambda seen: windows(seen, "a") > 0 and windows(seen, "b") > 0)

    asyncio.run(scenario())


def test_a_pause_sends_nothing() -> None:
    async def scenario() -> None:
        async with lab() as found:
            found.tell(found.load)
            await found.reports(lambda seen: windows(seen, "a") > 0)
            found.tell(replace(found.load, epoch=2, paused=True))
            await found.reports(lambda seen: bool(seen) and seen[-1].phase == "idle" and seen[-1].epoch == 2)
            asked = sum(server.asked for server in found.servers.values())
            reports = await found.reports(lambda seen: len(seen) >= 4)
            assert sum(server.asked for server in found.servers.values()) == asked
            assert {each.lane for each in reports} == {None}

    asyncio.run(scenario())


@pytest.mark.parametrize("contains", [b"nope"])
def test_answers_that_are_not_good_are_errors_with_an_example(contains: bytes) -> None:
    async def scenario() -> None:
        async with lab() as found:
            request = Request("GET", "/", contains=contains)
            lanes: dict[SideLabel, Asked] = {
                label: replace(each, requests=(request,)) for label, each in found.asked.items()
            }
            found.tell(replace(found.load, lanes=lanes))
            reports = await found.reports(lambda seen: sum(each.errors for each in seen) > 0)
            assert sum(each.answers for each in reports) == 0
            assert any("does not hold “nope”" in each.example for each in reports)

    asyncio.run(scenario())
