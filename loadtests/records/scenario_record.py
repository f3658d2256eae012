"""A scenario as run.json has it: all that was asked, so that a run that goes on asks the same.

Places such as ``${TOKEN}`` stand there as they were typed: what filled them is written nowhere.
"""

import hashlib
from dataclasses import asdict

from loadtests.experiment.files import is_text, read_file
from loadtests.experiment.multipart import Part, multipart
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import NONE_STATED, Scenario
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.values import read_values
from loadtests.records.json_files import Record
from loadtests.system.errors import UsageError

MOST_BODY_BYTES = 64 * 2**10
"""A longer body that was read from a file is not written down: its file and digest are."""


class PartRecord(Record):
    """A field of a form with files: a text with its places, or a file as it was typed; see ``multipart.Part``."""

    name: str
    value: str = ""
    file: str = ""
    filename: str | None = None
    type: str = ""


class RequestRecord(Record):
    """A request as it was declared.

    Attributes:
        method: HTTP method.
        path: path and query.
        headers: names and values.
        body: as text; None if that is too long, or no text.
        body_file: the file that it was read from; None if there was none.
        body_sha256: of the body, if that is not here.
        status: the only good one; None for any from 200 to 299.
        contains: what a good answer's body holds.
        takes: names and sources of what is taken from an answer.
        once: whether each user sent it only the first time.
        weight: how many times in a row it was sent.
        b: method and path that side b was asked instead; None if it was asked the same.
        parts: fields of the form with files that its body was; none if it was no such form.
        basic: user and password with a colon between them, of which a header was made; no secret, but places for it.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = ""
    body_file: str | None = None
    body_sha256: str | None = None
    status: int | None = None
    contains: str = ""
    takes: tuple[tuple[str, str], ...] = ()
    once: bool = False
    weight: int = 1
    b: tuple[str, str] | None = None
    parts: tuple[PartRecord, ...] = ()
    basic: str = ""

    def asked_of(self, label: SideLabel) -> str:
        """Return method and path of what one side was asked."""
        return " ".join(self.b if label == "b" and self.b is not None else (self.method, self.path))


class ValuesRecord(Record):
    """A values file: its name as it was typed, its digest, and how many rows it had."""

    file: str
    sha256: str
    rows: int


class ScenarioRecord(Record):
    """A scenario as it was when the run was made.

    Attributes:
        name: as typed.
        kind: where the time was expected to go.
        title: a few words about it.
        hypothesis: what should happen.
        requests: what was asked; empty in runs that were made before it was kept.
        sequence: whether each user sent the requests one after another.
        values: what filled their places; None if nothing did.
    """

    name: str
    kind: str
    title: str
    hypothesis: str
    requests: tuple[RequestRecord, ...] = ()
    sequence: bool = False
    values: ValuesRecord | None = None

    @property
    def about(self) -> str:
        """Its title; nothing where that only repeats its name, as of ``GET /orders``."""
        repeated = self.name.replace(" ", " of ", 1)
        return "" if self.title in (self.name, f"a {repeated}", f"an {repeated}") else self.title

    @property
    def heading(self) -> str:
        """Its name, with its title where that says more."""
        return f"{self.name}: {self.about}" if self.about else self.name

    @property
    def expected(self) -> str:
        """What should happen; nothing where nobody has said it."""
        return "" if self.hypothesis == NONE_STATED else self.hypothesis

    @property
    def is_own(self) -> bool:
        """Whether it is a request of the user's own, and none of the catalogue."""
        return self.kind == "custom"


def record_of(scenario: Scenario) -> ScenarioRecord:
    """Return a scenario as it is written down."""
    values = scenario.values
    return ScenarioRecord(
        name=scenario.name,
        kind=scenario.kind,
        title=scenario.title,
        hypothesis=scenario.hypothesis,
        requests=tuple(_record_of(request) for request in scenario.requests),
        sequence=scenario.sequence,
        values=values and ValuesRecord(file=values.file, sha256=values.sha256, rows=len(values.rows)),
    )


def scenario_of(record: ScenarioRecord) -> Scenario:
    """Return the scenario that was written down: one of the catalogue by its name, any other as it was.

    Raises:
        UsageError: a file that belongs to it is not there any more, or is not what it was.
    """
    if record.kind != "custom" or not record.requests:
        return parse_scenario(record.name)
    requests = tuple(_request_of(each) for each in record.requests)
    values = None if record.values is None else read_values(record.values.file)
    if values is not None and record.values is not None and values.sha256 != record.values.sha256:
        raise _changed(f"--values {values.file}")
    return Scenario(
        record.name,
        "custom",
        record.title,
        record.hypothesis,
        requests,
        writes=any(request.writes for request in requests),
        sequence=record.sequence,
        values=values,
    )


def _record_of(request: Request) -> RequestRecord:
    from_file = request.body_file or any(part.file for part in request.parts)
    kept = not from_file or (len(request.body) <= MOST_BODY_BYTES and is_text(request.body))
    return RequestRecord(
        method=request.method,
        path=request.path,
        headers=request.headers,
        body=request.body.decode() if kept else None,
        body_file=request.body_file or None,
        body_sha256=None if kept else hashlib.sha256(request.body).hexdigest(),
        status=request.status,
        contains=request.contains.decode(),
        takes=request.takes,
        once=request.once,
        weight=request.weight,
        b=request.b,
        parts=tuple(PartRecord(**asdict(part)) for part in request.parts),
        basic=request.basic,
    )


def _request_of(record: RequestRecord) -> Request:
    parts = tuple(Part(**part.model_dump()) for part in record.parts)
    if record.body is not None:
        body = record.body.encode()
    else:
        body = multipart(parts)[1] if parts else read_file(record.body_file or "", "the body")
        if hashlib.sha256(body).hexdigest() != record.body_sha256:
            raise _changed(f"the body {record.body_file or ', '.join(part.file for part in parts if part.file)}")
    return Request(
        record.method,
        record.path,
        headers=record.headers,
        body=body,
        status=record.status,
        contains=record.contains.encode(),
        takes=record.takes,
        once=record.once,
        weight=record.weight,
        body_file=record.body_file or "",
        b=record.b,
        parts=parts,
        basic=record.basic,
    )


def _changed(what: str) -> UsageError:
    return UsageError(f"{what}: this file has changed since the run began; restore it, or start a new run")
