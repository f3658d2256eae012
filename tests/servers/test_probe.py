import gzip
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import ClassVar

import pytest

from loadtests.experiment.fresh_values import Series
from loadtests.experiment.request import Request
from loadtests.experiment.values import Values, Variables
from loadtests.servers.probe import USERS, ProbeConnection, ToWarm, have_settled, shares_of, warm

asked: list[tuple[int, str, bytes]] = []
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"


@contextmanager
def trickling(at_once: bytes, then: bytes) -> Iterator[str]:
    """A server that answers with some bytes at once, and then goes on byte by byte, as long as it is listened to."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    for piece in chain([at_once], repeat(then)):
                        connection.sendall(piece)
                        time.sleep(0.01)
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("at_once", [HEAD, HEAD[:-2] + b"x-more: "])
def test_an_answer_that_trickles_in_for_ever_is_not_waited_for(at_once: bytes) -> None:
    """Neither in its body nor in its head; if it were, this test would not end."""
    with trickling(at_once, b".") as url:
        asker = ProbeConnection(url, limit_s=0.3)
        with pytest.raises((OSError, HTTPException)):
            asker.ask("GET", "/")
        asker.close()


class Counting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        asked.append((self.client_address[1], self.path, body))
        self.send_response(201)
        if self.path == "/base/chunked":
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nyes\r\n0\r\n\r\n")
        else:
            self.send_header("content-length", "3")
            self.end_headers()
            self.wfile.write(b"yes")

    def log_message(self, *_: object) -> None:
        pass


def test_requests_follow_each_other_on_one_connection() -> None:
    asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever).start()
        with closing(ProbeConnection(f"http://127.0.0.1:{server.server_address[1]}/base", limit_s=10.0)) as asker:
            for path in ("/plain", "/chunked", "/plain"):
                asker.ask("POST", path, b"body")
        server.shutdown()
    assert [(path, body) for _, path, body in asked] == [
        (path, b"body") for path in ("/base/plain", "/base/chunked", "/base/plain")
    ]
    assert len({port for port, _, _ in asked}) == 1


@pytest.mark.parametrize(
    ("rounds_s", "settled"),
    [
        ([], True),  # nothing answers; that will show where it is measured
        ([0.1], False),
        ([0.1, 0.1], False),
        ([0.1, 0.1, 0.1], True),
        ([0.4, 0.2, 0.1], False),
        ([0.4, 0.2, 0.1, 0.079], False),
        ([0.4, 0.2, 0.1, 0.081], True),
        ([0.1, 0.1, 0.3], True),  # slower is no reason to go on
        ([10.0, 0.1], False),
        ([10.0, 0.1, 0.1], True),
        ([6.0], False),
        ([6.0, 6.0], True),  # two rounds of slow answers are enough
        ([16.0, 6.0], False),
    ],
)
def test_answers_have_settled_when_they_get_no_faster(rounds_s: list[float], settled: bool) -> None:
    assert have_settled(rounds_s) is settled


def test_every_different_request_is_in_a_round_and_every_user_has_one() -> None:
    paths = [Request("GET", f"/{number}") for number in range(20)]
    shares = shares_of([*paths, *paths])
    assert sorted(request.path for share in shares for request in share) == sorted(each.path for each in paths)
    assert {len(share) for share in shares} == {2, 3}
    assert shares_of(paths[:1]) == [paths[:1]] * USERS
    assert [len(share) for share in shares_of(paths[:3])] == [2, 1, 1, 1, 1, 1, 1, 1]


def test_what_is_deleted_is_deleted_last() -> None:
    requests = (Request("DELETE", "/1"), *(Request("GET", f"/{number}") for number in range(8)))
    assert [share[-1].method for share in shares_of(requests)] == ["DELETE", *["GET"] * 7]


class Loading(BaseHTTPRequestHandler):
    """Answers; the first request for /6 takes half a second longer, and /never is never answered."""

    protocol_version = "HTTP/1.1"
    opened = threading.Event()
    closing = threading.Event()

    def do_GET(self) -> None:
        asked.append((self.client_address[1], self.path, b""))
        if self.path == "/6" and not self.opened.is_set():
            self.opened.set()
            time.sleep(0.5)
        if self.path == "/never":
            self.closing.wait()
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def loading() -> Iterator[str]:
    asked.clear()
    Loading.opened.clear()
    Loading.closing.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Loading) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        Loading.closing.set()
        server.shutdown()


def test_a_slow_first_call_of_any_path_is_over_when_the_warm_up_ends(loading: str) -> None:
    requests = [Request("GET", f"/{number}") for number in range(1, 7)]
    [found] = warm([ToWarm(loading, requests, 30.0)])
    assert found.settled
    assert found.unanswered is None
    assert found.rounds_s[0] >= 0.5 / (2 * len(requests))
    assert all(sum(path == request.path for _, path, _ in asked) >= 2 * 3 for request in requests)
    assert len({port for port, _, _ in asked}) == USERS


def test_a_server_that_does_not_answer_is_asked_no_more_and_the_other_one_is(loading: str) -> None:
    never = Request("GET", "/never")
    with trickling(HEAD, b".") as url:
        found = warm([ToWarm(each, [never], 0.3) for each in (url, loading)])
    assert [each.unanswered for each in found] == [never, never]
    assert len(asked) == USERS
    assert warm([ToWarm(loading, [Request("GET", "/1")], 30.0)])[0].unanswered is None


def test_a_server_that_can_not_be_reached_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    [found] = warm([ToWarm(f"http://127.0.0.1:{port}", [Request("GET", "/1")], 30.0)])
    assert (found.rounds_s, found.unanswered, found.settled) == ((), None, True)


def test_an_interruption_does_not_wait_for_answers(loading: str) -> None:
    """If it did, this test would take ten minutes."""

    def interrupt() -> None:
        while len(asked) < USERS:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        warm([ToWarm(loading, [Request("GET", "/never")], 600.0)])


class LoggingIn(BaseHTTPRequestHandler):
    """Gives out a token for each login, and wants it for all else."""

    protocol_version = "HTTP/1.1"
    heads: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        name = self.rfile.read(int(self.headers["content-length"]))
        asked.append((self.client_address[1], self.path, name))
        body = gzip.compress(b'{"token": "of-%s"}' % name)
        self.send_response(201)
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        asked.append((self.client_address[1], self.path, self.headers["authorization"].encode()))
        self.heads.append(str(self.headers))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def logging_in() -> Iterator[str]:
    asked.clear()
    LoggingIn.heads.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), LoggingIn) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_each_user_of_a_sequence_takes_what_he_needs_in_order(logging_in: str) -> None:
    login = Request("POST", "/login", body=b"${name}", status=None, takes=(("token", "$.token"),), once=True)
    look = Request("GET", "/${HOST}", (("authorization", "${token}"),))
    names = Values("names.csv", "", ("name",), tuple((f"user{number}",) for number in range(100)))
    variables = Variables({"HOST": "caf\u00e9"}, names)
    [found] = warm([ToWarm(logging_in, [login, look], 30.0)], sequence=True, variables=variables)
    assert found.settled
    logins: dict[int, bytes] = {}
    for port, path, what in asked:
        if path == "/login":
            assert port not in logins
            logins[port] = what
        else:
            assert (path, what) == ("/caf%C3%A9", b"of-" + logins[port])
    assert len(set(logins.values())) == USERS
    assert len({login.taken["token"] for login in found.logins}) == USERS
    assert "of-" not in repr(found)


def test_the_warm_up_sends_what_is_measured(logging_in: str) -> None:
    warm([ToWarm(logging_in, [Request("GET", "/", (("authorization", "x"), ("User-Agent", "me")))], 30.0)])
    host = logging_in.removeprefix("http://")
    expected = f"host: {host}\naccept: */*\naccept-encoding: gzip, deflate\nauthorization: x\nUser-Agent: me\n\n"
    assert {head.replace("\r\n", "\n") for head in LoggingIn.heads} == {expected}


def test_a_sequence_whose_values_can_not_be_taken_ends_its_round(loading: str) -> None:
    nothing = Request("GET", "/1", takes=(("token", "$.token"),))
    [found] = warm([ToWarm(loading, [nothing, Request("GET", "/2", (("x", "${token}"),))], 30.0)], sequence=True)
    assert found.settled
    assert found.broken_off == "GET /1 answered 200 without token=$.token"
    assert {path for _, path, _ in asked} == {"/1"}


def test_users_who_could_not_log_in_are_told_and_leave_no_login(loading: str) -> None:
    login = Request("GET", "/1", takes=(("token", "$.token"),), once=True)
    [found] = warm([ToWarm(loading, [login, Request("GET", "/2", (("x", "${token}"),))], 30.0)], sequence=True)
    assert found.broken_off == "GET /1 answered 200 without token=$.token"
    assert found.logins == ()


def test_who_has_logged_in_is_told_from_the_request_that_broke_off_behind_that(logging_in: str) -> None:
    login = Request("POST", "/login", body=b"${uuid}", status=None, takes=(("token", "$.token"),), once=True)
    look = Request("GET", "/", (("authorization", "${token}"),), takes=(("page", "header:x-page"),))
    server = ToWarm(logging_in, [login, look], 30.0, Series(number=7))
    [found] = warm([server], sequence=True, variables=Variables(built_in=frozenset({"uuid"})))
    assert found.broken_off == "GET / answered 200 without page=header:x-page"
    assert found.logins == ()  # each of them starts over, as if he were new
    names = [what for _, path, what in asked if path == "/login"]
    assert len(set(names)) == len(names) > USERS
