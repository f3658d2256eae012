"""What a user takes from an answer for later requests: a field of JSON, a header, a cookie, or what matches (pure)."""

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from loadtests.experiment.templates import NAME
from loadtests.experiment.values import BUILT_IN
from loadtests.system.errors import UsageError

Headers = Sequence[tuple[bytes, bytes]]
"""An answer's headers as they came."""
Read = Callable[[bytes, Headers], str | None]
"""Returns what is taken from a body and headers; None if it is not there."""
SOURCES = "$.field.of[0].json, header:NAME, cookie:NAME or regex:PATTERN, whose first group is taken"
_STEP = re.compile(r"""\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[(?P<quote>["'])(?P<quoted>.*?)(?P=quote)\]""")


def parse_take(text: str) -> tuple[str, str]:
    """Parse ``token=$.access_token`` into a name and a source; raises UsageError."""
    name, equals, source = text.partition("=")
    if not equals or not re.fullmatch(NAME, name):
        raise UsageError(f"--take {text}: write NAME=SOURCE, as in token=$.access_token")
    if name in BUILT_IN:
        raise UsageError(f"--take {text}: ${{{name}}} is {BUILT_IN[name]}; take it under another name")
    reader(source)
    return name, source


def reader(source: str) -> Read:
    """Return what reads a source in an answer; raises UsageError if it is none."""
    kind, _, rest = source.partition(":")
    if source.startswith("$"):
        return partial(_field, _steps(source))
    if kind == "header" and rest:
        return partial(_header, rest.lower().encode())
    if kind == "cookie" and rest:
        return partial(_cookie, rest.encode())
    if kind == "regex" and rest:
        try:
            pattern = re.compile(rest.encode())
        except re.error as error:
            raise UsageError(f"--take {source}: {error}") from None
        if pattern.groups:
            return partial(_match, pattern)
    raise UsageError(f"--take {source or 'an empty source'}: take {SOURCES}")


def take(readers: Sequence[tuple[str, Read]], body: bytes, headers: Headers) -> dict[str, str] | None:
    """Return what the readers find, by name; None if one of them finds nothing, or what can't be a header's value."""
    found = {name: read(body, headers) for name, read in readers}
    taken = {name: value for name, value in found.items() if value and not set("\r\n\0") & set(value)}
    return taken if len(taken) == len(found) else None


def missing(takes: Sequence[tuple[str, str]], body: bytes, headers: Headers) -> list[str]:
    """Return what is to be taken from an answer and can't be, as it was typed: ``token=$.access_token``."""
    return [f"{name}={source}" for name, source in takes if take([(name, reader(source))], body, headers) is None]


def _steps(source: str) -> list[str | int]:
    steps: list[str | int] = []
    end = 1
    while end < len(source):
        step = _STEP.match(source, end)
        if step is None:
            raise UsageError(f"--take {source}: {source[end:]!r} is not valid; write it as in $.items[0].id")
        end = step.end()
        steps.append(int(step["index"]) if step["index"] else step["name"] or step["quoted"])
    return steps


def _field(steps: Sequence[str | int], body: bytes, _: Headers) -> str | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for step in steps:
        kind: type[Any] = dict if isinstance(step, str) else list
        try:
            value = value[step] if isinstance(value, kind) else None
        except LookupError:
            return None
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, int | float) else None


def _header(wanted: bytes, _: bytes, headers: Headers) -> str | None:
    return next((value.decode(errors="replace").strip() for name, value in headers if name.lower() == wanted), None)


def _cookie(wanted: bytes, _: bytes, headers: Headers) -> str | None:
    for name, value in headers:
        cookie, _, content = value.partition(b";")[0].partition(b"=")
        if name.lower() == b"set-cookie" and cookie.strip() == wanted:
            return content.decode(errors="replace").strip()
    return None


def _match(pattern: re.Pattern[bytes], body: bytes, _: Headers) -> str | None:
    found = pattern.search(body)
    return found[1].decode(errors="replace") if found and found[1] is not None else None
