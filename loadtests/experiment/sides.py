"""A side of an experiment and its settings, as they are written on the command line (pure).

``NAME[@COMMIT][,key=value…]``, where NAME is a build of the blog, an app (``package.module:app``, ``folder/main.py``),
or the URL of a server that runs already, and COMMIT any name that git has for one. A value with a comma in it is
written in quotes.
"""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path, PurePath
from string import Formatter
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from loadtests.experiment.blog import BUILDS, DATABASE_DRIVER, check_blog, find_settings
from loadtests.experiment.credentials import names_a_secret, names_a_secret_field
from loadtests.experiment.shell import needs_a_shell
from loadtests.experiment.side_text import COMMIT, ENV, name_and_commit, name_and_settings
from loadtests.system.errors import UsageError

Collector = Literal["default", "freeze"]
"""``default``: Python's own. ``freeze``: what was imported is never looked through again (``gc.freeze``)."""
SideLabel = Literal["a", "b"]
LABELS: tuple[SideLabel, SideLabel] = ("a", "b")
PORT = "port"
HOST = "host"
LOOPBACK = "127.0.0.1"
"""Where a side listens that nobody wants elsewhere: only this machine reaches it."""
USUAL_APP = "app"
"""What an app is called where a file is named alone, as FastAPI's own command has it."""
COMMANDS: Mapping[str, str] = {
    "granian": "{python} -m granian --interface asgi --host {host} --port {port} --workers {workers} {app}",
    "hypercorn": "{python} -m hypercorn --bind {host}:{port} --workers {workers} {app}",
    "gunicorn": "{python} -m gunicorn --worker-class uvicorn.workers.UvicornWorker --bind {host}:{port}"
    " --workers {workers} {app}",
}
"""How other servers than uvicorn are started."""
PLACES = frozenset({PORT, HOST, "python", "workers", "app"})
"""What a command may have in braces."""
_APP = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<attribute>\w+(?:\.\w+)*(?:\(\))?)")
_FILE = re.compile(r"(?P<path>[^:]+\.py)(?::(?P<attribute>\w+(?:\.\w+)*(?:\(\))?))?")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


class ServerSettings(BaseModel):
    """Knobs of the server around an app; named, so that nothing is left to uvicorn's "auto"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: Literal["uvicorn", "granian", "hypercorn", "gunicorn"] = "uvicorn"
    loop: Literal["uvloop", "asyncio"] = "uvloop"
    http: Literal["httptools", "h11"] = "httptools"
    workers: int = Field(1, ge=1, le=64)
    gc: Collector = "freeze"
    observe: Literal["off", "on"] = "off"
    port: int | None = Field(None, ge=1, le=65535, description="A free one if None.")
    change: str | None = Field(
        None, pattern=r"^(def|inline):[\w.<>]+$", description="Made in the app's process; see inside/changes.py."
    )


OF_UVICORN = frozenset({"loop", "http", "gc", "observe", "change"})
"""Settings that the harness has only where it starts uvicorn itself."""
PLAIN: Mapping[str, tuple[str, str]] = {"uvloop": ("loop", "asyncio"), "httptools": ("http", "h11")}
"""By package: the setting that asks for it, and what uvicorn has in its place."""
_PASSWORD_IN_URL = re.compile(r"://[^/@:\s]*:(?!\$\{)[^/@\s]+@")


def _from_the_slash(path: str) -> str:
    if not re.fullmatch(r"/[^\s#]*", path):
        raise ValueError("write it from the slash on, as in /health")
    return path


def _base_path(path: str) -> str:
    if "?" in path:
        raise ValueError("a base path has no query; write that in the request")
    return _from_the_slash(path).rstrip("/")


def _commit(name: str) -> str:
    if not re.fullmatch(r"[^\s:-][^\s:]*", name):
        raise ValueError("write a commit, a branch or a tag, as in @HEAD~1 or @v1.2")
    return name


def _agent(where: str) -> str:
    match = re.fullmatch(r"(?:(?:[\w.-]+|\[[\da-fA-F:.]+\]):)?(?P<port>\d{1,5})", where, re.ASCII)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise ValueError("write its port, as in agent=9000, or HOST:PORT")
    return where


class Launch(BaseModel):
    """How a side is started, as its owner would.

    Attributes:
        dir: the folder it is started in, and imported from.
        python: its own interpreter; None for the harness's.
        env: variables, by name; ``${NAME}`` in a value stands for one of the harness's own.
        env_file: a file of such variables, a line each.
        command: what starts it, with ``{port}`` in it; None to have it started by ``server``.
        path: the base path under which all requests go, without a slash at its end; empty for none.
        ready: the path that is asked until it answers, from the root on.
        start_limit: how long it may take until then, in seconds; None for what the run says.
        setup: a command that is run in its folder before each of its starts.
        reset: a command that is run there after the warm-up, and after each cell, if what is asked writes.
        pid: of a server that runs already on this machine, so that its CPU time is read and it is pinned.
        agent: of a server that runs already: the port of the agent on its host that tells what it uses, or HOST:PORT.
        commit: of the git repository that ``dir`` is in: the side is run as it was there; None for as it is on disk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dir: str = "."
    python: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    env_file: str | None = None
    command: str | None = None
    path: Annotated[str, AfterValidator(_base_path)] = ""
    ready: Annotated[str, AfterValidator(_from_the_slash)] = "/"
    start_limit: float | None = Field(None, gt=0, le=600)
    setup: str | None = None
    reset: str | None = None
    pid: int | None = Field(None, ge=1)
    agent: Annotated[str | None, AfterValidator(lambda where: None if where is None else _agent(where))] = None
    commit: Annotated[str | None, AfterValidator(lambda name: None if name is None else _commit(name))] = None


OF_A_URL = frozenset({"ready", "pid", "agent"})
"""Settings that a server can have that runs already."""


@dataclass(frozen=True)
class Side:
    """One arm of an experiment: an app plus its settings, or the URL of a server that runs already.

    Attributes:
        spec: as written: ``sync``, ``async,loop=asyncio``, ``main:app,dir=before``, ``http://127.0.0.1:8000``.
        app: import string, or None if it is a URL.
        url: base URL without a trailing slash, or None if the harness starts it.
        knobs: the blog's settings that were given, by name, as text.
        server: settings of the server around the app.
        launch: how it is started.
        checkout: where its commit was checked out for this run: in that folder it is started; None if it has no commit,
            or was not checked out yet.
    """

    spec: str
    app: str | None
    url: str | None
    knobs: tuple[tuple[str, str], ...]
    server: ServerSettings
    launch: Launch = Launch()  # noqa: RUF009 - frozen
    checkout: Path | None = None

    @property
    def is_build(self) -> bool:
        """Whether it is one of the blog's builds."""
        return self.app in BUILDS.values()

    @property
    def is_own_build(self) -> bool:
        """Whether it is one of the blog's builds as it is on disk, where tests keep both alike."""
        return self.is_build and self.launch.commit is None

    @property
    def starts_uvicorn(self) -> bool:
        """Whether the harness starts uvicorn in the side's interpreter, and so can look inside."""
        return self.url is None and self.launch.command is None and self.server.server == "uvicorn"

    def command(self, python: str, port: int, host: str = LOOPBACK) -> list[str]:
        """Return what starts it where it is not the harness's own uvicorn.

        Args:
            python: its interpreter.
            port: where it is to listen.
            host: the address there.
        """
        template = self.launch.command or COMMANDS[self.server.server]
        values = {
            "python": python,
            PORT: str(port),
            HOST: host,
            "workers": str(self.server.workers),
            "app": str(self.app),
        }
        return [part.format(**values) for part in shlex.split(template)]

    @property
    def places(self) -> frozenset[str]:
        """What its own command has in braces, as ``{port}``; raises ValueError if that can't be read."""
        words = shlex.split(self.launch.command or "")
        return frozenset(name for word in words for _, name, *_ in Formatter().parse(word) if name)

    def environment(self) -> dict[str, str]:
        """Return the variables that set the blog's knobs; what is not named has its default."""
        return {f"BLOG_{name.upper()}": value for name, value in self.knobs}

    @property
    def agent_address(self) -> str | None:
        """Host and port of the agent of a server that runs already; None if it has none."""
        if self.launch.agent is None or not self.launch.agent.isdecimal():
            return self.launch.agent
        host = str(urlsplit(self.url or "").hostname)
        return f"[{host}]:{self.launch.agent}" if ":" in host else f"{host}:{self.launch.agent}"

    def copy_on_free_port(self) -> "Side":
        """Return the same side without a port of its own, so that both can run at the same time."""
        return replace(self, server=self.server.model_copy(update={"port": None}))

    def settings(self) -> dict[str, object]:
        """Every setting by name, defaults included, as the manifest records them; of variables those that were typed.

        What a variable's value refers to (``${TOKEN}``) is not looked up.
        """
        given = self.launch.model_dump(exclude_defaults=True, exclude={"env"})
        given |= {f"{ENV}{name}": value for name, value in self.launch.env}
        if self.url is not None:
            return {"url": self.url, **given}
        known = self.server.model_dump(exclude=None if self.starts_uvicorn else set(OF_UVICORN))
        everything: dict[str, object] = {"app": self.app, **known, **given}
        if self.is_own_build:  # another commit may have other defaults
            fields = check_blog(f"side {self.spec!r}").model_fields
            everything |= {name: field.default for name, field in fields.items()}
        return everything | dict(self.knobs)


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


def without(side: Side, missing: Collection[str], has: Collection[str] | None) -> Side:
    """Return a side as it is where some packages can't be had on every side: all get what uvicorn has in their place.

    Two event loops would be a difference between the sides that nobody asked for. A side that names one keeps it.

    Args:
        side: the side.
        missing: packages of ``PLAIN`` that some side lacks.
        has: what this one has; None if it was not looked.

    Raises:
        UsageError: the side names one that it lacks.
    """
    changed = {}
    for package in missing if side.starts_uvicorn else ():
        setting, plain = PLAIN[package]
        if setting not in side.server.model_fields_set:
            changed[setting] = plain
        elif has is not None and package not in has and getattr(side.server, setting) == package:
            raise UsageError(
                f"side {side.spec!r}: its interpreter has no {package}; install it there, or write {setting}={plain}"
            )
    return replace(side, server=side.server.model_copy(update=changed)) if changed else side


def check_remote(side: Side, allowed: Collection[str]) -> None:
    """Raise UsageError if a side is on another machine that was not allowed by its name."""
    host = urlsplit(side.url).hostname if side.url is not None else None
    if host is None or host in allowed or host == "localhost" or host.endswith(".localhost"):
        return
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or not (address.is_loopback or address.is_unspecified):
        raise UsageError(
            f"side {side.spec!r} is on another machine, which load may harm; if it is yours, add --allow-remote {host}"
        )


COMMANDS_OF_A_SIDE = frozenset({"command", "setup", "reset"})
"""Settings that are commands."""


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
