"""A request as others write it: a ``curl`` command, as browsers copy it and documentation has it (pure)."""

import re
import shlex
from dataclasses import dataclass, replace
from getopt import GetoptError, gnu_getopt

from loadtests.experiment.credentials import FORM, refusal
from loadtests.experiment.files import encoded, is_text, read_file
from loadtests.experiment.request import JSON, Request, parse_header, parse_requests
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
WITHOUT_VALUE = frozenset("-" + letter for letter in "IGksSvifL") | {"--compressed"}
IGNORED = {
    "-k": "a certificate is trusted or not by the system's own list (SSL_CERT_FILE)",
    "-L": "a redirect is an answer here, and is not followed",
}
"""What is left out with a line that says why; other options that change no request are left out in silence."""
HEADERS = {"-b": "cookie", "-A": "user-agent", "-e": "referer"}
BODIES = frozenset({"-d", "--data-raw", "--data-binary", "--json"})
_QUOTED = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\$'(?P<escaped>(?:\\.|[^'\\])*)'|(?P<continued>\\\r?\n)""", re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:u(?P<u>[0-9a-fA-F]{4})|x(?P<x>[0-9a-fA-F]{2})|(?P<c>.))", re.DOTALL)
_URL = re.compile(r"([A-Za-z]+://)?([^/?#]*)(.*)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


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
    notes = [f"curl {option} is left out: {why}" for option, why in IGNORED.items() if option in dict(options)]
    method, headers, bodies, kind = "", [], [], ""
    for option, value in options:
        if option == "-X":
            method = value
        elif option == "-H":
            if not value.strip().endswith(":"):  # without a value it takes away one of curl's own
                headers.append(parse_header(value, "curl -H"))
        elif option in HEADERS:
            headers.append(parse_header(f"{HEADERS[option]}: {value}", f"curl {option}"))
        elif option in BODIES:
            bodies.append(_content(option, value))
            kind = option
    url, left_out = _path_of(urls)
    if left_out:
        notes.append(f"{left_out} is left out: sides say where servers are (--a, --b)")
    given = dict(options)
    file = next((file for _, file in bodies if file), "") if len(bodies) == 1 else ""
    body = b"&".join(content for content, _ in bodies)
    if "-G" in given and body:
        url, body, kind, file = url + ("&" if "?" in url else "?") + body.decode(errors="replace"), b"", "", ""
    method = method or ("HEAD" if "-I" in given else "POST" if kind else "GET")
    named = {name.lower() for name, _ in headers}
    own: tuple[tuple[str, str], ...] = (("content-type", FORM),) if kind else ()
    if kind == "--json":
        own = (JSON, ("accept", "application/json"))
    defaults = [each for each in own if each[0] not in named]
    if len(f"{method} {url}".split()) != 2:
        raise UsageError(f"curl: a URL has no spaces in it, unlike {url!r}")
    [request] = parse_requests(f"{method} {url}")
    return Curl(replace(request, headers=(*defaults, *headers), body=body, body_file=file), tuple(notes))


def _words(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return a command's options, by their short names, with their values; and what else there is: URLs."""
    try:
        command, *words = shlex.split(_QUOTED.sub(_plainly_quoted, text)) or [""]
        found, urls = gnu_getopt(
            words, SHORT, [name[2:] + ("" if short in WITHOUT_VALUE else "=") for name, short in LONG.items()]
        )
    except GetoptError as error:
        raise UsageError(f"curl: {error.msg}; what is understood of it: {_understood()}") from None
    except ValueError as error:
        raise UsageError(f"curl: {error}; quote it as a shell would have it, or give --curl @FILE") from None
    if command != "curl":
        raise UsageError(f"--curl: a command begins with curl, not with {command!r}")
    options = [(LONG.get(name, name), value) for name, value in found]
    for option, _ in options:
        if option == "-u":
            raise UsageError(
                "curl -u: a password that is typed would be written into run.json; export BASIC=$(printf %s"
                " 'user:password' | base64) and write --header 'Authorization: Basic ${BASIC}' in single quotes"
            )
        if option == "-F":
            raise UsageError("curl -F: a multipart form can't be made here; give its bytes with --data @FILE")
    return options, [*(value for option, value in options if option == "--url"), *urls]


def _understood() -> str:
    return ", ".join(["-X", "-H", "-d", "-b", "-A", "-e", "-I", "-G", "--data-raw", "--data-binary", "--json", "--url"])


def _plainly_quoted(word: re.Match[str]) -> str:
    """Return what shlex understands in place of ``$'…'`` and of a line that goes on; all else as it is."""
    if word["continued"]:
        return " "
    if word["escaped"] is None:
        return word[0]
    plain = _ESCAPE.sub(_character, word["escaped"])
    return shlex.quote(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _character(escape: re.Match[str]) -> str:
    code = escape["u"] or escape["x"]
    return chr(int(code, 16)) if code else _ESCAPED.get(escape["c"], escape["c"])


def _content(option: str, value: str) -> tuple[bytes, str]:
    """Return a body, and the file that it is if it is one, byte by byte."""
    if not value.startswith("@") or option == "--data-raw":
        return encoded(value, f"curl {option}"), ""
    content = read_file(value[1:], f"curl {option}")
    if option != "-d":
        return content, value[1:]
    if not is_text(content):
        raise UsageError(f"curl -d {value}: this is no text; give it with --data-binary")
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
