"""Refuse what looks like a credential wherever it would be written into a run's files (pure).

The command line and all requests are recorded in run.json. What stands in the environment is not: of ``${TOKEN}`` only
the name is recorded.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from loadtests.experiment.request import Request
from loadtests.experiment.templates import template
from loadtests.system.errors import UsageError

_SECRET = re.compile(r"token|secret|passw(?:or)?d|api[-_]?key", re.IGNORECASE)
_SECRET_FIELD = re.compile(r"(?:token|secret|passw(?:or)?d|api[-_]?key)$", re.IGNORECASE)
"""A field of a body is judged by how its name ends: ``max_tokens`` and ``token_type`` are no secrets."""
_JSON_FIELD = re.compile(r'"(?P<name>[^"\\]*)"\s*:\s*"(?P<value>[^"]+)"')
_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
FORM = "application/x-www-form-urlencoded"


def check_credentials(request: Request) -> None:
    """Raise UsageError if a credential stands in a request as it is; the message does not repeat it."""
    for name, value in request.headers:
        secret = name.lower() in _HEADERS or names_a_secret(name)
        if secret and not all(_is_filled(part) for part in (value.split(";") if name.lower() == "cookie" else [value])):
            scheme = "Bearer " if "authorization" in name.lower() else ""
            raise refusal(f"header {name}", f"{name}: {scheme}${{TOKEN}}")
    for name, value in _pairs(urlsplit(request.path).query):
        if names_a_secret(name) and not _is_filled(value):
            raise refusal(f"{name} in the query of a {request.method}", f"{name}=${{TOKEN}}")
    for name, value in _fields(request):
        if names_a_secret_field(name) and not _is_filled(value):
            raise refusal(f"{name} in the body of {request.method} {request.path}", "${TOKEN}")


def check_basic(text: str) -> None:
    """Raise UsageError if ``user:password``, behind curl's -u, is typed as it is; a user alone may be a key."""
    user, _, password = text.partition(":")
    if text and not template(password or user).names:
        raise UsageError(
            "curl -u: a credential that is typed would be written into run.json; export PASSWORD=… and write"
            " -u 'user:${PASSWORD}' in single quotes"
        )


def names_a_secret(name: str) -> bool:
    """Whether what has such a name is likely to be a secret."""
    return _SECRET.search(name) is not None


def names_a_secret_field(name: str) -> bool:
    """Whether it is likely of what is called so for many reasons: a field of a body, an option of a command."""
    return _SECRET_FIELD.search(name) is not None


def refusal(what: str, instead: str) -> UsageError:
    """Return the error that says where a credential stands, and what to write instead."""
    return UsageError(
        f"{what}: a credential that is typed would be written into run.json; export TOKEN=… and write '{instead}' in"
        " single quotes"
    )


def _is_filled(value: str) -> bool:
    """Whether a value is empty, or comes from elsewhere."""
    return not value or bool(template(value).names)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        yield name, value


def _fields(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the names and values in a body that is a form or JSON."""
    yield from ((part.name, part.value) for part in request.parts)
    kind, body = request.header("content-type") or "", request.body.decode("latin-1")
    if kind.startswith(FORM):
        yield from _pairs(body)
    elif "json" in kind:
        yield from _JSON_FIELD.findall(body)
