"""A viewer of ``bench lab``: opens the page as a browser does, steers it, and reads what is seen."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from tests.e2e.harness import Harness, eventually, started

State = dict[str, Any]
ENDS_S = 20.0
"""A lab that is asked to end has so long, in seconds."""


class Viewer:
    """One viewer with a session of its own."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        assert harness.process.stdout is not None
        lines = iter(harness.process.stdout.readline, "")
        address = next(match[0] for line in lines if (match := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)))
        base = address.partition("/?")[0]
        self.http = httpx.Client(base_url=base, headers={"origin": base}, timeout=30.0, follow_redirects=True)
        assert self.http.get(address).status_code == 200
        self._stream = self.http.stream("GET", "/events")
        self._lines = self._stream.__enter__().iter_lines()
        self.hello = next(data for name, data in self._events() if name == "hello")

    def _events(self) -> Iterator[tuple[str, Any]]:
        name = "message"
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                yield name, json.loads(value)

    def state(self) -> State:
        """Return the next state."""
        found: State = next(data for name, data in self._events() if name == "state")
        return found

    def wait_for(self, true: Callable[[State], object]) -> State:
        """Return the first state of which something is true."""
        seen: list[State] = []

        def is_true() -> bool:
            seen[:] = [self.state()]
            return bool(true(seen[0]))

        assert eventually(is_true), seen
        return seen[0]

    def post(self, path: str, **data: Any) -> None:
        """Steer; whatever is refused fails the test."""
        answer = self.http.post(path, json=data)
        assert answer.is_success, answer.text

    def settles(self, **settings: Any) -> State:
        """Change settings, and return the first state in which both lanes have been measured with them."""
        if settings:
            self.post("/settings", **settings)

        def both(state: State) -> bool:
            applied = all(state["settings"][name] == value for name, value in settings.items())
            return applied and not state["applying"] and all(lane["now"]["rps"] for lane in state["lanes"].values())

        return self.wait_for(both)

    def close(self) -> None:
        """Leave."""
        self.http.close()


@contextmanager
def lab(*arguments: str) -> Iterator[Viewer]:
    """Start the lab, and watch it."""
    with started("lab", *arguments) as harness:
        viewer = Viewer(harness)
        try:
            yield viewer
        finally:
            viewer.close()
            with suppress(subprocess.TimeoutExpired):  # so that it removes its folder itself
                harness.process.terminate()
                harness.process.wait(ENDS_S)
