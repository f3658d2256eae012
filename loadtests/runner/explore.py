"""Ask both sides what their OpenAPI documents allow, and hand on how they answer.

The same requests go to both, one after another. Where the answers differ both are asked once more, so that what changes
from a side's first answer to its second is no difference.
"""

import contextlib
import http.client
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from loadtests.experiment.curl_text import curl_text
from loadtests.experiment.exploration import Exploration
from loadtests.experiment.message import Message, filled
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Scenario
from loadtests.records.answer_differences import CompareAnswers, Difference, WholeAnswer
from loadtests.runner.explored_requests import ExploredRequest, documents_of, request_of, shared_headers, think
from loadtests.runner.same_answers import Explored, whole_answer
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server

ANSWER_S: Final = 5.0
"""A route that takes longer is not asked again: there are others."""
MOST_KINDS = 12
"""Kinds of differences that are shown, and routes that fail on both sides."""
_INDEX = re.compile(r"\[\d+\]")


def explore(
    exploration: Exploration,
    servers: Sequence[Server],
    compare: CompareAnswers,
    *,
    scenarios: Sequence[Scenario],
    work: Path,
) -> Explored:
    """Explore both sides.

    Args:
        exploration: how far.
        servers: of both sides, a first.
        compare: says what a difference is.
        scenarios: what else they are asked; headers that all their requests have go with these, too.
        work: a folder for what the thinking needs.

    Raises:
        UsageError: no side has an OpenAPI document.
        RunError: no requests could be thought of in time.
    """
    deadline = time.monotonic() + exploration.seconds
    documents = documents_of(exploration, servers)
    cases, left_out = think(exploration, documents, work, deadline)
    headers, environment = shared_headers(scenarios)
    requests = [ExploredRequest(case["route"], request_of(case, headers)) for case in cases]
    asking = _Asking(servers, compare, environment)
    asked = 0
    for each in requests:
        if time.monotonic() >= deadline or asking.ended:
            break
        asking.ask(each)
        asked += 1
    asking.close()
    routes = len({each.route for each in requests})
    reading = "" if exploration.writes else ", of those that only read (--explore-writes asks all)"
    said = [f"explored {asked:,} requests of {routes} route{'s' if routes != 1 else ''}{reading}"]
    if asked < len(requests) and not asking.ended:
        said[0] += f"; {len(requests) - asked:,} more did not fit into {exploration.seconds:g} s (--explore-time)"
    said += asking.sentences()
    said += [f"not explored: {reason}" for reason in left_out[:MOST_KINDS]]
    return Explored(asking.differences(), said)


class _Asking:
    """Asks both sides one request after another, and remembers what came of it.

    Attributes:
        ended: a sentence if a side's server has ended; empty if it has not.
    """

    def __init__(self, servers: Sequence[Server], compare: CompareAnswers, environment: Mapping[str, str]) -> None:
        self._servers = servers
        self._compare = compare
        self._environment = environment
        self._connections = [ProbeConnection(server.url, ANSWER_S, server.trust) for server in servers]
        first = servers[0]
        self._origin = f"http://127.0.0.1:8000{urlsplit(first.url).path}" if first.side.url is None else first.url
        self.ended = ""
        self._slow: set[str] = set()
        self._differing: dict[tuple[str, str], list[tuple[Request, list[Difference]]]] = {}
        self._failing: dict[tuple[str, int, int], list[tuple[Request, str]]] = {}

    def ask(self, explored: ExploredRequest) -> None:
        """Ask both sides a request, unless its route takes too long."""
        if explored.route in self._slow:
            return
        try:
            answers = [[self._answer(which, explored.request)] for which in range(len(self._servers))]
            if found := self._compared(explored.request, answers):
                for which, side in enumerate(answers):
                    side.append(self._answer(which, explored.request))
                found = self._compared(explored.request, answers)
        except TimeoutError:
            self._slow.add(explored.route)
            return
        a, b = (side[-1].status for side in answers)
        if found:
            what = f"status {a} {b}" if found[0].what == "status" else _INDEX.sub("[]", found[0].what)
            self._differing.setdefault((explored.route, what), []).append((explored.request, found))
        elif a >= HTTPStatus.INTERNAL_SERVER_ERROR and b >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._note_failure((explored.route, a, b), explored.request)

    def _note_failure(self, kind: tuple[str, int, int], request: Request) -> None:
        """Remember a request that fails on both sides; of the first one of a kind, what is logged of it."""
        log = ""
        if kind not in self._failing:
            with contextlib.suppress(TimeoutError):
                log = self._answer(0, request).log  # a server logs an exception when the answer is on its way
        self._failing.setdefault(kind, []).append((request, log))

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def differences(self) -> list[Difference]:
        """Return the differences, of each kind those of the shortest request."""
        return list(self._differences())

    def sentences(self) -> Iterator[str]:
        """Yield what else is to be said."""
        if (left := len(self._differing) - MOST_KINDS) > 0:
            yield f"{left} more kinds of differences are not shown"
        if self.ended:
            yield self.ended
        for (route, a, b), found in list(self._failing.items())[:MOST_KINDS]:
            request, _ = min(found, key=lambda each: len(self._curl(each[0])))
            log = found[0][1]
            statuses = str(a) if a == b else f"{a} and {b}"
            times = f", {len(found)} times" if len(found) > 1 else ""
            why = f" ({log})" if log else ""
            yield f"both sides fail: {route} answers {statuses}{times}{why}: {self._curl(request)}"
        for route in sorted(self._slow)[:MOST_KINDS]:
            yield f"not explored further: {route} took more than {ANSWER_S:g} s"

    def _differences(self) -> Iterator[Difference]:
        for found in list(self._differing.values())[:MOST_KINDS]:
            request, differences = min(found, key=lambda each: len(self._curl(each[0])))
            more = f" (and {len(found) - 1} more like it)" if len(found) > 1 else ""
            for each in differences:
                shown = {
                    label: server.without_secrets(getattr(each, label))
                    for label, server in zip("ab", self._servers, strict=True)
                }
                yield each.model_copy(update={**shown, "request": f"{request}{more}", "curl": self._curl(request)})

    def _compared(self, request: Request, answers: Sequence[Sequence[WholeAnswer]]) -> list[Difference]:
        """Return how answers differ; how many statements they took does not matter where nothing is measured."""
        a, b = answers
        return [each for each in self._compare(str(request), a, b) if each.stops]

    def _curl(self, request: Request) -> str:
        return curl_text(request, self._origin)

    def _answer(self, which: int, request: Request) -> WholeAnswer:
        """Return what a side answers, as status 0 that it gave none; raises TimeoutError if it takes too long."""
        connection = self._connections[which]
        message = Message(urlsplit(self._servers[which].url), filled(request, self._environment))
        message.keeps_body = message.keeps_headers = True
        reason = ""
        for _ in range(2 if message.idempotent else 1):  # an idle connection may have been closed in the meantime
            sent = time.monotonic()
            try:
                return whole_answer(connection.exchange(message), self._servers[which])
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if time.monotonic() - sent >= ANSWER_S:
                    raise TimeoutError from None
                reason = str(error) or type(error).__name__
        if self._servers[which].exit_status() is not None:
            self.ended = f"{self._servers[which].side.spec} has ended; the last request was {self._curl(request)}"
        return WholeAnswer(0, body=f"no answer: {reason}".encode())
