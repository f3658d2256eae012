"""What of the Locust driver can be told without importing Locust, which would replace sockets and threads."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from loadtests.drivers.job import PairingJob
from loadtests.drivers.locust import board, merge
from loadtests.drivers.locust.board import NOBODY, ROWS, Board
from loadtests.drivers.locust.orders import users_of
from loadtests.drivers.locust.shares import shares
from loadtests.experiment.catalogue import CATALOGUE, PITFALLS, everything
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.options import check_driver, parse_scenario
from loadtests.records.samples import Failure
from loadtests.system.errors import UsageError
from tests import made_up_samples as build

MIX = {"reader": 6, "api_client": 3, "writer": 1}
CUT_OFF = (0.5, float("nan"))


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        (1, {"reader": 1}),
        (2, {"reader": 1, "api_client": 1}),
        (10, MIX),
        (16, {"reader": 10, "api_client": 5, "writer": 1}),
    ],
)
def test_users_are_divided_by_weight_and_none_is_lost(users: int, expected: dict[str, int]) -> None:
    assert shares(MIX, users) == expected


def test_samples_of_several_processes_come_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    files = [tmp_path / "one.npz", tmp_path / "two.npz"]
    good, cut = [Failure.NONE] * 2, [Failure.NONE, Failure.CUT_OFF]
    merge.write(files[0], {"a": build.samples([(0.0, 0.3), CUT_OFF], cut), "b": build.samples([])})
    merge.write(files[1], {"a": build.samples([(0.1, 0.2), (0.2, 0.4)], good), "b": build.samples([])})
    merged = merge.take(files, "a")
    assert merged.sent_s.tolist() == [0.1, 0.0, 0.2, 0.5]
    assert np.isnan(merged.ended_s[-1])
    assert merged.failure.tolist() == [Failure.NONE] * 3 + [Failure.CUT_OFF]
    assert merged.status.dtype == np.uint16
    assert len(merge.take(files, "b")) == 0
    merge.remove(files)
    assert list(tmp_path.iterdir()) == []


def test_the_board_shows_each_side_what_its_own_users_do(tmp_path: Path) -> None:
    board.lay_out(tmp_path / "board")
    conductor, player = Board(tmp_path / "board"), Board(tmp_path / "board")
    conductor.clear()
    assert player.turn == NOBODY
    conductor.give_turn(1)
    assert player.turn == 1
    for row in (0, ROWS, ROWS + 1):
        player.come(row)
        player.send(row, now=10.0 + row)
    assert (conductor.users(0), conductor.users(1)) == (1, 2)
    assert conductor.in_flight(1) == 2
    assert conductor.in_flight(1, sent_before=10.0 + ROWS) == 1
    player.answer(ROWS, took_s=0.25)
    player.take_back(ROWS + 1)
    assert (conductor.in_flight(0), conductor.in_flight(1)) == (1, 0)
    assert (conductor.answers(0), conductor.answers(1)) == (0, 1)
    assert (conductor.slowest_s(0), conductor.slowest_s(1)) == (0.0, 0.25)
    conductor.clear()
    assert (conductor.users(1), conductor.answers(1), conductor.in_flight(0), player.turn) == (0, 0, 0, NOBODY)


def test_journeys_are_for_locust_and_open_loops_are_not() -> None:
    journey, plain = parse_scenario("reader[think_ms=200]"), parse_scenario("noop")
    assert journey.journeys is not None
    assert journey.journeys.think_s == 0.2
    assert journey.wait_s == pytest.approx(0.3)  # the longest think time
    check_driver("locust", 2, [journey, plain], [ClosedLoop(1)])
    check_driver("httpx", 0, [plain], [OpenLoop(100)])
    with pytest.raises(UsageError, match="add --driver locust"):
        check_driver("httpx", 0, [journey], [ClosedLoop(1)])
    with pytest.raises(UsageError, match="--users instead of --rate"):
        check_driver("locust", 0, [plain], [OpenLoop(100)])
    with pytest.raises(ValueError, match="closed loop"):
        users_of(PairingJob({}, (), OpenLoop(100), 0.1, 0.2, 0.0, 0))


def test_a_full_run_takes_what_its_driver_can_drive() -> None:
    journeys = {"reader", "writer", "api_client", "visitors"}
    assert set(CATALOGUE) - set(everything("httpx")) == {*journeys, *PITFALLS}
    assert set(CATALOGUE) - set(everything("locust")) == set(PITFALLS)


def test_the_catalogues_mix_is_the_locustfiles() -> None:
    code = "from loadtests import locustfile as f; print(f.Reader.weight, f.ApiClient.weight, f.Writer.weight)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    mix = CATALOGUE["visitors"].journeys
    assert mix is not None
    assert said.stdout.split() == [str(mix[name]) for name in ("reader", "api_client", "writer")]


FAILURES = {
    "None": Failure.NONE,
    "WrongStatus('status 500 instead of 200')": Failure.STATUS,
    "LocustBadStatusCode('/', code=500)": Failure.STATUS,
    "WrongBody('no card in the answer')": Failure.BODY,
    "ConnectionRefusedError(111, 'refused')": Failure.CONNECT,
    "RetriesExceeded('/', 0, original=OSError(113, 'no route to host'))": Failure.CONNECT,
    "ConnectionResetError(104, 'reset')": Failure.DISCONNECT,
    "HTTPConnectionClosed('closed')": Failure.DISCONNECT,
    "UnicodeDecodeError('utf-8', b'', 0, 1, 'no text')": Failure.DISCONNECT,
}


def test_failures_have_the_names_they_have_with_the_other_driver() -> None:
    code = (
        "from geventhttpclient.response import HTTPConnectionClosed\n"
        "from geventhttpclient.useragent import RetriesExceeded\n"
        "from locust.contrib.fasthttp import LocustBadStatusCode\n"
        "from loadtests.drivers.locust.failures import why\n"
        "from loadtests.locustfile import WrongBody, WrongStatus\n"
        f"print(*(why(error).name for error in [{', '.join(FAILURES)}]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.split() == [failure.name for failure in FAILURES.values()]


def test_an_invited_user_sends_one_request_and_waits_for_the_others(tmp_path: Path) -> None:
    board.lay_out(tmp_path / "board")
    conductor, player = Board(tmp_path / "board"), Board(tmp_path / "board")
    conductor.clear()
    conductor.invite(1)
    first, second, other_side = ROWS, ROWS + 1, 0
    assert player.may_send(first)
    assert player.may_send(second)
    assert not player.may_send(other_side)
    player.answer(first, 0.1)
    assert not player.may_send(first)
    assert conductor.arrived(1) == 1
    conductor.give_turn(1)
    assert player.may_send(first)
