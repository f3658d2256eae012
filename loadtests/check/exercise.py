"""Ask the routes of an app that runs, one after another, and start it anew where one ends it.

Every wait has a limit. A route that hangs, streams for ever, refuses or ends the server costs a sentence, and the
others are asked all the same.
"""

import http.client
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from loadtests.check.asks import Answers, Ask
from loadtests.check.raw import RawRequest, read_requests
from loadtests.check.visit import Asked, CannotGoOn, Visit
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server, ServerFailed

WRITTEN_LIMIT_S = 12.0
"""How long the app's process may take to write down a request that it has answered: its background tasks come first."""
FREE_LIMIT_S = 2.0
"""How long a server that is free for the next route may take to say that there is no such path."""
FREE_PAUSES_S = (0.0, 0.3, 0.3)
"""Waits before each time that it is asked: what was given up may block a moment after it is taken up."""
NO_SUCH_PATH = "/bench-check/no-such-path"
MOST_STARTS = 3
"""Starts of a server that routes end."""


class Exerciser:
    """Asks one route after another, of a server that it starts anew if a route ends it."""

    def __init__(self, start: Callable[[], Server], folder: Path, budget_s: float) -> None:
        """Prepare.

        Args:
            start: returns a server that is ready; called again when one is gone.
            folder: where the app's process writes what it sees.
            budget_s: how long all of it may take, in seconds.
        """
        self._start = start
        self._folder = folder
        self._answers = Answers()
        self._starts = 1
        self._names = (f"r{number}" for number in itertools.count(1))
        self.server = start()
        self._deadline = time.monotonic() + budget_s

    def exercise(self, asks: Sequence[Ask], tell: Callable[[str], None]) -> Iterator[Asked]:
        """Yield what came of each ask; each has an even share of the time that is left.

        Args:
            asks: in the order in which they are sent.
            tell: called with what is asked.
        """
        for number, ask in enumerate(asks):
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                yield Asked(ask, notes=["there was no time left to test it; use a longer --budget"])
                continue
            asked = Asked(ask.with_ids(self._answers))
            tell(str(asked.ask.scenario.requests[-1]))
            try:
                Visit(self.server, asked, left_s / (len(asks) - number), self._names, self._answers).make()
            except CannotGoOn as reason:
                asked.notes.append(str(reason))
                self._free_server()
            failure = self._replace_server(asked)
            yield asked
            if failure is not None:
                raise failure

    def requests(self, wanted: Sequence[str]) -> list[RawRequest]:
        """Return what the app's process wrote of requests; waits a moment for those that are not there yet."""
        ids, deadline = set(wanted), time.monotonic() + WRITTEN_LIMIT_S
        while True:
            found = list(read_requests(self._folder))
            if ids <= {request.id for request in found} or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def _free_server(self) -> None:
        """Start a server anew if it is busy with what was given up: the next route would seem to hang."""
        for pause_s in FREE_PAUSES_S:
            time.sleep(pause_s)
            begun = time.monotonic()
            with closing(ProbeConnection(self.server.url, FREE_LIMIT_S, self.server.trust)) as connection:
                try:
                    connection.ask("GET", NO_SUCH_PATH)
                except (OSError, http.client.HTTPException):
                    if time.monotonic() - begun >= FREE_LIMIT_S:  # one that has ended refuses at once
                        self.server.stop()
                        self.server = self._start()
                    return

    def _replace_server(self, asked: Asked) -> ServerFailed | None:
        """Start a server anew if the one there was is gone; return why that can't be, None if all is well."""
        status = self.server.exit_status()
        if status is None:
            return None
        words = self.server.last_words()
        asked.notes = [f"the server exited with status {status} when it was tested" + (f": {words}" if words else "")]
        if self._starts >= MOST_STARTS:
            return ServerFailed(f"exited {self._starts} times, the last time when {asked.ask.scenario.name} was tested")
        self._starts += 1
        self.server.stop()
        try:
            self.server = self._start()
        except ServerFailed as failure:
            return failure
        return None
