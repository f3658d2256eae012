"""What is kept of a lesson: lesson.json, all that its page and its claims need.

What came of the claims: claims.json, and which of them an ordinary run bears on.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from loadtests.lessons.catalogue import CLAIMS, Claim, Origin, judge
from loadtests.lessons.lesson import SIGNS, Judged, Standing
from loadtests.records.json_files import Record
from loadtests.records.manifest import Manifest
from loadtests.records.outcome import Outcome
from loadtests.records.run_folder import UnreadableRun
from loadtests.system.machine import Environment

LESSON_FILE = "lesson.json"
CLAIMS_FILE = "claims.json"


class LessonRecord(Record):
    """One lesson, as it was measured once.

    Attributes:
        schema_version: of this file.
        lesson: its name.
        created: when it was begun.
        seconds: how long it took.
        environment: machine and versions.
        database: product and version.
        outcome: the figures.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    lesson: str
    created: AwareDatetime
    seconds: float
    environment: Environment
    database: str
    outcome: Outcome


def read_lesson(path: Path) -> LessonRecord:
    """Return a lesson that was kept; raises UnreadableRun naming the file."""
    try:
        return LessonRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UnreadableRun(f"{path} can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise UnreadableRun(f"{path} is not a lesson of this version: {error.errors()[0]['msg']}") from None


class Evidence(Record):
    """What was measured for one claim or more.

    Attributes:
        outcome: the figures; None if there are none.
        why: why there are none.
        standing: what a claim is called that has none.
    """

    outcome: Outcome | None = None
    why: str = ""
    standing: Standing = "not tested"


class ClaimsRecord(Record):
    """All claims that were asked for.

    Attributes:
        schema_version: of this file.
        created: when the first was begun.
        seconds: how long all of it took.
        environment: machine and versions.
        claims: their names, in order.
        evidence: what they rest on, by the name of the claim, or of the lesson that measures it.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    created: AwareDatetime
    seconds: float
    environment: Environment
    claims: list[str]
    evidence: dict[str, Evidence]


class ClaimResult(Record):
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

    name: str
    origin: Origin
    says: str
    standing: Standing
    figure: str
    why: str
    lesson: str | None
    command: str

    @property
    def sign(self) -> str:
        """The standing as a sign."""
        return SIGNS[self.standing]


def read_claims(path: Path) -> ClaimsRecord:
    """Return what was kept; raises UnreadableRun naming the file."""
    try:
        return ClaimsRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableRun(f"{path} can't be read: {str(error).splitlines()[0]}") from None


def claim_results(record: ClaimsRecord) -> list[ClaimResult]:
    """Judge all claims of a record by what was measured for them."""
    known = {claim.name: claim for claim in CLAIMS}
    return [
        claim_result(known[name], judged(known[name], record.evidence))
        for name in record.claims
        if name in known  # a record may be older than the claims
    ]


def judged(claim: Claim, evidence: Mapping[str, Evidence]) -> list[Judged]:
    """Return what was seen of each thing that a claim expects."""
    if not claim.expects:
        return []
    found = evidence.get(claim.evidence, Evidence(why="this was not measured"))
    if found.outcome is None:
        return [Judged(found.standing, "", found.why)]
    return [expectation.judge(found.outcome) for expectation in claim.expects]


def claim_result(claim: Claim, seen: Sequence[Judged]) -> ClaimResult:
    """Return what is known of a claim."""
    overall, measure = judge(claim, seen), claim.measured_by
    return ClaimResult(
        name=claim.name,
        origin=claim.origin,
        says=claim.says,
        standing=overall.standing,
        figure=overall.figure,
        why=overall.why,
        lesson=claim.lesson,
        command=measure.command if measure else "",
    )


def claims_covered_by(manifest: Manifest, outcome: Outcome) -> list[ClaimResult]:
    """Return the claims that an ordinary run has the cells for, with what it says of them."""
    found = []
    for claim in CLAIMS:
        measure = claim.measured_by
        if measure is None or measure.special is not None:
            continue
        same = (measure.a, measure.b, measure.database) == (manifest.a.spec, manifest.b.spec, manifest.database)
        seen = [expectation.judge(outcome) for expectation in claim.expects] if same else []
        if seen and all(each.standing != "not tested" for each in seen):
            found.append(claim_result(claim, seen))
    return found
