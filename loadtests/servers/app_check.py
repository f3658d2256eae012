"""Try each side's app with its own interpreter before anything is written, and settle which event loop they run on."""

import json
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from subprocess import TimeoutExpired
from typing import Any, Literal
from urllib.parse import urlsplit

import psutil

from loadtests.experiment.sides import Side, without
from loadtests.servers.agent_check import check_agents
from loadtests.servers.agent_messages import About
from loadtests.servers.endpoints import Endpoint, Endpoints, endpoints_told
from loadtests.servers.launch import SCRIPT, command_of, environment_of, folder_of, python_of, try_of
from loadtests.servers.readiness import MORE_TIME
from loadtests.system.errors import UsageError
from loadtests.system.owned_folder import owned_folder
from loadtests.system.processes import Child

LIMIT_S = 30.0
"""How long an import may take where no start limit is longer."""
BESIDE_LIMIT_S = 10.0
"""How long it may take where only readers want what it tells."""


@dataclass(frozen=True)
class Installed:
    """What a side's own interpreter has.

    Attributes:
        python: its version.
        versions: of the packages that matter, by name.
    """

    python: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedSides:
    """Sides that can be started.

    Attributes:
        sides: as they were given; where one has no uvloop or httptools, without them, unless they asked for them.
        installed: by the text of a side, what its interpreter has; nothing for builds of the blog and for commands.
        endpoints: by the text of a side, what answers the requests in its app; nothing for builds of the blog.
        agents: by the text of a side, what its agent tells of itself and its server, if it has one.
    """

    sides: tuple[Side, ...]
    installed: dict[str, Installed] = field(default_factory=dict)
    endpoints: dict[str, Endpoints] = field(default_factory=dict)
    agents: dict[str, About] = field(default_factory=dict)


def check_sides(
    sides: Sequence[Side], start_limit_s: float = 0.0, requests: Sequence[tuple[str, str]] = ()
) -> CheckedSides:
    """Import the sides' apps, each in a process of its own; our own builds are there, which would only take time.

    Args:
        sides: those to try.
        start_limit_s: how long a side may take to start, in seconds; its import may take as long, or LIMIT_S.
        requests: method and path of those whose handlers are looked for.

    Raises:
        UsageError: one can't be had; the message is what is wrong, in one line.
    """
    for side in sides:
        _check_command(side)
        _check_process(side)
    agents = check_agents(sides)
    tried = [side for side in dict.fromkeys(sides) if _is_tried(side)]
    answers = _ask(tried, "try", start_limit_s, requests)
    endpoints = {spec: _endpoints(requests, found) for spec, found in answers.items()}
    if requests:
        endpoints |= {side.spec: _endpoints_beside(side, requests) for side in dict.fromkeys(sides) if _has_app(side)}
    installed = {spec: Installed(found["python"], found["versions"]) for spec, found in answers.items()}
    missing = {
        package
        for side in sides
        if side.starts_uvicorn and side.spec in installed
        for package in ("uvloop", "httptools")
        if package not in installed[side.spec].versions
    }
    has = {spec: frozenset(found.versions) for spec, found in installed.items()}
    settled = tuple(without(side, missing, has.get(side.spec)) for side in sides)
    return CheckedSides(settled, installed, endpoints, agents)


def openapi_of(side: Side) -> dict[str, Any]:
    """Return the OpenAPI document of a side's app; raises UsageError if that can't be had."""
    if side.app in (None, ""):
        raise UsageError(f"side {side.spec!r}: name the app itself, as package.module:app or folder/main.py")
    document: dict[str, Any] = _ask([side], "openapi", 0.0)[side.spec]["openapi"]
    return document


def _is_tried(side: Side) -> bool:
    return side.app not in (None, "") and not side.is_own_build and side.launch.command is None


def _has_app(side: Side) -> bool:
    """Whether a side is started by a command of its own, and yet names the app behind that."""
    return bool(side.app) and side.launch.command is not None


def _endpoints(requests: Sequence[tuple[str, str]], found: Mapping[str, Any]) -> Endpoints:
    try:
        return endpoints_told(requests, found)
    except ValueError:
        return dict.fromkeys(requests, Endpoint(missing="what its process told of it can't be read"))


def _endpoints_beside(side: Side, requests: Sequence[tuple[str, str]]) -> Endpoints:
    """Return what answers the requests in an app that a command starts; why that is not known, if it can't be had.

    Its owner's command may give it what an import lacks, so that nothing is wrong if that fails.
    """
    try:
        return _endpoints(requests, _ask([side], "try", 0.0, requests, BESIDE_LIMIT_S)[side.spec])
    except UsageError as error:
        why = f"its app could not be imported beside its command ({str(error).removeprefix(f'side {side.spec!r}: ')})"
        return dict.fromkeys(requests, Endpoint(missing=why))


def _check_command(side: Side) -> None:
    """Raise UsageError if a command of a side is not there."""
    launch = side.launch
    commands = {"to start it with": command_of(side, 0)} if launch.command is not None else {}
    commands |= {
        f"for {name}": shlex.split(own) for name, own in (("setup", launch.setup), ("reset", launch.reset)) if own
    }
    for what, (first, *_) in commands.items():
        found = shutil.which(first, path=environment_of(side, {}).get("PATH"))
        if found is None and not (folder_of(side) / first).is_file():
            raise UsageError(
                f"side {side.spec!r}: there is no program {first!r} {what}; no shell reads the command: set variables"
                " with env.NAME=value, and use sh -c '…' for anything else that needs a shell"
            )


def _check_process(side: Side) -> None:
    """Raise UsageError if a side's pid is no process that listens where its URL says; its CPU time is to be read."""
    pid = side.launch.pid
    if side.url is None or pid is None:
        return
    url = urlsplit(side.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
        ports = {each.laddr.port for process in family for each in process.net_connections("tcp") if each.laddr}
    except psutil.NoSuchProcess:
        raise UsageError(f"side {side.spec!r}: there is no process {pid} on this machine") from None
    except psutil.AccessDenied:
        raise UsageError(f"side {side.spec!r}: process {pid} is another user's; leave out pid") from None
    if port not in ports:
        listens = f"listens on {', '.join(map(str, sorted(ports)))}" if ports else "listens nowhere"
        raise UsageError(f"side {side.spec!r}: process {pid} {listens}, not on {port}")


def _ask(
    sides: Sequence[Side],
    what: Literal["try", "openapi"],
    start_limit_s: float,
    requests: Sequence[tuple[str, str]] = (),
    least_limit_s: float | None = None,
) -> dict[str, dict[str, Any]]:
    """Return what the script inside says of each side, by its text; raises UsageError if something is wrong."""
    found: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(owned_folder())
        children, starts = {}, {}
        for number, side in enumerate(sides):
            start = try_of(side, what, requests)
            starts[side] = start
            children[side] = stack.enter_context(
                Child(
                    "loadtests.servers.supervise",
                    [str(start.folder), "", *start.command],
                    log=folder / str(number) / "log",
                    environment=start.environment,
                    hidden="BLOG_",
                    isolated=True,
                )
            )
        begun = time.monotonic()
        for side, child in children.items():
            limit_s = max(least_limit_s or LIMIT_S, side.launch.start_limit or start_limit_s)
            try:
                status = child.process.wait(max(0.0, begun + limit_s - time.monotonic()))
            except TimeoutExpired:
                raise UsageError(f"side {side.spec!r}: its import took more than {limit_s:g} s; {MORE_TIME}") from None
            found[side.spec] = answer = _answer(side, child, status)
            for endpoint in answer.get("endpoints", ()):
                endpoint["lines"] = [starts[side].without_secrets(line) for line in endpoint.get("lines", ())]
    return found


def _answer(side: Side, child: Child, status: int) -> dict[str, Any]:
    """Return what a try has printed at last; an app may print lines of its own, also after that."""
    for line in reversed(child.log.read_text(errors="replace").splitlines()):
        try:
            answer = json.loads(line)
        except ValueError:
            continue
        if isinstance(answer, dict) and "wrong" in answer:
            raise UsageError(f"side {side.spec!r}: {answer['wrong']}")
        if isinstance(answer, dict) and answer.keys() & {"python", "openapi"}:
            return answer
    if "SyntaxError" in (text := child.log.read_text(errors="replace")) and SCRIPT.name in text:
        raise UsageError(f"side {side.spec!r}: {python_of(side)} is older than Python 3.8, the oldest that works")
    reason = child.last_words() or f"its import ended with status {status}"
    raise UsageError(f"side {side.spec!r}: {reason}")
