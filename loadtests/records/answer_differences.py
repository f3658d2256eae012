"""Answers of both sides to the same request, and how they differ (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import Field

from loadtests.records.json_files import Record


class ToldResources(Record):
    """What a server tells of itself with an answer: see ``inside/statements.py``."""

    threads: int | None = None
    connections: int | None = None
    statements: list[tuple[str, int]] = Field(default_factory=list)


@dataclass(frozen=True)
class WholeAnswer:
    """An answer with all that is compared of it.

    Attributes:
        status: HTTP status; 0 if there was no answer, and its body says why.
        headers: by name in small letters.
        body: decoded, as far as it was kept.
        size: of the whole body as it came, in bytes.
        statements: SQL statements that the app executed for it; None if that is not known.
        log: how the server's log ended then, where it failed; empty if that is not known.
        resources: what the server has, and the statements' text; None if that is not known.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int = 0
    statements: int | None = None
    log: str = ""
    resources: ToldResources | None = None


class Difference(Record):
    """One thing in which the sides' answers to a request differ.

    Attributes:
        request: as it was sent, without its body.
        what: ``status``, a header's name, a place in a JSON body (``$.items[0].author``), a line of a text, ``body``,
            ``size`` or ``statements``.
        a: what side a has there, shortened.
        b: what side b has there.
        stops: whether it keeps the run from being measured: a number of statements does not.
        curl: the request as a curl command, if it is none of the run's own; else empty.
    """

    request: str
    what: str
    a: str
    b: str
    stops: bool = True
    curl: str = ""


class CompareAnswers(Protocol):
    """Says how the sides' answers to one request differ."""

    def __call__(self, request: str, a: Sequence[WholeAnswer], b: Sequence[WholeAnswer]) -> list[Difference]:
        """Return the differences.

        Args:
            request: what was asked.
            a: what side a answered, each time that it was asked.
            b: what side b answered.
        """
