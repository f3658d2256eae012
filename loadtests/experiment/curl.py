"""A request as others write it: a ``curl`` command, as browsers copy it and documentation has it (pure)."""

import re
import shlex
from dataclasses import dataclass, replace
from getopt import GetoptError, gnu_getopt
from urllib.parse import quote_plus

from loadtests.experiment.credentials import FORM, check_basic, refusal
from loadtests.experiment.files import encoded, is_text, read_file
from loadtests.experiment.multipart import Part, other_than_multipart, parse_part, says_multipart
from loadtests.experiment.request import JSON, Request, parse_header, parse_requests, with_parts
from loadtests.experiment.templates import template
from loadtests.system.errors import UsageError

SHORT = "X:H:d:b:A:e:o:w:u:F:IGksSvifL"
LONG = {
    "--request": "-X",
    "--header": "-H",
    "--data": "-d",
    "--data-ascii": "-d",
    "--data-raw": "--data-raw",
    "--data-binary": "--data-binary",
    "--json": "--json",
    "--url": "--url",
    "--cookie": "-b",
    "--user-agent": "-A",
    "--referer": "-e",
    "--output": "-o",
    "--write-out": "-w",
    "--user": "-u",
    "--form": "-F",
    "--form-string": "--form-string",
    "--data-urlencode": "--data-urlencode",
    "--basic": "--basic",
    "--head": "-I",
    "--get": "-G",
    "--insecure": "-k",
    "--compressed": "--compressed",
    "--silent": "-s",
    "--show-error": "-S",
    "--verbose": "-v",
    "--include": "-i",
    "--fail": "-f",
    "--location": "-L",
}
"""Options of curl by their long names: what each is called here."""
WITHOUT_VALUE = frozenset("-" + letter for letter in "IGksSvifL") | {"--compressed", "--basic"}
IGNORED = {
    "-k": "which certificates are trusted is said with --insecure or --cafile",
    "-L": "a redirect is an answer here, and is not followed",
}
"""What is left out with a line that says why; other options that change no request are left out in silence."""
HEADERS = {"-b": "cookie", "-A": "user-agent", "-e": "referer"}
BODIES = frozenset({"-d", "--data-raw", "--data-binary", "--data-urlencode", "--json"})
FORMS = frozenset({"-F", "--form-string"})
_QUOTED = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\$'(?P<escaped>(?:\\.|[^'\\])*)'|(?P<continued>\\\r?\n)""", re.DOTALL
)
_ESCAPE = re.compile(
    r"\\(?:(?:u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|x(?P<x>[0-9a-fA-F]{2}))|(?P<c>.))", re.DOTALL
)
_URL = re.compile(r"([A-Za-z]+://)?([^/?#]*)(.*)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


Options = list[tuple[str, str]]
"""A command's options by their short names, with their values."""


@dataclass(frozen=True)
class Curl:
    """What a curl command asks for.

    Attributes:
        request: for which any status from 200 to 299 is good.
        notes: a line for each thing of the command that does not count here.
    """

    request: Request
    notes: tuple[str, ...]


def parse_curl(text: str) -> Curl:
    """Parse ``curl -X POST https://host/path -H 'Name: value' -d …``, or ``curl @FILE``, a file with such a command.

    Of the URL only the path counts: sides say where servers are. Raises UsageError.
    """
    pasted = text.strip().removeprefix("curl").strip()
    if pasted.startswith("@"):
        text = read_file(pasted[1:], "--curl").decode(errors="replace")
    options, urls = _words(text)
    given = dict(options)
    notes = [f"curl {option} is left out: {why}" for option, why in IGNORED.items() if option in given]
    url, left_out = _path_of(urls)
    if left_out:
        notes.append(f"{left_out} is left out: sides say where servers are (--a, --b)")
    parts = tuple(_part(option, value) for option, value in options if option in FORMS)
    kind, body, file = _body(options)
    if parts and (kind or "-G" in given):
        raise UsageError(f"curl -F: a form with files is the whole body; leave out {kind or '-G'}")
    if "-G" in given and body:
        url, body, kind, file = url + ("&" if "?" in url else "?") + body.decode(errors="replace"), b"", "", ""
    method = given.get("-X") or ("HEAD" if "-I" in given else "POST" if kind or parts else "GET")
    if len(f"{method} {url}".split()) != 2:
        raise UsageError(f"curl: a URL contains no spaces, unlike {url!r}")
    headers = _headers(options, kind)
    basic = given.get("-u", "")
    check_basic(basic)
    if any(name.lower() == "authorization" for name, _ in headers):
        basic = ""
    [request] = parse_requests(f"{method} {url}")
    request = replace(request, headers=headers, body=body, body_file=file, basic=basic)
    if parts:
        if (kind_typed := request.header("content-type")) and not says_multipart(("content-type", kind_typed)):
            raise other_than_multipart("curl -F")
        request = with_parts(request, parts)
    return Curl(request, tuple(notes))


def _words(text: str) -> tuple[Options, list[str]]:
    """Return a command's options, by their short names, with their values; and what else there is: URLs."""
    try:
        command, *words = shlex.split(_QUOTED.sub(_plainly_quoted, text)) or [""]
        found, urls = gnu_getopt(
            words, SHORT, [name[2:] + ("" if short in WITHOUT_VALUE else "=") for name, short in LONG.items()]
        )
    except GetoptError as error:
        raise UsageError(f"curl: {error.msg}; these options are understood: {_understood()}") from None
    except ValueError as error:
        raise UsageError(f"curl: {error}; quote it as for a shell, or use --curl @FILE") from None
    if command != "curl":
        raise UsageError(f"--curl: a command begins with curl, not with {command!r}")
    options = [(LONG.get(name, name), value) for name, value in found]
    return options, [*(value for option, value in options if option == "--url"), *urls]


def _understood() -> str:
    known = (*HEADERS, *BODIES, *FORMS, "-X", "-H", "-u", "-I", "-G", "--url")
    return ", ".join(sorted(known, key=lambda option: (option.count("-"), option)))


def _plainly_quoted(word: re.Match[str]) -> str:
    """Return what shlex understands in place of ``$'…'`` and of a line that goes on; all else as it is."""
    if word["continued"]:
        return " "
    if word["escaped"] is None:
        return word[0]
    plain = _ESCAPE.sub(_character, word["escaped"])
    return shlex.quote(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _character(escape: re.Match[str]) -> str:
    code = escape["u"] or escape["U"] or escape["x"]
    return chr(int(code, 16)) if code else _ESCAPED.get(escape["c"], escape["c"])


def _headers(options: Options, kind: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of a command, those that curl adds to a body first."""
    typed: list[tuple[str, str]] = []
    for option, value in options:
        if option == "-b" and "=" not in value:
            raise UsageError(f"curl -b {value}: cookies are not read from a file; write them as NAME=VALUE")
        if option in HEADERS:
            typed.append(parse_header(f"{HEADERS[option]}: {value}", f"curl {option}"))
        elif option == "-H" and not _takes_away(value):
            empty = value.strip().endswith(";") and ":" not in value  # as curl has a header without a value
            typed.append(parse_header(f"{value.strip()[:-1]}:" if empty else value, "curl -H"))
    own = (JSON, ("accept", "application/json")) if kind == "--json" else (("content-type", FORM),) if kind else ()
    named = {name.lower() for name, _ in typed}
    return (*(each for each in own if each[0] not in named), *typed)


def _takes_away(header: str) -> bool:
    """Return whether a header takes away one of curl's own: it has a colon, and no value behind it."""
    _, colon, value = header.partition(":")
    return bool(colon) and not value.strip()


def _body(options: Options) -> tuple[str, bytes, str]:
    """Return the last option that gives a body, empty if none does; the body, and the file that it is if it is one."""
    found = [(option, *_content(option, value)) for option, value in options if option in BODIES]
    if not found:
        return "", b"", ""
    kind = found[-1][0]
    between = b"" if kind == "--json" else b"&"
    return kind, between.join(content for _, content, _ in found), found[0][2] if len(found) == 1 else ""


def _part(option: str, value: str) -> Part:
    """Return a field of a form; --form-string takes its value as it is."""
    if option == "-F":
        return parse_part(value, "curl -F")
    name, equals, content = value.partition("=")
    if not equals or not name:
        raise UsageError("curl --form-string: write it as FIELD=VALUE")
    return Part(name, content)


def _urlencoded(value: str) -> bytes:
    """Return what --data-urlencode makes of a value: CONTENT, =CONTENT, NAME=CONTENT, @FILE or NAME@FILE."""
    option = "curl --data-urlencode"
    name, equals, content = value.partition("=")
    if equals:
        text = template(content).around(quote_plus)
    elif "@" in value:
        name, _, file = value.partition("@")
        text = quote_plus(read_file(file, option))
    else:
        name, text = "", template(value).around(quote_plus)
    return encoded(f"{name}={text}" if name else text, option)


def _content(option: str, value: str) -> tuple[bytes, str]:
    """Return a body, and the file that it is if it is one, byte by byte."""
    if option == "--data-urlencode":
        return _urlencoded(value), ""
    if not value.startswith("@") or option == "--data-raw":
        return encoded(value, f"curl {option}"), ""
    content = read_file(value[1:], f"curl {option}")
    if option != "-d":
        return content, value[1:]
    if not is_text(content):
        raise UsageError(f"curl -d {value}: this is not text; give it with --data-binary")
    return content.replace(b"\r", b"").replace(b"\n", b""), ""  # as curl does


def _path_of(urls: list[str]) -> tuple[str, str]:
    """Return a URL's path and query, and all that comes before it."""
    if len(urls) != 1:
        raise UsageError(f"curl: {'one URL at a time' if urls else 'there is no URL in it'}")
    parts = _URL.fullmatch(urls[0])
    scheme, host, path = parts.groups("") if parts else ("", "", urls[0])
    if "@" in host:
        raise refusal("curl: a user or password in the URL", "Authorization: Basic ${TOKEN}")
    return path if path.startswith("/") else f"/{path}", scheme + host
