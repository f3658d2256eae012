"""Sides that are asked by https: whose certificates are trusted, by all that asks them, and what is said if none is."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.experiment.request import Request
from loadtests.experiment.side_parser import parse_side
from loadtests.runner.run import check_certificates
from loadtests.runner.single_server import target
from loadtests.servers.probe import ProbeConnection, ToWarm, warm
from loadtests.servers.server import Server, ServerFailed
from loadtests.system.connections import SYSTEMS, Trust
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError

VERIFY_FAILED = r"certificate verify failed: self.signed certificate; trust it \(SSL_CERT_FILE=cert.pem, or bench run"


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    def handle_error(self, *_: object) -> None:
        pass


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url(certificate: Path) -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with Quiet(("127.0.0.1", 0), Answering) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever).start()
        yield f"https://localhost:{server.server_address[1]}"
        server.shutdown()


def server_at(url: str, folder: Path, trust: Trust = SYSTEMS) -> Server:
    return Server(
        parse_side(url), database_url="", upstream_url="", cores=Cores((), ()), log=folder / "log", trust=trust
    )


def test_a_certificate_that_is_not_trusted_is_told_at_once(url: str, tmp_path: Path) -> None:
    """If it were asked again and again, this test would take an hour."""
    with server_at(url, tmp_path) as server, pytest.raises(ServerFailed, match=VERIFY_FAILED):
        server.wait_until_ready(limit_s=3600.0)


@pytest.mark.parametrize("how", ["environment", "file", "any"])
def test_all_that_asks_a_side_trusts_what_the_user_does(
    how: str, url: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(certificate / "cert.pem")
    if how == "environment":
        monkeypatch.setenv("SSL_CERT_FILE", file)
    trust = {"file": Trust(file), "any": Trust(insecure=True)}.get(how, SYSTEMS)
    check_certificates(trust, parse_side(url))
    with server_at(url, tmp_path, trust) as server:
        server.wait_until_ready(limit_s=10.0)
        assert target(server).trust == trust
    [warmed] = warm([ToWarm(url, [Request("GET", "/")], 10.0)], trust=trust)
    assert warmed.rounds_s
    with closing(ProbeConnection(url, 10.0, trust)) as connection:
        connection.ask("GET", "/")


def test_a_run_does_not_begin_with_a_certificate_that_is_not_trusted(url: str) -> None:
    with pytest.raises(UsageError, match=f"side '{url}': {VERIFY_FAILED}"):
        check_certificates(SYSTEMS, parse_side("http://127.0.0.1:9"), parse_side(url))


def test_whether_a_side_is_there_is_not_asked_before_the_run() -> None:
    check_certificates(SYSTEMS, parse_side("https://127.0.0.1:9"), parse_side("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("content", "why"), [(None, "can't be read \\(No such file"), (b"no certificate\n", "holds no certificate in PEM")]
)
def test_a_file_that_holds_no_certificate_is_named(content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=f"--cafile .*cert.pem: {why}"):
        check_certificates(Trust(str(file)), parse_side("https://127.0.0.1:9"))
