"""Asks the agent of a server for its clock and its figures; every wait and every answer has a limit."""

import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlencode

import numpy as np
from pydantic import BaseModel, ValidationError

from loadtests.records.samples import Rows
from loadtests.servers.agent_messages import (
    KEPT_S,
    MOST_SPAN_S,
    NAME,
    PROTOCOL,
    About,
    Clock,
    CpuReading,
    Observations,
    Protocol,
    Readings,
    SizeReading,
)
from loadtests.system.clock_offset import ClockOffset, Ping, clock_offset
from loadtests.system.connections import why_not_connected

LIMIT_S = 2.0
"""An answer may take so long, and so may a connection."""
MOST_BYTES = 2**25
LEAST_PINGS, ENOUGH_PINGS, MOST_PINGS = 3, 8, 50
GOOD_ROUND_TRIP_S = 0.001
"""When enough pings have been sent, and the shortest round trip is no longer, no more are sent."""
PINGS_S = 0.4
"""Nor are they after so long."""
OLDEST_S = KEPT_S + MOST_SPAN_S
"""Nothing is asked for that is older: an agent keeps less."""

Answer = TypeVar("Answer", bound=BaseModel)


class NoAgent(Exception):
    """An agent could not be asked; as text, what follows on "its agent".

    Attributes:
        mend: what to do about it.
    """

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.mend = mend


class AgentClient:
    """Asks one agent; a connection lasts as long as ``connected``."""

    def __init__(self, address: str) -> None:
        """Prepare.

        Args:
            address: host and port of the agent.
        """
        self.address = address
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._connection: http.client.HTTPConnection | None = None

    def __repr__(self) -> str:
        return f"<AgentClient {self.address}>"

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keep a connection until the end of the block; raises NoAgent."""
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=LIMIT_S)
        try:
            try:
                self._connection.connect()
            except OSError as error:
                raise self._unreachable(error) from None
            yield
        finally:
            self._connection.close()
            self._connection = None

    def about(self) -> About:
        """Return what it tells of itself; raises NoAgent if it is none, or speaks another protocol."""
        content = self._get("/")
        told = self._parsed(Protocol, content)
        if told.protocol != PROTOCOL:
            raise NoAgent(
                f"at {self.address} speaks protocol {told.protocol}, and this bench protocol {PROTOCOL}",
                "use the same version of bench on both machines",
            )
        return self._parsed(About, content)

    def clock_offset(self) -> ClockOffset:
        """Return how far this machine's monotonic clock is ahead of the agent's; raises NoAgent."""
        pings: list[Ping] = []
        deadline_s = time.perf_counter() + PINGS_S
        while not _enough(pings, deadline_s):
            sent_s = time.perf_counter()
            content = self._get("/clock")
            received_s = time.perf_counter()
            pings.append(Ping(sent_s, self._parsed(Clock, content).clock_s, received_s))
        return clock_offset(pings)

    def readings(self, since_s: float, until_s: float) -> tuple[list[CpuReading], list[SizeReading]]:
        """Return what was read between two instants of its clock, ordered by time; raises NoAgent."""
        cpu: dict[float, CpuReading] = {}
        sizes: dict[float, SizeReading] = {}
        for query in _spans(since_s, until_s):
            found = self._parsed(Readings, self._get(f"/readings?{query}"))
            cpu |= {each.at_s: each for each in found.cpu}
            sizes |= {each.at_s: each for each in found.sizes}
        return [cpu[at_s] for at_s in sorted(cpu)], [sizes[at_s] for at_s in sorted(sizes)]

    def observations(self, since_s: float, until_s: float) -> list[Rows]:
        """Return the rows of the server's processes between two instants of its clock; raises NoAgent."""
        found: dict[str, list[Rows]] = {}
        for query in _spans(since_s, until_s):
            for name, rows in self._parsed(Observations, self._get(f"/observations?{query}")).processes.items():
                found.setdefault(name, []).append(rows)
        return [_without_repetitions(np.concatenate(each)) for each in found.values()]

    def _get(self, target: str) -> bytes:
        """Return the body of a good answer, no longer than MOST_BYTES; raises NoAgent."""
        assert self._connection is not None, "ask inside of connected()"  # noqa: S101
        deadline = time.monotonic() + LIMIT_S
        pieces: list[bytes] = []
        try:
            self._connection.request("GET", target)
            with self._connection.getresponse() as answer:
                while piece := answer.read1(2**20):
                    pieces.append(piece)
                    if time.monotonic() > deadline:
                        raise TimeoutError
                    if sum(map(len, pieces)) > MOST_BYTES:
                        raise http.client.HTTPException
        except OSError as error:
            raise self._unreachable(error) from None
        except (http.client.HTTPException, ValueError):
            raise self._none() from None
        if answer.status != http.HTTPStatus.OK:
            raise self._none()
        return b"".join(pieces)

    def _parsed(self, kind: type[Answer], content: bytes) -> Answer:
        try:
            return kind.model_validate_json(content)
        except ValidationError:
            raise self._none() from None

    def _none(self) -> NoAgent:
        return NoAgent(
            f"was to be at {self.address}, and what answers there is none",
            f"name the port that was given to {NAME} --agent",
        )

    def _unreachable(self, error: OSError) -> NoAgent:
        why = f"no answer within {LIMIT_S:g} s" if isinstance(error, TimeoutError) else why_not_connected(error)
        return NoAgent(
            f"can't be reached at {self.address} ({why})",
            f"start the server there with {NAME} … --host ADDRESS --agent PORT, or correct agent=",
        )


def _enough(pings: Sequence[Ping], deadline_s: float) -> bool:
    """Whether no more pings are worth their time, or that is up."""
    if len(pings) >= ENOUGH_PINGS and min(each.round_trip_s for each in pings) <= GOOD_ROUND_TRIP_S:
        return True
    return len(pings) >= LEAST_PINGS and (len(pings) >= MOST_PINGS or time.perf_counter() > deadline_s)


def _spans(since_s: float, until_s: float) -> Iterator[str]:
    """Yield the queries that together ask for what was between two instants."""
    since_s = max(since_s, until_s - OLDEST_S)
    while True:
        end_s = min(until_s, since_s + 0.9 * MOST_SPAN_S)
        yield urlencode({"since": repr(since_s), "until": repr(end_s)})
        if end_s >= until_s:
            return
        since_s = end_s


def _without_repetitions(rows: Rows) -> Rows:
    """Return rows of one process without those that were told twice, at the edge of two spans."""
    kept: Rows = rows[np.append(True, np.diff(rows["time_s"]) > 0)]
    return kept
