"""A side as text: ``NAME[,key=value…]``, read into its name and settings, and written from them (pure)."""

import re
from collections.abc import Mapping

from loadtests.system.errors import UsageError

ENV = "env."
"""How keys begin that set one of the side's environment variables."""
_PART = re.compile(r"""(?:[^,"']|"[^"]*"|'[^']*')+""")


def name_and_settings(text: str) -> tuple[str, dict[str, str]]:
    """Return the name of a side, and each key's value, without quotes; raises UsageError if that can't be read."""
    if _PART.sub("", text).strip(","):
        raise UsageError(f"side {text!r}: a quote in it is not closed; in a value it goes within the other kind")
    name, *pairs = [part.strip() for part in _PART.findall(text)] or [""]
    name = _unquoted(name)
    if "=" in name and not name.startswith(("http://", "https://")):  # a command needs no name
        name, pairs = "", [name, *pairs]
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not value or (value in ("''", '""') and not key.startswith(ENV)):
            raise UsageError(f"side {text!r}: {pair!r} should read key=value")
        if key in given:
            raise UsageError(f"side {text!r}: {key} is given twice")
        value = _unquoted(value)
        given[key] = value
    return name, given


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def side_text(name: str, given: Mapping[str, str]) -> str:
    """Return a side as it is typed, from which ``name_and_settings`` makes the same again.

    Args:
        name: of an app, or a URL; empty for a command alone.
        given: its settings.

    Raises:
        UsageError: a name, or a value, can't be written so.
    """
    if wrong := next((sign for sign in ",='\"" if sign in name and "://" not in name), None):
        raise UsageError(f"{name!r} can't hold a {wrong}: settings are keys of their own")
    return ",".join([*filter(None, [name]), *(f"{key}={_quoted(key, value)}" for key, value in given.items())])


def _quoted(key: str, value: str) -> str:
    if value and not re.search(r"[\s,'\"]", value):
        return value
    quote = next((sign for sign in "'\"" if sign not in value), None)
    if quote is None:
        raise UsageError(f"{key} can't hold both kinds of quotes; write it into a file")
    return f"{quote}{value}{quote}"
