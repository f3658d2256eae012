"""Why no connection can be had, in words; and which certificates are trusted."""

import errno
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.system.connections import Trust, why_not_connected, why_not_trusted


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ECONNREFUSED, "connection refused"),
        (errno.EMFILE, "too many open files (raise `ulimit -n`)"),
        (errno.EADDRNOTAVAIL, "no free local port (fewer users, or a wider net.ipv4.ip_local_port_range)"),
        (errno.EHOSTUNREACH, "no route to the host"),
        (errno.EACCES, "permission denied"),  # in the system's words, where there are no others
    ],
)
def test_the_systems_errors_are_told_in_words(number: int, words: str) -> None:
    assert why_not_connected(OSError(number, os.strerror(number))) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name not found"),
        (OSError("it has no address"), "it has no address"),
        (ConnectionAbortedError(), "no connection"),
    ],
)
def test_errors_without_a_number_are_told_too(error: OSError, words: str) -> None:
    assert why_not_connected(error) == words


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """A server that does nothing but shake hands, in TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as shaken:
                    shaken.recv(1)
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def shake_hands(trust: Trust, port: int, name: str = "localhost") -> None:
    with socket.create_connection(("127.0.0.1", port)) as plain:
        trust.context().wrap_socket(plain, server_hostname=name).close()


def test_a_certificate_that_nobody_has_signed_is_told_with_the_mend(port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        shake_hands(Trust(), port)
    words = why_not_trusted(refused.value)
    assert words.replace("self signed", "self-signed") == (
        "certificate verify failed: self-signed certificate; trust it (SSL_CERT_FILE=cert.pem, or bench run --cafile"
        " cert.pem), or any (--insecure)"
    )
    assert why_not_connected(refused.value) == words


def test_a_certificate_for_another_name_is_not_mended_by_trusting_it(certificate: Path, port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        shake_hands(Trust(str(certificate / "cert.pem")), port, "elsewhere.example")
    words = why_not_trusted(refused.value)
    assert "ostname mismatch" in words
    assert "ask at the name it is for" in words
    assert "--cafile" not in words


def test_a_file_of_certificates_is_trusted(certificate: Path, port: int) -> None:
    shake_hands(Trust(str(certificate / "cert.pem")), port)


def test_the_environments_certificates_are_trusted(
    certificate: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    shake_hands(Trust(), port)


def test_any_certificate_is_trusted_on_demand_whoever_it_is_for(port: int) -> None:
    shake_hands(Trust(insecure=True), port, "elsewhere.example")


def test_what_speaks_no_tls_is_told_from_what_is_not_trusted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ssl.SSLError) as refused:
            shake_hands(Trust(), server.getsockname()[1])
        thread.join()
    assert why_not_connected(refused.value).startswith("no TLS: ")
