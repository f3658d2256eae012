"""The other service that the made-up apps ask: it waits as long as it is told to, and says so."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit


class Upstream(ThreadingHTTPServer):
    request_queue_size = 256


class Waiting(BaseHTTPRequestHandler):
    """Answers any path after `?wait_ms=`; without it, at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        wait_ms = float(parse_qs(url.query).get("wait_ms", ["0"])[0])
        time.sleep(wait_ms / 1000)
        body = json.dumps({"path": url.path, "waited_ms": wait_ms}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def upstream() -> Iterator[dict[str, str]]:
    """Serve on a free port, and lend the variables with which an app finds it."""
    with Upstream(("127.0.0.1", 0), Waiting) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="upstream", daemon=True)
        thread.start()
        try:
            # Without the second one, a proxy of the machine that the tests run on would be asked.
            yield {"UPSTREAM_URL": f"http://127.0.0.1:{server.server_port}", "NO_PROXY": "127.0.0.1"}
        finally:
            server.shutdown()
            thread.join()
