"""slo.json: every probe of a search, and what came of it."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loadtests.slo.search import State
from loadtests.system.machine import Environment


class Record(BaseModel):
    """Base of everything in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Probe(Record):
    """One rate, tried once on one side.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        rate_rps: arrivals per second.
        requests: how many were due.
        answered_rps: good answers per second.
        percentile_s: the objective's percentile, in seconds; None where it is not known, or infinite.
        missed: why the objective was missed, in words; None if it was kept.
    """

    start: int
    side: str
    rate_rps: float
    requests: int
    answered_rps: float
    percentile_s: float | None
    missed: str | None


class Found(Record):
    """What one search found.

    Attributes:
        start: number of the fresh start, from 0.
        side: as written.
        state: how the search ended.
        kept_rps: the highest rate at which the objective was kept, in arrivals per second; None if there was none.
        missed_rps: the lowest at which it was not, twice; None if there was none.
    """

    start: int
    side: str
    state: State
    kept_rps: float | None
    missed_rps: float | None


class SloRecord(Record):
    """The whole file.

    Attributes:
        schema_version: of this file.
        created: when the search was started.
        argv: the command, as typed.
        complete: whether every search ended by itself.
        objective: in words.
        scenario: what was asked.
        database: product and version.
        driver_ceiling_rps: what the load driver reaches against a server that does nothing; None if unknown.
        environment: machine and versions.
        probes: in order.
        found: a search each.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    created: AwareDatetime
    argv: list[str]
    complete: bool
    objective: str
    scenario: str
    database: str
    driver_ceiling_rps: float | None
    environment: Environment
    probes: list[Probe] = []
    found: list[Found] = []

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )
