"""What came of the claims: claims.json, and which of them an ordinary run bears on."""

from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loadtests.claims import CLAIMS, Claim, Origin, judge
from loadtests.environment import Environment
from loadtests.lessons.expectation import Judged, Standing
from loadtests.manifest import Manifest
from loadtests.outcome import Outcome

FILE = "claims.json"


class ClaimRecord(BaseModel):
    """One claim, and what is known of it.

    Attributes:
        name: of the claim.
        origin: the tutorial, or a published figure.
        says: the claim.
        standing: whether it holds here.
        figure: what was measured, with its interval.
        why: a few words where there is no figure, or it does not count.
        lesson: where it is explained; None if nowhere.
        command: what measures it; empty where nothing does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    origin: Origin
    says: str
    standing: Standing
    figure: str
    why: str
    lesson: str | None
    command: str


class ClaimsRecord(BaseModel):
    """All claims that were asked for.

    Attributes:
        schema_version: of this file.
        created: when the first was begun.
        seconds: how long all of it took.
        environment: machine and versions.
        claims: in their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, validate_by_name=True)

    schema_version: Literal[1] = Field(1, alias="schema")
    created: AwareDatetime
    seconds: float
    environment: Environment
    claims: list[ClaimRecord]


def recorded(claim: Claim, seen: Sequence[Judged]) -> ClaimRecord:
    """Return what is known of a claim."""
    judged = judge(claim, seen)
    measure = claim.measured_by
    return ClaimRecord(
        name=claim.name,
        origin=claim.origin,
        says=claim.says,
        standing=judged.standing,
        figure=judged.figure,
        why=judged.why,
        lesson=claim.lesson,
        command=measure.command if measure else "",
    )


def borne_on(manifest: Manifest, outcome: Outcome) -> list[ClaimRecord]:
    """Return the claims that an ordinary run has the cells for, with what it says of them."""
    found = []
    for claim in CLAIMS:
        measure = claim.measured_by
        if measure is None or measure.special is not None:
            continue
        same = (measure.a, measure.b, measure.database) == (manifest.a.spec, manifest.b.spec, manifest.database)
        seen = [expectation.judge(outcome) for expectation in claim.expects] if same else []
        if seen and all(judged.standing != "not tested" for judged in seen):
            found.append(recorded(claim, seen))
    return found
