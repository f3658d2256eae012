"""What a side runs for a scenario, as its source was when the run was made."""

from loadtests.records.json_files import Record


class HandlerRecord(Record):
    """What one of our builds runs for a scenario, as its source was when the run was made.

    Attributes:
        files: where it stands: ``sync_app/routers/posts.py``.
        lines: of the handler; of several, one after another.
        statements: the SQL that it names, in its order, with its values left open.
    """

    files: list[str]
    lines: list[str]
    statements: list[str]
