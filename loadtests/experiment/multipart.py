"""Forms with files in them, ``multipart/form-data``: how their fields are typed, and the body they make.

A field is written as curl's -F has it: ``title=Tea``, ``photo=@tea.png;type=image/png``, ``text=<tea.txt``.
"""

import hashlib
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import parse_qsl

from loadtests.experiment.files import encoded, read_file
from loadtests.system.errors import UsageError

MULTIPART = "multipart/form-data"
UNKNOWN_TYPE = "application/octet-stream"
_WORD = re.compile(r'"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<plain>[^;]*)', re.DOTALL)
_TYPES = mimetypes.MimeTypes()  # Python's own table, so that a file has the same type on every machine


@dataclass(frozen=True)
class Part:
    """A field of a form.

    Attributes:
        name: of the field.
        value: its text, which may have places; empty if it comes from a file.
        file: the file that it is read from; empty if there is none.
        filename: what the file is called in the form; None for a text.
        type: its content type; empty if none is sent.
    """

    name: str
    value: str = ""
    file: str = ""
    filename: str | None = None
    type: str = ""


def parse_part(text: str, option: str) -> Part:
    """Parse a field as curl's -F has it; raises UsageError, which does not repeat its value: it may be a secret.

    Args:
        text: the field.
        option: what it was typed behind.
    """
    name, equals, rest = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{option}: write it as FIELD=VALUE, or FIELD=@FILE for a file")
    named = f"{option} {name}"
    how = rest[0] if rest[:1] in ("@", "<") else ""
    if rest[:1] == "(":
        raise UsageError(f"{named}: a part made of other parts can't be sent")
    content, rest = _word(rest[len(how) :], split_at_commas=bool(how), named=named)
    given = _parameters(rest, named)
    if how and not content:
        raise UsageError(f"{named}: name a file, as in {name}={how}FILE")
    filename = given.get("filename")
    if how == "@" and filename is None:
        filename = PurePath(content).name.replace("${", "$${")
    kind = given.get("type", "" if filename is None else _TYPES.guess_type(filename)[0] or UNKNOWN_TYPE)
    return Part(name, "", content, filename, kind) if how else Part(name, content, "", filename, kind)


def parse_upload(text: str) -> Part:
    """Parse ``photo=@tea.png;type=image/png``; raises UsageError."""
    name, equals, rest = text.partition("=")
    if not equals or not rest.startswith("@"):
        raise UsageError(
            f"--upload {name}: write FIELD=@FILE, as in photo=@tea.png or 'photo=@tea.png;type=image/png'; give other"
            " fields with --form"
        )
    return parse_part(text, "--upload")


def parts_of_form(text: str) -> list[Part]:
    """Return the fields of ``a=1&b=2``."""
    return [Part(name, value) for name, value in parse_qsl(text, keep_blank_values=True)]


def multipart(parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return the content type of a form, and its body, which is the same each time.

    What a file holds goes in as it is: a ``${`` in it is no place. Raises UsageError if a file can't be read.
    """
    pieces = [_head(part) + b"\r\n\r\n" + _content(part) for part in parts]
    boundary = f"bench-{hashlib.sha256(b''.join(pieces)).hexdigest()[:24]}"
    between = f"--{boundary}\r\n".encode()
    body = b"".join(between + piece + b"\r\n" for piece in pieces) + f"--{boundary}--\r\n".encode()
    return f"{MULTIPART}; boundary={boundary}", body


def says_multipart(header: tuple[str, str]) -> bool:
    """Whether a header says what a form with files is anyway, without the boundary that only its body tells."""
    name, value = header
    return name.lower() == "content-type" and value.strip().lower() == MULTIPART


def other_than_multipart(where: str) -> UsageError:
    """Return the error that a form with files is said to be something else."""
    return UsageError(f"{where}: a form with files is {MULTIPART}; leave out the header Content-Type")


def _head(part: Part) -> bytes:
    line = f'Content-Disposition: form-data; name="{_quotable(part.name)}"'
    if part.filename is not None:
        line += f'; filename="{_quotable(part.filename)}"'
    return encoded(f"{line}\r\nContent-Type: {part.type}" if part.type else line, "a form")


def _content(part: Part) -> bytes:
    if not part.file:
        return encoded(part.value, f"the form's {part.name}")
    content = read_file(part.file, f"the form's {part.name}")
    return content.replace(b"${", b"$${")


def _quotable(text: str) -> str:
    """Return a name as browsers have it between quotes."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _word(text: str, *, split_at_commas: bool, named: str) -> tuple[str, str]:
    """Return a value, without its quotes if it has some, and what follows behind a semicolon."""
    word = _WORD.match(text)
    assert word is not None  # noqa: S101 - it may be empty
    rest = text[word.end() :]
    if word["quoted"] is not None:
        if rest[:1] not in ("", ";"):
            raise UsageError(f"{named}: there is text after its closing quote")
        return re.sub(r"\\(.)", r"\1", word["quoted"], flags=re.DOTALL), rest
    if split_at_commas and "," in word["plain"]:
        raise UsageError(
            f"{named}: give each file a field of its own; put a name that contains a comma in double quotes"
        )
    return word["plain"], rest


def _parameters(text: str, named: str) -> dict[str, str]:
    """Return what stands behind a value: its type and the name of its file; raises UsageError."""
    found: dict[str, str] = {}
    last = ""
    while text:
        content, text = text[1:], ""
        key, equals, value = content.partition("=")
        key = key.strip()
        if equals and key in ("type", "filename"):
            found[key], text = _word(value.strip(), split_at_commas=False, named=named)
            found[key] = found[key].strip()
            last = key
        elif last == "type" and key == "charset" and equals:
            more, text = _word(value, split_at_commas=False, named=named)
            found["type"] += f";charset={more.strip()}"
        else:
            raise UsageError(
                f"{named}: a semicolon is followed by type=… or filename=…; put a value that contains a semicolon in"
                " double quotes"
            )
    if not found.get("type", "x").isprintable():
        raise UsageError(f"{named}: its type can't contain a line break or another control character")
    return found
