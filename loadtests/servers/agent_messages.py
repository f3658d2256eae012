"""What an agent tells of a server: the messages between `bench serve --agent` and a run that loads that server.

Every message is JSON. Instants are on the agent's monotonic clock (``time.perf_counter``), in seconds.
"""

from base64 import b64decode, b64encode
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, PlainSerializer

from loadtests.records.samples import Rows, rows_of

PROTOCOL = 1
"""Goes up when a message is no longer what it was."""
NAME: Literal["bench serve"] = "bench serve"
"""How an agent is told from any other server."""
KEPT_S = 600.0
"""Readings and observations are kept for so long."""
MOST_SPAN_S = 60.0
"""So much may be asked for at a time, which bounds an answer."""
MOST_PROCESSES = 1024
"""A server that has started more of them is not told of."""

Count = Annotated[int, Field(ge=0)]
Used = Annotated[FiniteFloat, Field(ge=0)]


class Message(BaseModel):
    """A message; what a later version adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Protocol(Message):
    """What every version tells."""

    agent: Literal["bench serve"]
    protocol: int


class About(Protocol):
    """What an agent tells of itself, its server and its machine.

    Attributes:
        side: the server's app, and those of its settings that can be no secret.
        port: where the server listens.
        workers: processes that serve; None if that is not known.
        observes: whether the server is looked into.
        python: version of the interpreter that serves; None if that is not known.
        cpu: model of the processor.
        cores: how many the server may use.
        system: operating system and kernel.
        started_s: when the agent was started.
    """

    side: str
    port: Annotated[int, Field(ge=1, le=65535)]
    workers: Annotated[int, Field(ge=1)] | None
    observes: bool
    python: str | None
    cpu: str
    cores: Annotated[int, Field(ge=1)]
    system: str
    started_s: FiniteFloat


class Clock(Message):
    """What time an agent has."""

    clock_s: FiniteFloat


class CpuReading(Message):
    """CPU time of a server at one instant, in seconds; see ``process_tree.TreeCpu``."""

    at_s: FiniteFloat
    own_s: Used
    alive_s: dict[int, Used]
    ended_s: Used


class SizeReading(Message):
    """How large a server was at one instant: resident memory and threads of all its processes."""

    at_s: FiniteFloat
    rss_bytes: Count
    threads: Count


class Readings(Clock):
    """What was read between two instants, with the readings next to them; ordered by time."""

    cpu: Annotated[list[CpuReading], Field(max_length=100_000)]
    sizes: Annotated[list[SizeReading], Field(max_length=100_000)]


def _decoded(value: Any) -> Any:  # noqa: ANN401 - whatever a message holds
    if not isinstance(value, str):
        return value
    content = b64decode(value, validate=True)
    rows = rows_of(content)
    finite = all(np.isfinite(rows[name]).all() for name in ("time_s", "cpu_s", "lag_s"))
    if len(content) % rows.itemsize or not finite or (np.diff(rows["time_s"]) < 0).any():
        raise ValueError("these are no rows of an observation")
    return rows


EncodedRows = Annotated[
    Rows, BeforeValidator(_decoded), PlainSerializer(lambda rows: b64encode(rows.tobytes()).decode(), when_used="json")
]
"""Rows of ``ROW``; in JSON their bytes in base64."""


class Observations(Clock):
    """What was seen inside a server between two instants, by each of its processes, which are known by their ids."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    processes: Annotated[dict[str, EncodedRows], Field(max_length=MOST_PROCESSES)]
