"""How routes are asked, of a server of the test's own that takes the place of an app."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from loadtests.check import cpu_costs, exercise, visit
from loadtests.check.asks import Ask
from loadtests.check.exercise import Exerciser
from loadtests.check.visit import HEADER, Asked
from loadtests.experiment.request import Request
from loadtests.experiment.request_options import custom_scenario
from loadtests.servers.server import Server, ServerFailed
from loadtests.system.connections import SYSTEMS


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen: ClassVar[Counter[str]] = Counter()
    ended = False
    busy = False

    def do_GET(self) -> None:
        looks = self.headers.get(HEADER, "plain:").partition(":")[0]
        self.seen[f"{self.path} {looks}"] += 1
        if self.path == "/endless":
            self._stream()
        elif self.busy:
            time.sleep(0.5)
            self.close_connection = True
        elif self.path == "/blocks-afterwards":
            self._answer()
            type(self).busy = True
        elif self.path == "/slow":
            time.sleep(0.1)
            self._answer()
        elif self.path == "/hangs-up":
            self.close_connection = True
        elif self.path == "/ends":
            type(self).ended = True
            self.close_connection = True
        else:
            self._answer()

    do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        statuses = {"/private": 401, "/bug": 500, "/bug-that-closes": 500}
        self.close_connection = self.close_connection or self.path == "/bug-that-closes"
        body = b'[{"id": 7}]' if self.path == "/orders" else b"{}"
        self.close_connection = self.path == "/bug"  # unannounced, as uvicorn does after an exception
        self.send_response(statuses.get(self.path, 200))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1\r\nx\r\n")
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Standing:
    """What an Exerciser needs of a Server."""

    trust = SYSTEMS
    pids: tuple[int, ...] = ()

    def __init__(self, url: str) -> None:
        self.url = url
        Answering.ended = Answering.busy = False

    def exit_status(self) -> int | None:
        return 3 if Answering.ended else None

    def last_words(self) -> str:
        return "no memory left"

    def last_exception(self) -> str:
        return "ZeroDivisionError: division by zero"

    def stop(self) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Answering.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(path: str, method: str = "GET", **others: Any) -> Ask:
    return Ask((0,), custom_scenario((Request(method, path, status=None),)), **others)


def asked(url: str, tmp_path: Path, *asks: Ask, budget_s: float = 30.0) -> list[Asked]:
    exerciser = Exerciser(lambda: cast("Server", Standing(url)), tmp_path, budget_s)
    return list(exerciser.exercise(asks, lambda _: None))


def test_a_route_is_warmed_up_timed_traced_and_put_under_a_small_load(url: str, tmp_path: Path) -> None:
    (found,) = asked(url, tmp_path, ask("/orders"))
    assert found.notes == []
    load = Answering.seen.pop("/orders plain") - visit.WARM_UP
    assert load % (visit.LOADS * visit.USERS) == 0  # more of them where answers are quick
    assert load > 0
    assert Answering.seen == {
        "/orders time": visit.TIMED + visit.AT_ONCE * visit.ROUNDS_AT_ONCE,
        "/orders trace": visit.TRACED,
    }
    ids = [each.id for each in found.sent if each.id]
    assert len(ids) == len(set(ids))
    assert {each.status for each in found.sent} == {200}
    assert len(found.cpu_s) == visit.LOADS


def test_a_slow_route_is_asked_less_and_by_one_user_alone(url: str, tmp_path: Path) -> None:
    (found,) = asked(url, tmp_path, ask("/slow"), budget_s=0.3)
    assert Answering.seen == {"/slow plain": 1, "/slow time": visit.LEAST, "/slow trace": 1}
    assert not any(each.at_once for each in found.sent)


def test_what_can_be_done_once_is_looked_at_the_first_time(url: str, tmp_path: Path) -> None:
    asked(url, tmp_path, ask("/orders/7", "DELETE"))
    assert set(Answering.seen) == {"/orders/7 time", "/orders/7 trace"}


def test_a_route_that_refuses_is_asked_a_few_times_alone(url: str, tmp_path: Path) -> None:
    (found,) = asked(url, tmp_path, ask("/private"))
    assert {each.status for each in found.sent} == {401}
    assert len(found.sent) == visit.WARM_UP + 2


def test_a_failure_is_told_with_what_the_server_logged(url: str, tmp_path: Path) -> None:
    (found,) = asked(url, tmp_path, ask("/bug"))
    assert found.notes == []
    assert {each.status for each in found.sent} == {500}
    assert found.exception == "ZeroDivisionError: division by zero"


def test_a_failure_after_which_the_server_closes_without_a_word_is_a_failure_all_the_same(
    url: str, tmp_path: Path
) -> None:
    (found,) = asked(url, tmp_path, ask("/bug-that-closes"))
    assert {each.status for each in found.sent} == {500}
    assert found.notes == []


def test_a_stream_without_an_end_is_left_and_the_next_route_is_asked(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "ANSWER_LIMIT_S", 0.2)
    endless, orders = asked(url, tmp_path, ask("/endless"), ask("/orders"))
    assert endless.notes == ["no whole answer within 0.2 s: it hangs, or it streams endlessly"]
    assert orders.notes == []


def test_what_blocks_after_its_answer_is_told_and_is_not_the_fault_of_the_next_route(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "ANSWER_LIMIT_S", 0.2)
    monkeypatch.setattr(exercise, "FREE_LIMIT_S", 0.2)
    monkeypatch.setattr(exercise, "FREE_PAUSES_S", (0.0, 0.0))
    blocking, orders = asked(url, tmp_path, ask("/blocks-afterwards"), ask("/orders"))
    assert blocking.notes[0].startswith("it answers, but then no whole answer within 0.2 s")
    assert orders.notes == []


def test_a_connection_that_breaks_is_told(url: str, tmp_path: Path) -> None:
    (found,) = asked(url, tmp_path, ask("/hangs-up"))
    assert found.notes[0].startswith("the connection broke: ")


def test_a_server_that_a_route_ends_is_started_again_some_times(url: str, tmp_path: Path) -> None:
    starts: list[str] = []

    def start() -> Server:
        starts.append(url)
        return cast("Server", Standing(url))

    exerciser = Exerciser(start, tmp_path, 30.0)
    found = list(exerciser.exercise([ask("/ends"), ask("/orders")], lambda _: None))
    assert len(starts) == 2
    assert found[0].notes == ["the server exited with status 3 when it was tested: no memory left"]
    assert found[1].notes == []
    kept: list[Asked] = []

    def exercise_all() -> None:
        for each in exerciser.exercise([ask("/ends"), ask("/ends"), ask("/ends")], lambda _: None):
            kept.append(each)  # noqa: PERF402 - what came before the failure

    with pytest.raises(ServerFailed, match="exited 3 times"):
        exercise_all()
    assert [each.notes for each in kept] == [found[0].notes] * 2


def test_when_time_is_up_the_rest_is_not_asked(url: str, tmp_path: Path) -> None:
    (found,) = asked(url, tmp_path, ask("/orders"), budget_s=0.0)
    assert found.sent == []
    assert "--budget" in found.notes[0]


def test_ids_are_taken_from_what_a_list_answered(url: str, tmp_path: Path) -> None:
    guess = ask("/orders/1", template="/orders/{number}", values={"number": "1"}, guessed=frozenset({"number"}))
    _, found = asked(url, tmp_path, ask("/orders"), guess)
    assert found.ask.scenario.requests[0].path == "/orders/7"
    assert not found.ask.guessed
    assert "/orders/7 time" in Answering.seen


def test_a_busy_server_is_compared_with_one_that_was_asleep_on_the_cheapest_route(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked(url, tmp_path, ask("/orders"), ask("/private"))
    clock = iter(float(number) for number in range(10_000))
    monkeypatch.setattr(cpu_costs, "read_cpu", lambda _: next(clock))
    monkeypatch.setattr(cpu_costs, "QUICK_S", 60.0)  # on a busy machine answers take longer
    server = cast("Server", Standing(url))
    found[0].cpu_s[:] = [0.4, 0.4, 0.4]
    Answering.seen.clear()
    assert cpu_costs.busy_share(server, found) == pytest.approx(0.4)
    assert Answering.seen == {"/orders plain": cpu_costs.REQUESTS}
    found[0].cpu_s[:] = [7.0]
    assert cpu_costs.busy_share(server, found) == 1.0
    assert cpu_costs.busy_share(server, found[1:]) == 1.0
