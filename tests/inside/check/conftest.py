"""Apps that are looked into in this process: a request with the header is sent, and what is written about it read."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from loadtests.inside.check.app import WRITTEN_AFTER_S, CheckedApp, Watch

HERE = Path(__file__).parent


@dataclass
class Answer:
    """What an app has answered to one request, and what is written about it."""

    status: int
    body: bytes
    error: BaseException | None
    line: dict[str, Any]

    def parts(self, place: str) -> list[tuple[str, str]]:
        """Return name and thread of the parts of one kind, without the module."""
        return [
            (each["name"].rpartition(".")[2], each["runs_on"]) for each in self.line["parts"] if each["place"] == place
        ]

    @property
    def hops(self) -> list[tuple[str, str]]:
        return [(each["place"], each["name"].rpartition(".")[2]) for each in self.line["hops"]]

    def slowest_site(self, on: str = "loop") -> dict[str, Any]:
        sites = [each for each in self.line["sites"] if each["on"] == on]
        return dict(max(sites, key=lambda each: each["wait_s"]))


@dataclass
class Looking:
    """Looks into an app of a test; ``folder`` is what passes for the app's own."""

    folder: Path
    own: Path = HERE
    apps: list[CheckedApp] = field(default_factory=list)

    def wrap(self, app: Any) -> CheckedApp:
        watch = Watch()
        watch.folder = str(self.own)
        self.apps.append(CheckedApp(app, app, str(self.folder), watch))
        return self.apps[-1]

    def ask(
        self, app: Any, *requests: str, kind: str = "time", body: bytes = b"", together: bool = False
    ) -> list[Answer]:
        """Send requests, as ``GET /path``, one after another or all at the same time."""
        checked = self.wrap(app)

        async def ask_all() -> list[tuple[int, bytes, BaseException | None]]:
            async with living(checked):
                names = [f"{kind}:{number}" for number in range(len(requests))]
                calls = [send(checked, each, name, body) for each, name in zip(requests, names, strict=True)]
                answers = await asyncio.gather(*calls) if together else [await each for each in calls]
                await asyncio.sleep(3 * WRITTEN_AFTER_S)
                return list(answers)

        answers = asyncio.run(ask_all())
        lines = self.lines()
        return [Answer(*answer, lines[str(number)]) for number, answer in enumerate(answers)]

    def lines(self) -> dict[str, dict[str, Any]]:
        """Return what is written about requests, by their names."""
        written = [text for path in self.folder.glob("requests-*.jsonl") for text in path.read_text().splitlines()]
        return {line["id"]: line for line in map(json.loads, written)}

    def routes(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "routes.json").read_text()))


class living:  # noqa: N801 - used as a function
    """Sends an app the messages of its lifespan, as a server does."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> None:
        await self._told.put({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._task = asyncio.ensure_future(self._app(scope, self._told.get, self._said.put))
        said = asyncio.ensure_future(self._said.get())
        await asyncio.wait([self._task, said], return_when=asyncio.FIRST_COMPLETED)
        said.cancel()

    async def __aexit__(self, *_: object) -> None:
        await self._told.put({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=5)


async def send(app: Any, request: str, name: str | None, body: bytes) -> tuple[int, bytes, BaseException | None]:
    """Send one request as a server does; return status, body, and what the app has raised."""
    method, _, path = request.partition(" ")
    path, _, query = path.partition("?")
    headers = [(b"host", b"test"), (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if name is not None:
        headers.append((b"x-bench-check", name.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "state": {},
    }
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    ended = asyncio.Event()

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def take(message: Message) -> None:
        sent.append(message)

    error: BaseException | None = None
    try:
        await app(scope, receive, take)
    except Exception as raised:
        error = raised
    ended.set()
    status = next((each["status"] for each in sent if each["type"] == "http.response.start"), 0)
    return status, b"".join(each.get("body", b"") for each in sent), error


@pytest.fixture
def looking(tmp_path: Path) -> Iterator[Looking]:
    made = Looking(tmp_path)
    yield made
    for each in reversed(made.apps):
        each.undo()


@pytest.fixture
def line_of() -> Callable[[str], int]:
    """Return the number of the line of a test's module that ends with a comment."""

    def find(comment: str) -> int:
        for path in sorted(HERE.glob("test_*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if line.endswith(f"  # {comment}"):
                    return number
        raise AssertionError(comment)

    return find
