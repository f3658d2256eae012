"""A request as the bytes that are sent, and the body of an answer as it was before it was compressed (pure).

What measures and what warms up send the same bytes.
"""

import copy
import string
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import SplitResult, quote

from loadtests.experiment.request import Request
from loadtests.experiment.templates import template

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods of which a request may be sent again when nobody knows what became of it (RFC 9110, 9.2.2)."""
OF_KNOWN_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say how long their body is, even if they have none (RFC 9110, 8.6)."""
COMPRESSED = frozenset({b"gzip", b"x-gzip", b"deflate"})
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
KEPT_BYTES = 4 * 2**20
"""Of a body that is looked at no more is kept, and so looked at, than this."""
_IN_A_VALUE = string.punctuation.replace("#", "")


class Message:
    """A request as it is sent, any number of times.

    Attributes:
        content: its bytes.
        idempotent: whether it may be sent again when nobody knows what became of it.
        good: statuses of a good answer.
        head_only: whether its answer has no body, whatever the head says.
        keeps_body: whether its answer's body is looked at.
        keeps_headers: whether its answer's headers are looked at.
    """

    def __init__(self, url: SplitResult, request: Request) -> None:
        """Write down a request, whose places are filled, to the server at a base URL."""
        own = {name.lower() for name, _ in request.headers}
        defaults = (
            ("host", quote(url.netloc, safe=string.punctuation)),
            ("user-agent", "bench"),
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate"),
        )
        headers = [*(each for each in defaults if each[0] not in own), *request.headers]
        if request.body or request.method in OF_KNOWN_LENGTH:
            headers.append(("content-length", str(len(request.body))))
        lines = [
            f"{request.method} {target_of(url.path + request.path)} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self.content = "\r\n".join([*lines, "", ""]).encode() + request.body
        self.idempotent = request.method in IDEMPOTENT
        self.good = request.good
        self.head_only = request.method == "HEAD"
        self.keeps_body = bool(request.contains or request.takes)
        self.keeps_headers = bool(request.takes)

    def with_header(self, name: str, value: str) -> "Message":
        """Return the same with one header more, before all others."""
        other = copy.copy(self)
        head, _, rest = self.content.partition(b"\r\n")
        other.content = b"\r\n".join([head, f"{name}: {value}".encode(), rest])
        return other


def target_of(path: str) -> str:
    """Return a path as it is sent: as it was typed, wherever HTTP allows that; else percent-encoded."""
    return quote(path.partition("#")[0], safe=string.punctuation)


def filled(request: Request, values: Mapping[str, str]) -> Request:
    """Return a request with a value in each of its places; raises KeyError if one has none.

    A value goes in as it is; in a path, what HTTP does not allow there is percent-encoded.
    """
    headers = tuple((name, template(value).fill(values)) for name, value in request.headers)
    if request.basic:
        headers += (("authorization", "Basic " + b64encode(template(request.basic).fill(values).encode()).decode()),)
    return replace(
        request,
        path=template(request.path).fill(values, lambda value: quote(value, safe=_IN_A_VALUE)),
        headers=headers,
        basic="",
        # Bytes as characters, one each, so that a body need not be text.
        body=template(request.body.decode("latin-1"))
        .fill(values, lambda value: value.encode().decode("latin-1"))
        .encode("latin-1"),
    )


def decoded(body: bytes, encoding: bytes, *, ends: bool = True, most: int = KEPT_BYTES) -> bytes | None:
    """Return a body as it was before it was compressed, or as much of it as is looked at; None if it can't be had.

    Args:
        body: as it came.
        encoding: the answer's content-encoding, in small letters; empty if it names none.
        ends: whether its end is there, and not only its beginning.
        most: no more than so many bytes, however small they were made.
    """
    if not body or encoding not in COMPRESSED:
        return body
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        content = inflater.decompress(body, most)
    except zlib.error:
        return None
    return content if inflater.eof or not ends or len(content) >= most else None
