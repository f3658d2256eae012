"""A side as text: ``NAME[@COMMIT][,key=value…]``, read into its name and settings, and written from them (pure)."""

import re
from collections.abc import Mapping

from loadtests.system.errors import UsageError

ENV = "env."
"""How keys begin that set one of the side's environment variables."""
COMMIT = "commit"
"""The setting that NAME@COMMIT is short for."""
_AT_COMMIT = re.compile(r"(?P<name>|sync|async|[^:@]+(?:@[^:@]+)*?\.py(?::[\w.()]+)?|[\w.]+:[\w.()]+)@(?P<commit>.*)")
_PART = re.compile(r"""(?:[^,"']|"[^"]*"|'[^']*')+""")


def name_and_settings(text: str) -> tuple[str, dict[str, str]]:
    """Return the name of a side, and each key's value, without quotes; raises UsageError if that can't be read."""
    if _PART.sub("", text).strip(","):
        raise UsageError(
            f"side {text!r}: a quote is not closed; a quote inside a value must be within quotes of the other kind"
        )
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


def name_and_commit(name: str) -> tuple[str, str | None]:
    """Return what stands before the first @ of a side's name that can end it, and behind: ``main:app@HEAD~1``.

    Args:
        name: of a side that is no URL. A folder may be called ``a@b``; what precedes the commit ends in ``.py`` then.
    """
    match = _AT_COMMIT.fullmatch(name)
    return (name, None) if match is None else (match["name"], match["commit"])


def of_one_app(a: str, b: str | None, app: str) -> tuple[str, str]:
    """Return both sides, each with an app: a commit alone, ``@HEAD~1``, stands for the other side's app there.

    Args:
        a: the first side, as typed.
        b: the second; None if it was not typed: then it is the first one as it is on disk, without the commit.
        app: the side that both are where neither names one.

    Raises:
        UsageError: a side can't be read, or the other one is a URL, which has no commits.
    """
    name, given = name_and_settings(a)
    name, commit = name_and_commit(name)
    if b is None:
        return of_one_app(a, side_text(name or app, _without_commit(given)), app)
    other_name, other_given = name_and_settings(b)
    other_name, other_commit = name_and_commit(other_name)
    alone_a, alone_b = _is_alone(name, commit, given), _is_alone(other_name, other_commit, other_given)
    if alone_a and alone_b:
        a, b = with_app(a, app), with_app(b, app)
    elif alone_a:
        a = with_app(a, b)
    elif alone_b:
        b = with_app(b, a)
    return a, b


def has_commit(text: str) -> bool:
    """Whether a side is an app at a commit; raises UsageError if it can't be read."""
    name, given = name_and_settings(text)
    return COMMIT in given or (not name.startswith(("http://", "https://")) and name_and_commit(name)[1] is not None)


def is_commit_alone(text: str) -> bool:
    """Whether a side is a commit, and does not say of which app; raises UsageError if it can't be read."""
    name, given = name_and_settings(text)
    return _is_alone(*name_and_commit(name), given)


def _is_alone(name: str, commit: str | None, given: Mapping[str, str]) -> bool:
    return not name and commit is not None and "command" not in given


def with_app(alone: str, other: str) -> str:
    """Return a commit with the name and the settings of another side; its own settings win.

    Args:
        alone: a commit alone, perhaps with settings: ``@HEAD~1,workers=2``.
        other: the other side; its commit and its port are left out.

    Raises:
        UsageError: the other side is a URL, which has no commits.
    """
    _, commit = name_and_commit((own := name_and_settings(alone))[0])
    name, given = name_and_settings(other)
    if name.startswith(("http://", "https://")):
        raise UsageError(f"side {alone!r}: {name} is a running server, which has no commits; write APP{alone}")
    merged = {**_without_commit(given), **own[1]}
    return side_text(f"{name_and_commit(name)[0]}@{commit}", merged)


def _without_commit(given: Mapping[str, str]) -> dict[str, str]:
    """Return settings that two sides can share: a port is one side's own."""
    return {key: value for key, value in given.items() if key not in (COMMIT, "port")}


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
