"""A side as it is written on the command line, with its settings (pure).

``NAME[@COMMIT][,key=value…]``, where NAME is a build of the blog, an app (``package.module:app``, ``folder/main.py``),
or the URL of a server that runs already, and COMMIT any name that git has for one. A value with a comma in it is
written in quotes.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import PurePath
from urllib.parse import urlsplit

from pydantic import ValidationError

from loadtests.experiment.blog import BUILDS, DATABASE_DRIVER, check_blog, find_settings
from loadtests.experiment.credentials import names_a_secret, names_a_secret_field
from loadtests.experiment.shell import needs_a_shell
from loadtests.experiment.side_text import COMMIT, ENV, name_and_commit, name_and_settings
from loadtests.experiment.sides import HOST, OF_UVICORN, PORT, Launch, ServerSettings, Side
from loadtests.system.errors import UsageError

USUAL_APP = "app"
"""What an app is called where a file is named alone, as FastAPI's own command has it."""
PLACES = frozenset({PORT, HOST, "python", "workers", "app"})
"""What a command may have in braces."""
_APP = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<attribute>\w+(?:\.\w+)*(?:\(\))?)")
_FILE = re.compile(r"(?P<path>[^:]+\.py)(?::(?P<attribute>\w+(?:\.\w+)*(?:\(\))?))?")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")
_PASSWORD_IN_URL = re.compile(r"://[^/@:\s]*:(?!\$\{)[^/@\s]+@")
OF_A_URL = frozenset({"ready", "pid", "agent"})
"""Settings that a server can have that runs already."""
COMMANDS_OF_A_SIDE = frozenset({"command", "setup", "reset"})
"""Settings that are commands."""


def parse_side(text: str) -> Side:
    """Parse ``NAME[,key=value…]``; raises UsageError if name, key or value is no good."""
    name, given = name_and_settings(text)
    if name.startswith(("http://", "https://")):
        return _side_of_url(text, name, given)
    name, commit = name_and_commit(name)
    if commit is not None:
        if COMMIT in given:
            raise UsageError(f"side {text!r}: commit is given twice")
        if not name and "command" not in given:
            raise UsageError(f"side {text!r}: a commit of what? write sync{text}, or package.module:app{text}")
        given[COMMIT] = commit
    _check_recorded(given)
    app, folder = _app_of(text, BUILDS.get(name, name), given)
    launch, server, rest = _sorted(text, given)
    knobs = check_blog(f"side {text!r}") if app in BUILDS.values() else find_settings()
    known = knobs.model_fields if knobs else {}
    if unknown := [key for key in rest if key not in known]:
        offered = ", ".join([*known, *ServerSettings.model_fields, *Launch.model_fields]).replace("env,", "env.NAME,")
        raise UsageError(f"side {text!r}: unknown setting {unknown[0]!r}; choose one of: {offered}")
    if own := next((key for key in ("pid", "agent") if key in launch), None):
        raise UsageError(f"side {text!r}: {own} is for a server that runs already, beside its URL")
    try:
        settings = ServerSettings.model_validate(server)
        if knobs:
            knobs.model_validate(rest)
        started = Launch.model_validate({"dir": folder, **launch})
    except ValidationError as error:
        raise _invalid(text, error) from None
    side = Side(text, app, None, tuple(rest.items()), settings, started)
    _check_command(side, server)
    _check_own_commands(side)
    if app == BUILDS["async"] and rest.get("loading") == "lazy":
        raise UsageError(f"side {text!r}: async SQLAlchemy cannot load lazily; loading=lazy is for the sync build")
    if app == BUILDS["sync"] and rest.get(DATABASE_DRIVER) == "asyncpg":
        raise UsageError(f"side {text!r}: a Session cannot use asyncpg; that is for the async build")
    return side


def _check_recorded(given: Mapping[str, str]) -> None:
    """Raise UsageError if a secret was typed, which is not repeated: a side is recorded as it was written."""
    for key, value in given.items():
        name = key.removeprefix(ENV)
        secret = key.startswith(ENV) and names_a_secret(name) and not value.startswith("${")
        if secret or _PASSWORD_IN_URL.search(value) or (key in COMMANDS_OF_A_SIDE and _has_a_secret(value)):
            raise UsageError(
                f"side: what is typed for {key} would be written into run.json, and it holds a secret; write "
                f"'env.{name if key.startswith(ENV) else 'NAME'}=${{NAME}}' in single quotes, with NAME set in your "
                "shell, or use env_file="
            )


def _has_a_secret(command: str) -> bool:
    """Whether a command holds what looks like a secret: NAME=value, or an option with its value."""
    try:
        words = shlex.split(command)
    except ValueError:  # said where the command is checked
        return False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("-"):
            value, suspicious = value if equals else following, names_a_secret_field(name)
        else:
            suspicious = bool(equals) and names_a_secret(name)
        if suspicious and value and not value.startswith(("-", "$", "{")):
            return True
    return False


def _app_of(text: str, name: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Return the app's import string and its folder."""
    if match := _APP.fullmatch(name):
        return name, "."
    if match := _FILE.fullmatch(name):
        path = PurePath(match["path"])
        if "dir" in given:
            raise UsageError(f"side {text!r}: {path} names its folder already; leave out dir, or write {path.stem}:app")
        return f"{path.stem}:{match['attribute'] or USUAL_APP}", str(path.parent)
    if not name and "command" in given:
        return "", "."
    raise UsageError(
        f"unknown side {text!r}: write sync, async, package.module:app, folder/main.py or http://127.0.0.1:8000"
    )


def _sorted(text: str, given: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str], dict[str, str]]:
    """Return what is about starting it, what is about the server around it, and the rest."""
    env: list[tuple[str, str]] = []
    launch: dict[str, object] = {}
    server: dict[str, str] = {}
    rest: dict[str, str] = {}
    for key, value in given.items():
        if key.startswith(ENV):
            if not _VARIABLE.fullmatch(key.removeprefix(ENV)):
                raise UsageError(f"side {text!r}: {key!r} should read env.NAME=value")
            env.append((key.removeprefix(ENV), value))
        elif key in Launch.model_fields and key != "env":
            launch[key] = value
        elif key in ServerSettings.model_fields:
            server[key] = value
        else:
            rest[key] = value
    return (launch | {"env": tuple(env)} if env else launch), server, rest


def _check_command(side: Side, given: Mapping[str, str]) -> None:
    """Raise UsageError if a side is not started by the harness's uvicorn, and asks for what only that has."""
    if side.starts_uvicorn:
        return
    own = f"command={side.launch.command!r}" if side.launch.command else f"server={side.server.server}"
    if useless := next((key for key in given if key in OF_UVICORN), None):
        raise UsageError(
            f"side {side.spec!r}: {useless} is for uvicorn as the harness starts it; {own} has its own way"
        )
    if side.launch.command is None:
        return
    if (wrong := needs_a_shell("command", side.launch.command)) is not None:
        raise UsageError(f"side {side.spec!r}: {wrong}")
    try:
        places = side.places
    except ValueError as error:
        raise UsageError(f"side {side.spec!r}: {own} can't be read ({error}); a brace is written {{{{") from None
    if unknown := places - PLACES:
        raise UsageError(
            f"side {side.spec!r}: {own} has {{{min(unknown)}}}; choose one of: {', '.join(sorted(PLACES))}"
        )
    if PORT not in places and side.server.port is None:
        raise UsageError(f"side {side.spec!r}: {own} needs {{port}}, or port= beside it, to be found")


def _check_own_commands(side: Side) -> None:
    """Raise UsageError if what sets a side up, or puts it back, can't be read as a command."""
    for name, command in (("setup", side.launch.setup), ("reset", side.launch.reset)):
        try:
            words = ["none"] if command is None else shlex.split(command)
        except ValueError as error:
            raise UsageError(f"side {side.spec!r}: {name}={command!r} can't be read ({error})") from None
        if not words:
            raise UsageError(f"side {side.spec!r}: {name} holds no command")
        if command is not None and (wrong := needs_a_shell(name, command)) is not None:
            raise UsageError(f"side {side.spec!r}: {wrong}")


def _invalid(text: str, error: ValidationError) -> UsageError:
    first = error.errors()[0]
    return UsageError(f"side {text!r}: {first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}")


def _side_of_url(text: str, url: str, given: Mapping[str, str]) -> Side:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise UsageError(f"side {text!r}: write the base URL alone, as in http://127.0.0.1:8000")
    if "@" in parts.netloc:  # not repeated: it may be a password
        raise UsageError(
            "side: a user and password in its URL would be written into run.json; leave them out; export BASIC=$(printf"
            " %s 'user:password' | base64) and write --header 'Authorization: Basic ${BASIC}' in single quotes"
        )
    if "path" in given:
        raise UsageError(f"side {text!r}: write the path into its URL, as in {url.rstrip('/')}{given['path']}")
    if own := [key for key in given if key not in OF_A_URL]:
        raise UsageError(f"side {text!r}: a running server has its settings already; leave out {own[0]!r}")
    if {"pid", "agent"} <= given.keys():
        raise UsageError(f"side {text!r}: pid and agent tell the same; leave out one of them")
    try:
        launch = Launch.model_validate(given)
    except ValidationError as error:
        raise _invalid(text, error) from None
    return Side(text, None, url.rstrip("/"), (), ServerSettings(), launch)
