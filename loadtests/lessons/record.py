"""lesson.json and claims.json: the records of measured lessons and claims, and how claims are judged by them.

An ordinary run also tests the claims that it has measured the cells for: ``claims_covered_by`` returns them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from loadtests.lessons.catalogue import CLAIMS, Claim, Origin, judge
from loadtests.lessons.lesson import NOT_MEASURED, SIGNS, Judgement, Standing
from loadtests.records.json_files import Record
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import UnreadableRun
from loadtests.records.summary import Outcome
from loadtests.system.machine import Environment

LESSON_FILE = "lesson.json"
CLAIMS_FILE = "claims.json"


class LessonRecord(Record):
    """One measurement of a lesson: lesson.json, all that its page and its claims need.

    Attributes:
        schema_version: of this file.
        lesson: its name.
        created: when the measurement started.
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
    """Read lesson.json; raises UnreadableRun naming the file."""
    try:
        return LessonRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UnreadableRun(f"{path} can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise UnreadableRun(f"{path} is not a lesson of this version: {error.errors()[0]['msg']}") from None


class Evidence(Record):
    """A measurement that one or more claims are judged by.

    Attributes:
        outcome: the figures; None if there are none.
        why: why there are none.
        standing: of the claims, if there are none.
    """

    outcome: Outcome | None = None
    why: str = ""
    standing: Standing = "not tested"


class ClaimsRecord(Record):
    """The whole of claims.json: every claim that was tested, and the measurements.

    Attributes:
        schema_version: of this file.
        created: when the first measurement started.
        seconds: how long all of them took.
        environment: machine and versions.
        claims: their names, in order.
        evidence: the measurements, by the name of the claim, or of the lesson that measures it.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    created: AwareDatetime
    seconds: float
    environment: Environment
    claims: list[str]
    evidence: dict[str, Evidence]


class ClaimResult(Record):
    """A claim and the judgement on it, as shown to a reader.

    Attributes:
        name: of the claim.
        origin: the tutorial, or a published figure.
        says: the claim.
        source: where it was published; empty for the tutorial's.
        url: of the source; empty where it was not found again.
        conditions: under which the figure was published.
        standing: whether it holds here.
        figure: what was measured, with its interval.
        why: a few words where there is no figure, or it decides nothing.
        lesson: the lesson that explains it; None if none does.
        command: what measures it; empty where nothing does.
    """

    name: str
    origin: Origin
    says: str
    source: str
    url: str
    conditions: str
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
    """Read claims.json; raises UnreadableRun naming the file."""
    try:
        return ClaimsRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableRun(f"{path} can't be read: {str(error).splitlines()[0]}") from None


def claim_results(record: ClaimsRecord) -> list[ClaimResult]:
    """Judge all claims of a record."""
    known = {claim.name: claim for claim in CLAIMS}
    return [
        claim_result(known[name], judge_expectations(known[name], record.evidence))
        for name in record.claims
        if name in known  # a record may be older than the claims
    ]


def judge_expectations(claim: Claim, evidence: Mapping[str, Evidence]) -> list[Judgement]:
    """Judge each expectation of a claim; the result has one entry if nothing was measured."""
    if claim.measured_by is None:
        return []
    found = evidence.get(claim.evidence_name, Evidence(why=NOT_MEASURED))
    if found.outcome is None:
        return [Judgement(found.standing, "", found.why)]
    return [expectation.judge(found.outcome) for expectation in claim.expects]


def claim_result(claim: Claim, judged: Sequence[Judgement]) -> ClaimResult:
    """Return a claim with its judgement, from those on its expectations."""
    overall, measure = judge(claim, judged), claim.measured_by
    return ClaimResult(
        name=claim.name,
        origin=claim.origin,
        says=claim.says,
        source=claim.source.name if claim.source else "",
        url=claim.source.url if claim.source else "",
        conditions=claim.conditions,
        standing=overall.standing,
        figure=overall.figure,
        why=overall.why,
        lesson=claim.lesson,
        command=measure.command if measure and measure.compares == "sides" else "",
    )


def claims_covered_by(manifest: Manifest, outcome: Outcome) -> list[ClaimResult]:
    """Return the claims that an ordinary run has measured the cells for, judged by its figures."""
    covered = []
    for claim in CLAIMS:
        measure = claim.measured_by
        if measure is None or measure.compares != "sides":
            continue
        same = (measure.a, measure.b, measure.database) == (manifest.a.spec, manifest.b.spec, manifest.database)
        judged = [expectation.judge(outcome) for expectation in claim.expects] if same else []
        if judged and all(each.standing != "not tested" for each in judged):
            covered.append(claim_result(claim, judged))
    return covered
