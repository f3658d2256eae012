"""What a server lacks to be ready, and what mends it, where more time does not."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.servers.readiness import MORE_TIME, NotReady, listens_elsewhere, why_not_ready
from loadtests.servers.server import EVERY_ADDRESS, Server, ServerFailed, how_it_ended
from loadtests.system.connections import Trust
from loadtests.system.cores import Cores
from loadtests.system.resources import free_port

LIMIT_S = 10.0


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that its path ends with."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[-3:]) if self.path[-3:].isdigit() else 404)
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - its name is HTTP's

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - so it is called
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients break off handshakes here."""


@contextmanager
def served(certificate: Path | None = None) -> Iterator[str]:
    with Quiet(("127.0.0.1", 0), Answering) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    with served() as where:
        yield where


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", None),  # any answer will do
        ("/307", None),
        ("/401", "/401 answers 401 Unauthorized; name a path with ready= that needs no credentials"),
        ("/404", "/404 answers 404 Not Found; name a path with ready= that answers a GET, or leave ready out"),
        ("/500", "/500 answers 500 Internal Server Error; mend that, or name another path with ready="),
        ("/503", f"/503 answers 503 Service Unavailable; {MORE_TIME}"),
        ("/599", "/599 answers 599; mend that, or name another path with ready="),
    ],
)
def test_a_path_that_answers_with_an_error_is_named_and_more_time_only_where_that_may_help(
    plain: str, path: str, said: str | None
) -> None:
    found = why_not_ready(f"http://{plain}", path, LIMIT_S)
    assert (found and str(found)) == said
    assert found is None or not found.for_good


def test_tls_where_http_is_asked_is_told_at_once(certificate: Path) -> None:
    with served(certificate) as where:
        found = why_not_ready(f"http://{where}", "/", LIMIT_S)
    assert found == NotReady("it speaks TLS, and is asked by plain HTTP", "write https://", True, speaks_tls=True)


def test_plain_http_where_tls_is_asked_is_told_at_once(plain: str) -> None:
    found = why_not_ready(f"https://{plain}", "/", LIMIT_S, Trust(insecure=True))
    assert found == NotReady("it speaks plain HTTP, and is asked by TLS", "write http://", True)


def test_a_host_that_there_is_not_is_told_at_once() -> None:
    found = why_not_ready("http://no-such-host.invalid:8000", "/", LIMIT_S)
    assert found == NotReady("there is no host no-such-host.invalid", "correct the side's URL", True)


def test_a_server_that_takes_connections_and_answers_nothing_has_another_path_perhaps() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = why_not_ready(f"http://127.0.0.1:{silent.getsockname()[1]}", "/", 0.1)
    mend = f"name a path that it answers at once, as in ready=/health, or {MORE_TIME}"
    assert found == NotReady("it gave no answer to HEAD /", mend)


def test_what_is_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"220 mail.example.com\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        found = why_not_ready(f"http://127.0.0.1:{server.getsockname()[1]}", "/", LIMIT_S)
        thread.join()
    assert found is not None
    assert found.why.startswith("its answer to HEAD / is no HTTP: BadStatusLine")


def test_where_a_server_listens_instead_is_told() -> None:
    own = [psutil.Process()]
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        port = elsewhere.getsockname()[1]
        said = listens_elsewhere(own, "http://127.0.0.1:1")
        assert said is not None
        assert f"127.0.0.1:{port}" in said
        assert ", not at the port 1 that it was given; write {port}" in said
        said = listens_elsewhere(own, f"http://127.0.0.1:{port}")
        assert said is not None
        assert said.endswith(", and is asked at 127.0.0.1; have it listen there, or at 0.0.0.0")
    assert listens_elsewhere([], "http://127.0.0.1:1") is None


def server(text: str, folder: Path, host: str = "127.0.0.1") -> Server:
    cores = Cores((), ())
    return Server(parse_side(text), database_url="", upstream_url="", cores=cores, log=folder / "log", host=host)


@pytest.mark.parametrize("host", [EVERY_ADDRESS, "localhost"])
def test_a_server_is_asked_where_it_listens(tmp_path: Path, host: str) -> None:
    with server("command='{python} -m http.server --bind {host} {port}'", tmp_path, host) as started:
        started.wait_until_ready()
        assert urlsplit(started.url).hostname == ("127.0.0.1" if host == EVERY_ADDRESS else host)


def test_a_command_that_listens_at_another_port_is_told_which(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    text = f"command='{{python}} -m http.server --bind 127.0.0.1 {other}',port={port},start_limit=2"
    with server(text, tmp_path) as started, pytest.raises(ServerFailed) as error:
        started.wait_until_ready()
    assert str(error.value) == (
        f"did not become ready within 2 s: it listens at 127.0.0.1:{other}, not at the port {port} that it was given; "
        "write {port} where its command says the port, or name that one with port="
    )


def test_a_command_that_goes_into_the_background_is_told_to_stay(tmp_path: Path) -> None:
    text = "command='{python} -c pass {port}'"
    with server(text, tmp_path) as started, pytest.raises(ServerFailed) as error:
        started.wait_until_ready()
    assert str(error.value).startswith("exited with status 0 before it was ready; its command has to last as long")


def test_a_server_that_runs_nowhere_is_to_be_started(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with server(url, tmp_path) as absent, pytest.raises(ServerFailed) as error:
        absent.wait_until_ready(limit_s=0.1)
    assert str(error.value) == (
        "did not become ready within 0.1 s (connection refused); start the server, or correct the URL"
    )


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "exited with status 0"),
        (3, "exited with status 3"),
        (137, "was killed (SIGKILL), as by a system that has no memory left,"),
        (-9, "was killed (SIGKILL), as by a system that has no memory left,"),
        (139, "was ended by SIGSEGV"),
        (255, "exited with status 255"),
    ],
)
def test_how_a_process_ended_is_said_with_the_signals_name(status: int, said: str) -> None:
    assert how_it_ended(status) == said
