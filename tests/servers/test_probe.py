import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat

import pytest

from loadtests.servers.probe import ProbeConnection

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
