"""The null server's answers and the ceiling that follows from a recording, by value."""

import math
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from loadtests.records.samples import Failure
from loadtests.runner.single_server import DriverSpeed, answers_per_second, bare_s, driver_speed
from loadtests.servers.null_server import ANSWER, HEAD_ANSWER, MAX_HEAD_BYTES, REFUSAL, Answering
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from tests.made_up_samples import recording

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (GET, ANSWER),
        (HEAD, HEAD_ANSWER),
        (GET + HEAD + GET, ANSWER + HEAD_ANSWER + ANSWER),
        (POST + b"abcde" + GET, ANSWER + ANSWER),
        (POST + b"\r\n\r\nG" + GET, ANSWER + ANSWER),
        (b"", b""),
    ],
)
def test_requests_are_answered_in_order_wherever_they_are_split(sent: bytes, answers: bytes) -> None:
    for size in (1, 2, 3, 7, len(sent) or 1):
        answering = Answering()
        pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
        assert b"".join(answering.receive(piece) for piece in pieces) == answers
        assert not answering.closing


@pytest.mark.parametrize("unfinished", [GET[:-1], b"GET /", b"\r\n", POST[:-2], b"x" * MAX_HEAD_BYTES])
def test_half_a_request_is_not_answered(unfinished: bytes) -> None:
    answering = Answering()
    assert answering.receive(unfinished) == b""
    assert not answering.closing


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", ANSWER),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" + GET, ANSWER),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", REFUSAL),
        (b"x" * (MAX_HEAD_BYTES + 1), REFUSAL),
    ],
)
def test_what_ends_a_connection_is_answered_once(sent: bytes, answers: bytes) -> None:
    answering = Answering()
    assert answering.receive(sent) == answers
    assert answering.closing
    assert answering.receive(GET) == b""


def test_the_ceiling_counts_good_answers_inside_the_windows() -> None:
    spans = [(0.0, 0.5), (0.9, 1.0), (1.0, 1.5), (1.4, 2.0), (2.0, 3.5), (3.0, 3.6), (3.1, math.nan)]
    failures = [Failure.NONE] * 5 + [Failure.STATUS, Failure.CUT_OFF]
    assert answers_per_second(recording(spans, (1.0, 2.0), (3.0, 4.0), failures=failures)) == 3 / 2


@pytest.mark.parametrize(
    ("rates", "overheads_s", "speed"),
    [
        ([9000.0, 5000.0, 8000.0, 1000.0, 7000.0], [40e-6, 90e-6, 30e-6, -20e-6, 50e-6], DriverSpeed(8000.0, 40e-6)),
        ([100.0], [-3e-6], DriverSpeed(100.0, 0.0)),  # nobody is faster than the barest loop
    ],
)
def test_the_ceiling_is_the_upper_quartile_of_the_rounds_and_the_overhead_their_median(
    rates: list[float], overheads_s: list[float], speed: DriverSpeed
) -> None:
    assert driver_speed(rates, overheads_s) == speed


def test_a_null_server_that_hangs_up_is_no_reference() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.close()

        hung_up = thread.submit(hang_up)
        with pytest.raises(RunError, match="the null server gave no answer"):
            bare_s(f"http://127.0.0.1:{server.getsockname()[1]}", Cores((), ()))
        hung_up.result()


@pytest.mark.parametrize(
    ("spans", "windows", "stalled", "words"),
    [
        ([(0.0, 0.5)], [(1.0, 2.0)], None, "every request failed"),
        ([], [], None, "every request failed"),
        ([(1.0, 1.5)], [(1.0, 2.0)], "nothing was answered for 5 s", "nothing was answered for 5 s"),
    ],
)
def test_no_ceiling_without_answers(
    spans: list[tuple[float, float]], windows: list[tuple[float, float]], stalled: str | None, words: str
) -> None:
    with pytest.raises(RunError, match=words):
        answers_per_second(recording(spans, *windows, stalled=stalled))
