"""One example of each kind of failed request: how its answer began, where it pointed to, or why there was none.

An answer's body is shown as it is, cut short, on one line. Of its header the target of a redirection is kept and
nothing else; of requests, nothing.
"""

import codecs
from urllib.parse import urlsplit

from loadtests.records.samples import Failure, FailureExample

SHOWN_BYTES = 200
"""So much of a body is shown."""
MOST_KINDS = 50
"""Of one trial: a server may answer with another status each time."""
REDIRECTIONS = range(300, 400)


class FailureExamples:
    """The first failed request of each kind."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, Failure, int], FailureExample] = {}

    def lacks(self, request: int, failure: Failure, status: int = 0) -> bool:
        """Return whether there is none of that kind: only then is it worth the time to describe one."""
        return len(self._first) < MOST_KINDS and (request, failure, status) not in self._first

    def keep(
        self,
        request: int,
        failure: Failure,
        status: int = 0,
        *,
        body: bytes = b"",
        location: bytes = b"",
        reason: str = "",
    ) -> None:
        """Keep a failed request, unless there is one of its kind.

        Args:
            request: which of the scenario's requests it was, by index.
            failure: why it did not succeed.
            status: HTTP status, 0 without an answer.
            body: of the answer, or how it begins.
            location: where the answer pointed to.
            reason: what else is known, in words.
        """
        if self.lacks(request, failure, status):
            where = shown(location) if status in REDIRECTIONS else ""
            self._first[request, failure, status] = FailureExample(request, failure, status, shown(body), where, reason)

    def all(self) -> tuple[FailureExample, ...]:
        """Return what was kept, in the order in which it came."""
        return tuple(self._first.values())


def without_origin(location: bytes, base_url: str) -> bytes:
    """Return where a redirection points to: the path alone, if it stays on the server that was asked."""
    url = urlsplit(base_url)
    origin = f"{url.scheme}://{url.netloc.rpartition('@')[2]}".encode()
    return location.removeprefix(origin) if location.startswith(origin + b"/") else location


def shown(content: bytes) -> str:
    """Return the first SHOWN_BYTES as text on one line: what is no text is replaced, what has no glyph is escaped."""
    cut = len(content) > SHOWN_BYTES
    # A character that the cut goes through is left out, not replaced.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(content[:SHOWN_BYTES], not cut)
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line) + ("…" if cut else "")
