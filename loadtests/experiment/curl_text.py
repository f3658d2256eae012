"""A request written as a curl command, to be pasted into a shell or behind ``--curl`` (pure)."""

import shlex

from loadtests.experiment.request import Request

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def curl_text(request: Request, origin: str) -> str:
    """Return the command, on one line; a body that is no text is not in it.

    Args:
        request: what it asks for; its places stay as they are.
        origin: scheme, host and port of a server.
    """
    words = ["curl"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != "GET" or request.body:
        words += ["-X", request.method]
    words.append(_quoted(origin + request.path))
    for name, value in request.headers:
        words += ["-H", _quoted(f"{name}: {value}" if value else f"{name};")]
    if request.body:
        try:
            words += ["--data-raw", _quoted(request.body.decode())]
        except UnicodeDecodeError:
            words += ["--data-binary", "@FILE", f"# {len(request.body):,} bytes"]
    return " ".join(words)


def _quoted(text: str) -> str:
    """Quote a word for a shell; one with control characters as bash and zsh read it."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
