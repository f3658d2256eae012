"""The real command, and the null server over raw sockets."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtests.servers.auxiliary import AuxiliaryServer
from loadtests.servers.null_server import ANSWER, HEAD_ANSWER, REFUSAL
from tests.e2e.harness import bench, bench_here

LIMIT_S = 20.0
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"
NAMES = (
    "cores", "governor", "load", "steal", "noise", "open files", "clock", "versions", "tools", "driver ceiling",
    "free ports", "results", "database", "postgres",
)  # fmt: skip


@pytest.mark.slow
def test_the_doctor_looks_at_everything_and_says_so_by_its_exit_status() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and is no PostgreSQL
        port = silent.getsockname()[1]
        status, output, errors = bench("doctor", f"--database=postgresql://127.0.0.1:{port}/blog")
    for name in NAMES:
        assert f"\n{name} " in f"\n{output}"
    [postgres] = [line for line in output.splitlines() if line.startswith("postgres")]
    assert "attention" in postgres
    assert "does not answer as PostgreSQL" in postgres
    [ceiling] = [line for line in output.splitlines() if line.startswith("driver ceiling")]
    assert "requests/s" in ceiling
    assert status == 1
    assert "attention" in errors
    assert len(errors.splitlines()) == 1


def test_a_url_that_is_not_understood_is_wrong_usage() -> None:
    status, output, errors = bench_here("doctor", "--database=mysql://db/x")
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert "write postgresql://" in errors


@pytest.fixture(scope="module")
def null_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    log = tmp_path_factory.mktemp("null_server") / "log"
    with AuxiliaryServer("loadtests.servers.null_server", "the null server", (), log) as server:
        parts = urlsplit(server.url)
        yield str(parts.hostname), int(parts.port or 0)


@pytest.fixture
def connection(null_server: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(null_server, timeout=LIMIT_S) as connected:
        yield connected


def received(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (piece := connection.recv(65_536)):
        got += piece
    return got


def test_one_connection_serves_request_after_request(connection: socket.socket) -> None:
    for request, answer in ((GET, ANSWER), (HEAD, HEAD_ANSWER), (GET, ANSWER)):
        connection.sendall(request)
        assert received(connection, len(answer)) == answer


def test_pipelined_requests_are_answered_in_their_order(connection: socket.socket) -> None:
    connection.sendall((GET + HEAD) * 500)
    expected = (ANSWER + HEAD_ANSWER) * 500
    assert received(connection, len(expected)) == expected


def test_a_request_in_pieces_is_answered_when_it_is_whole(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in GET + HEAD:
        connection.sendall(bytes([byte]))
    expected = ANSWER + HEAD_ANSWER
    assert received(connection, len(expected)) == expected


def test_what_it_does_not_read_ends_the_connection(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    assert received(connection, 10_000) == REFUSAL


def test_a_companion_that_dies_is_replaced_on_the_same_port(tmp_path: Path) -> None:
    with AuxiliaryServer("loadtests.servers.null_server", "the null server", (), tmp_path / "log") as server:
        url, before = server.url, repr(server)
        server._child.stop(grace_s=0)
        assert "running" in before
        assert "exit status" in repr(server)
        server.restart()
        assert (server.alive, server.url) == (True, url)
