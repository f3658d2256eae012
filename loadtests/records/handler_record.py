"""What a side runs for a scenario: its source when the run was made, and what it executed before that."""

from typing import Literal

from pydantic import Field

from loadtests.records.json_files import Record

Runs = Literal["def", "async def"]
"""How the framework calls a function: in a thread, or on the event loop."""


class HandlerRecord(Record):
    """What a side runs for a scenario, as its source was when the run was made.

    Attributes:
        files: where it stands: ``sync_app/routers/posts.py``, or with its first line: ``main.py:12``.
        lines: of the handler; of several, one after another.
        statements: of a build of the blog, the SQL that it names, in its order, with its values left open.
        runs: how each of another app's handlers is called; empty where that is not known.
        in_threads: names of their dependencies that are called in a thread.
        wrapped: where functions stand that were put around them.
        missing: why they, or some of them, are not known; empty if all are.
    """

    files: list[str]
    lines: list[str]
    statements: list[str]
    runs: list[Runs] = Field(default_factory=list)
    in_threads: list[str] = Field(default_factory=list)
    wrapped: list[str] = Field(default_factory=list)
    missing: str = ""


class ExecutedRecord(Record):
    """What a side did and had when it answered a scenario's requests, one at a time, before the run.

    Attributes:
        statements: the SQL that it executed, request by request, with how often each came in a row as a comment.
        count: how many statements those were; None if that is not known.
        connections: what the pools can hold that they took a connection from; None if that is not bounded or not known.
        threads: in how many threads its framework can run handlers; None if that is not known.
    """

    statements: list[str] = Field(default_factory=list)
    count: int | None = None
    connections: int | None = None
    threads: int | None = None
