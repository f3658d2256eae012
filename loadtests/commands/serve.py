"""``bench serve``: one side by itself."""

import tempfile
import time
from pathlib import Path

from rich.console import Console

from loadtests.affinity import Cores
from loadtests.runner import upstream
from loadtests.servers import Server
from loadtests.sides import check_importable, parse_side

NOT_PINNED = Cores((), ())


def serve(spec: str, port: int, database_url: str) -> None:
    """Serve until interrupted; raises ServerFailed if the side does not start, or ends."""
    side = parse_side(f"{spec},port={port}")
    check_importable(side)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "serve" / "log"
        with (
            upstream(NOT_PINNED, log) as url,
            Server(side, database_url=database_url, upstream_url=url, cores=NOT_PINNED, log=log) as server,
        ):
            server.wait_until_ready()
            Console().print(
                f"{spec} at {server.url}, its slow external API at {url}; Ctrl-C ends both", highlight=False
            )
            while True:
                server.check_alive("while it served")
                time.sleep(0.2)
