"""The agent of `bench serve --agent`: it tells a run on another machine what a server uses there. It takes no commands.

``GET /`` says who it is, ``/clock`` what time it has, ``/readings`` and ``/observations`` what was read between the
instants ``since`` and ``until``. All that it tells is numbers, but for the names in ``About``.
"""

import json
import math
import re
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from loadtests.experiment.blog import BUILDS
from loadtests.experiment.credentials import names_a_secret
from loadtests.experiment.sides import ServerSettings, Side
from loadtests.servers.agent_messages import MOST_SPAN_S, NAME, PROTOCOL, About, Clock, Message, Observations, Readings
from loadtests.servers.agent_readings import AgentReadings
from loadtests.system.errors import UsageError
from loadtests.system.machine import read_processor, read_system, usable_cores
from loadtests.system.processes import Stoppable

MOST_CONNECTIONS = 8
"""At a time; more are closed at once."""
IDLE_S = 30.0
"""A connection without a request is closed after so long."""
POLL_S = 0.1
"""It is looked so often whether the agent is to end."""
_HARMLESS = re.compile(r"[\w.:-]*")


class _BadRequest(Exception):
    """What was asked can't be answered; as text, why."""


class Agent(Stoppable):
    """Answers between start and ``stop``, in threads; a context manager that owns them."""

    def __init__(self, about: About, readings: AgentReadings, host: str, port: int) -> None:
        """Begin to listen and to read.

        Args:
            about: what it tells of itself.
            readings: what it tells of the server.
            host: the address that it listens at.
            port: the port there; 0 for any.

        Raises:
            UsageError: the port is taken.
        """
        self.readings = readings
        self._answers: dict[str, Callable[[dict[str, list[str]]], Message]] = {
            "/": lambda _: about,
            "/clock": lambda _: Clock(clock_s=time.perf_counter()),
            "/readings": self._read,
            "/observations": self._observe,
        }
        try:
            self._server = _Server((host, port), self.answer)
        except OSError as error:
            raise UsageError(f"--agent {port}: it can't listen there ({error.strerror}); name another port") from None
        self.port = self._server.server_address[1]
        readings.start()
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="agent", daemon=True).start()

    def stop(self) -> None:
        """Answer and read no more."""
        self._server.shutdown()
        self._server.server_close()
        self.readings.stop()

    def answer(self, target: str) -> tuple[HTTPStatus, bytes]:
        """Return what is answered to a GET: a status, and a body in JSON.

        Args:
            target: path and query.
        """
        parts = urlsplit(target)
        if (find := self._answers.get(parts.path)) is None:
            return HTTPStatus.NOT_FOUND, _error(f"there is no {parts.path[:40]}; ask for {', '.join(self._answers)}")
        try:
            return HTTPStatus.OK, find(parse_qs(parts.query)).model_dump_json().encode()
        except _BadRequest as error:
            return HTTPStatus.BAD_REQUEST, _error(str(error))

    def _read(self, query: dict[str, list[str]]) -> Message:
        cpu, sizes = self.readings.between(*_span(query))
        return Readings.model_construct(clock_s=time.perf_counter(), cpu=cpu, sizes=sizes)

    def _observe(self, query: dict[str, list[str]]) -> Message:
        processes = self.readings.observations(*_span(query))
        return Observations.model_construct(clock_s=time.perf_counter(), processes=processes)


def about(side: Side, port: int, python: str | None) -> About:
    """Return what an agent tells of itself.

    Args:
        side: that is served.
        port: where it listens.
        python: version of its interpreter; None if that is not known.
    """
    return About(
        agent=NAME,
        protocol=PROTOCOL,
        side=told_of(side),
        port=port,
        workers=None if side.launch.command is not None else side.server.workers,
        observes=side.starts_uvicorn and side.server.observe == "on",
        python=python,
        cpu=read_processor(),
        cores=usable_cores(),
        system=read_system(),
        started_s=time.perf_counter(),
    )


def told_of(side: Side) -> str:
    """Return a side as anybody may know it: its app, the server's settings, and the blog's that are plain words.

    Variables, files, folders and commands are left out: a secret may be in them.
    """
    names = {app: name for name, app in BUILDS.items()}
    name = names.get(side.app or "", side.app) if side.launch.command is None else None
    server = side.server.model_dump(include=side.server.model_fields_set & ServerSettings.model_fields.keys())
    given = {key: str(value) for key, value in server.items() if value is not None and key != "port"}
    given |= {key: value for key, value in side.knobs if not names_a_secret(key) and _HARMLESS.fullmatch(value)}
    return ",".join([name or "a command", *(f"{key}={value}" for key, value in given.items())])


def _span(query: dict[str, list[str]]) -> tuple[float, float]:
    """Return the instants that are asked for; raises _BadRequest if they are none, or too far apart."""
    try:
        since_s, until_s = (float(query[name][0]) for name in ("since", "until"))
    except (KeyError, ValueError):
        raise _BadRequest("write since=SECONDS and until=SECONDS, as /clock has them") from None
    if not (math.isfinite(since_s) and math.isfinite(until_s) and 0 <= until_s - since_s <= MOST_SPAN_S):
        raise _BadRequest(f"until must be at or after since, by no more than {MOST_SPAN_S:g} seconds")
    return since_s, until_s


def _error(detail: str) -> bytes:
    return json.dumps({"detail": detail}).encode()


class _Server(ThreadingHTTPServer):
    """Takes only so many connections at a time, and says nothing of what goes wrong with one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], answer: Callable[[str], tuple[HTTPStatus, bytes]]) -> None:
        self.answer = answer
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Answer in a thread, if there is one left."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Answer until the connection ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is none of the user's business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "bench"
    sys_version = ""
    timeout = IDLE_S
    disable_nagle_algorithm = True
    wbufsize = -1
    """Head and body go out in one packet."""
    server: _Server

    def do_GET(self) -> None:
        """Answer in JSON."""
        status, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Log nothing."""
