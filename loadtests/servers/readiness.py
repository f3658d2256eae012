"""Whether a server is ready, and if it is not, why, and what mends that: more time seldom does."""

import http.client
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

import psutil

from loadtests.servers.probe import ProbeConnection
from loadtests.system.connections import SYSTEMS, Trust, why_not_connected

ANY_PATH = "/"
"""What is asked where no path was named: then any answer will do."""
GOOD = 400
"""A path that was named to be asked is ready when its status is lower."""
MORE_TIME = "allow more with --start-limit, or with start_limit= behind the side"
MAY_PASS = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that a server may answer with while it gets ready."""
REFUSED = frozenset({401, 403})
LOOK_S = 2.0
"""How long it may take to find out what a server speaks."""


@dataclass(frozen=True)
class NotReady:
    """What a server lacks to be ready.

    Attributes:
        why: in a few words.
        mend: what to do about it.
        for_good: whether it will be the same however often it is asked.
        is_unreachable: whether it took no connection.
        errs: whether the app itself failed, so that its log says more.
        speaks_tls: whether it speaks TLS where it is asked by plain HTTP.
    """

    why: str
    mend: str = MORE_TIME
    for_good: bool = False
    is_unreachable: bool = False
    errs: bool = False
    speaks_tls: bool = False

    def __str__(self) -> str:
        return f"{self.why}; {self.mend}" if self.mend else self.why


def why_not_ready(url: str, path: str, limit_s: float, trust: Trust = SYSTEMS) -> NotReady | None:
    """Ask a server once; return what it lacks, or None if it is ready.

    Args:
        url: its base URL, without a trailing slash.
        path: what is asked. Of ANY_PATH any answer will do, of another one any whose status is below GOOD.
        limit_s: how long the answer may take, in seconds.
        trust: which certificates are trusted, if it is an https URL.
    """
    base = urlsplit(url).path
    try:
        with closing(ProbeConnection(url, limit_s, trust)) as connection:
            if path == ANY_PATH:
                connection.ask("HEAD", "" if base else path)
                return None
            status = connection.ask("GET", path)
    except (OSError, http.client.HTTPException) as error:
        return _of_error(urlsplit(url), f"HEAD {base or path}" if path == ANY_PATH else path, error)
    return None if status < GOOD else _of_status(path, status)


def _of_error(url: SplitResult, asked: str, error: Exception) -> NotReady:
    """Return what a server lacks that gave no answer."""
    why = why_not_connected(error) if isinstance(error, OSError) else f"{type(error).__name__} {error}".strip()
    mend, for_good, is_unreachable, speaks = MORE_TIME, False, False, False
    match error:
        case ssl.SSLCertVerificationError():
            mend, for_good = "", True
        case ssl.SSLError() if _speaks_http(url):
            why, mend, for_good = "it speaks plain HTTP, and is asked by TLS", "write http://", True
        case ssl.SSLError():
            pass
        case socket.gaierror():
            why, mend, for_good = f"there is no host {url.hostname}", "correct the side's URL", True
        case TimeoutError():
            why = f"it gave no answer to {asked}"
            mend = f"name a path that it answers at once, as in ready=/health, or {MORE_TIME}"
        case ConnectionRefusedError():
            is_unreachable = True
        case _ if url.scheme == "http" and _speaks_tls(url):
            why, mend, for_good, speaks = "it speaks TLS, and is asked by plain HTTP", "write https://", True, True
        case _:
            why = f"its answer to {asked} is no HTTP: {why}"
    return NotReady(why, mend, for_good, is_unreachable, speaks_tls=speaks)


def _of_status(path: str, status: int) -> NotReady:
    """Return what a server lacks that answers with an error where it is asked whether it is ready."""
    said = f"{path} answers {status}"
    if status in {each.value for each in HTTPStatus}:
        said += f" {HTTPStatus(status).phrase}"
    if status in MAY_PASS:
        return NotReady(said)
    if status in REFUSED:
        return NotReady(said, "name a path with ready= that needs no credentials")
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotReady(said, "name a path with ready= that answers a GET, or leave ready out")
    return NotReady(said, "mend that, or name another path with ready=", errs=True)


def _speaks_http(url: SplitResult) -> bool:
    """Whether plain HTTP is spoken where a URL says TLS."""
    try:
        with closing(http.client.HTTPConnection(str(url.hostname), url.port or 443, timeout=LOOK_S)) as connection:
            connection.request("HEAD", url.path or "/")
            connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    return True


def _speaks_tls(url: SplitResult) -> bool:
    """Whether TLS is spoken where a URL says plain HTTP."""
    try:
        with (
            socket.create_connection((str(url.hostname), url.port or 80), LOOK_S) as connection,
            Trust(insecure=True).context().wrap_socket(connection, server_hostname=url.hostname),
        ):
            return True
    except OSError:
        return False


def listens_elsewhere(family: Sequence[psutil.Process], url: str) -> str | None:
    """Say where processes listen that take no connection at a URL, and the mend; None if nowhere, or not known.

    Args:
        family: the processes of one server.
        url: where it is asked, with a port.
    """
    asked = urlsplit(url)
    port = asked.port
    found: dict[tuple[str, int], None] = {}
    for process in family:
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue
        listening = [each.laddr for each in connections if each.status == psutil.CONN_LISTEN and each.laddr]
        found |= dict.fromkeys((address.ip, address.port) for address in listening)
    if not found:
        return None
    places = ", ".join(f"[{ip}]:{at}" if ":" in ip else f"{ip}:{at}" for ip, at in found)
    if any(at == port for _, at in found):
        return f"it listens at {places}, and is asked at {asked.hostname}; have it listen there, or at 0.0.0.0"
    mend = "write {port} where its command says the port, or name that one with port="
    return f"it listens at {places}, not at the port {port} that it was given; {mend}"
