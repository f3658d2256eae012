"""One HTTP request, what a good answer to it looks like, and how it is written on the command line (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from loadtests.experiment.multipart import Part, multipart
from loadtests.experiment.templates import template
from loadtests.system.errors import UsageError

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What HTTP allows as a method, and as a header's name."""
READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing on a server (RFC 9110, 9.2.1)."""
JSON = ("content-type", "application/json")
GIVEN_BY_THE_CLIENT = frozenset({"content-length", "transfer-encoding"})
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""Control characters, and what stands for bytes that are no text."""


@dataclass(frozen=True)
class Request:
    """One HTTP request and what a good answer looks like.

    Path, header values and body may have places such as ``${token}``. They are filled, when it is sent, with what the
    same user has taken from answers before, the columns of a values file, or the environment, in this order.

    Attributes:
        method: HTTP method.
        path: path and query, from the slash on; it is sent as it is written, wherever HTTP allows that.
        headers: names and values, in the order in which they are sent; each replaces the client's own of that name.
        body: what is sent; empty if there is none.
        status: the only status that counts as success; None for any from 200 to 299.
        contains: bytes that a good answer's body holds; anything else counts as an error.
        takes: names, each with where in the answer its value stands; see ``takes``.
        once: whether each user sends it only the first time, as to log in.
        weight: how many times in a row it is sent when the scenario's requests are sent in turn.
        body_file: the file that the body was read from; empty if there was none.
        b: method and path that side b is asked instead, all else being the same; None if it is asked the same.
        parts: fields of the form that the body is; none if it is no ``multipart/form-data``.
        basic: user and password with a colon between them, of which the header ``authorization`` is made; may be empty.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    status: int | None = 200
    contains: bytes = b""
    takes: tuple[tuple[str, str], ...] = ()
    once: bool = False
    weight: int = 1
    body_file: str = ""
    b: tuple[str, str] | None = None
    parts: tuple[Part, ...] = ()
    basic: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" against {' '.join(self.b)}" if self.b else "")

    def of_side(self, label: str) -> "Request":
        """Return what is asked of one side, ``a`` or ``b``."""
        if self.b is None:
            return self
        method, path = self.b if label == "b" else (self.method, self.path)
        return replace(self, method=method, path=path, b=None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its places, each once."""
        own = (self.path, *(self.b or ())[1:], *(value for _, value in self.headers))
        texts = (*own, self.basic, self.body.decode("latin-1"))
        return tuple(dict.fromkeys(name for text in texts for name in template(text).names))

    @property
    def writes(self) -> bool:
        """Whether it may change something on the server."""
        return not {self.method, *(self.b or ())[:1]} <= READING

    def header(self, name: str) -> str | None:
        """Return the value of a header of its own; None if it has none of that name."""
        return next((value for each, value in self.headers if each.lower() == name), None)

    @property
    def good(self) -> range:
        """Statuses of a good answer."""
        return range(200, 300) if self.status is None else range(self.status, self.status + 1)


def with_parts(request: Request, parts: tuple[Part, ...]) -> Request:
    """Return a request whose body is a form of these fields; raises UsageError if a file can't be read."""
    kind, body = multipart(parts)
    kept = [header for header in request.headers if header[0].lower() != "content-type"]
    return replace(request, headers=(("content-type", kind), *kept), body=body, body_file="", parts=parts)


def in_turn(requests: Sequence[Request]) -> tuple[int, ...]:
    """Return which of the requests are sent one after another, until they begin anew: each as often as it weighs."""
    return tuple(number for number, request in enumerate(requests) for _ in range(request.weight))


def parse_requests(text: str) -> tuple[Request, ...]:
    """Parse ``POST /orders``, ``/orders`` (a GET), or several paths, as in ``GET /one /other``.

    Returns:
        The requests, for which any status from 200 to 299 is good; none if the text is nothing of that kind.

    Raises:
        UsageError: it is meant as a request, but can't be sent.
    """
    first, *rest = text.split() or [""]
    if first.startswith("/") or "://" in first:
        method, paths = "GET", [first, *rest]
    elif rest and TOKEN.fullmatch(first):
        method, paths = first.upper(), rest
    else:
        return ()
    return tuple(Request(method, _checked(method, path, text), status=None) for path in paths)


def _checked(method: str, path: str, text: str) -> str:
    if not path.startswith("/"):
        if "://" in path:
            url = urlsplit(path)
            host = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            raise UsageError(
                f'a scenario contains no host: write "{method} {path}", and give the host as a side: --a {host}'
            )
        raise UsageError(
            f"unknown scenario {text!r}; `bench list` shows them all; write a request as a method and a path that"
            ' starts with /, as in "GET /ping"'
        )
    if "#" in path:
        raise UsageError(f"{method} {path}: what follows a # is never sent; leave it out")
    return path


def parse_header(text: str, option: str = "--header") -> tuple[str, str]:
    """Parse ``Name: value``; raises UsageError, which does not repeat the value: it may be a secret."""
    name, colon, value = text.partition(":")
    value = value.strip(" \t")
    if not colon or not TOKEN.fullmatch(name):
        raise UsageError(f"{option}: write it as Name: value; the name has letters, digits and dashes")
    if _UNSENDABLE.search(value):
        raise UsageError(
            f"{option} {name}: its value can't contain a line break, another control character, or bytes that are"
            " not UTF-8"
        )
    if name.lower() in GIVEN_BY_THE_CLIENT:
        raise UsageError(f"{option} {name}: leave it out; the client sets the length of a body itself")
    return name, value
