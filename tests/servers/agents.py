"""Agents, and servers that are none, in the process of a test."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import Side
from loadtests.servers.agent import Agent, about
from loadtests.servers.agent_client import AgentClient
from loadtests.servers.agent_readings import AgentReadings

HOST = "127.0.0.1"
SIDE = parse_side("main:app")


@contextmanager
def agent(folder: Path, side: Side = SIDE, port: int = 0, server_port: int = 8000) -> Iterator[Agent]:
    """Run the agent of a server, which is this process."""
    observed = folder if side.server.observe == "on" else None
    with Agent(about(side, server_port, "3.11"), AgentReadings(lambda: [os.getpid()], observed), HOST, port) as started:
        yield started


def client_of(started: Agent) -> AgentClient:
    return AgentClient(f"{HOST}:{started.port}")


@contextmanager
def answering(body: Callable[[str], bytes], status: int = 200) -> Iterator[int]:
    """Run a server that is no agent; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = body(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def burn(seconds: float) -> None:
    """Use so much CPU time in this process."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
