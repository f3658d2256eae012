"""A side of an experiment: an app or the URL of a server that runs, with its settings (pure)."""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from loadtests.experiment.blog import BUILDS, check_blog
from loadtests.experiment.side_text import ENV
from loadtests.system.errors import UsageError

Collector = Literal["default", "freeze"]
"""``default``: Python's own. ``freeze``: what was imported is never looked through again (``gc.freeze``)."""
SideLabel = Literal["a", "b"]
LABELS: tuple[SideLabel, SideLabel] = ("a", "b")
PORT = "port"
HOST = "host"
LOOPBACK = "127.0.0.1"
"""Where a side listens that nobody wants elsewhere: only this machine reaches it."""
COMMANDS: Mapping[str, str] = {
    "granian": "{python} -m granian --interface asgi --host {host} --port {port} --workers {workers} {app}",
    "hypercorn": "{python} -m hypercorn --bind {host}:{port} --workers {workers} {app}",
    "gunicorn": "{python} -m gunicorn --worker-class uvicorn.workers.UvicornWorker --bind {host}:{port}"
    " --workers {workers} {app}",
}
"""How other servers than uvicorn are started."""


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
