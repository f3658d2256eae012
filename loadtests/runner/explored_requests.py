"""What both sides are asked when they are explored: requests that their OpenAPI documents allow.

Documents are asked for over HTTP, as anybody would; an app that serves none has one all the same. To think of requests
is a matter of ``openapi_cases``, in a process of its own.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any
from urllib.parse import urlsplit

from loadtests.experiment.exploration import Exploration
from loadtests.experiment.message import Message
from loadtests.experiment.request import READING, Request, parse_header
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.templates import template
from loadtests.servers.app_check import openapi_of
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.connections import Trust
from loadtests.system.errors import RunError, UsageError
from loadtests.system.processes import Child

DOCUMENT_S = 5.0
"""A side may take so long to answer with its document."""
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class ExploredRequest:
    """A request that a document allows, and the route that it is of, as the document has it."""

    route: str
    request: Request


def shared_headers(scenarios: Iterable[Scenario]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return the headers that all requests of all scenarios have, and what fills their places.

    A credential is most often among them. What says what a body is goes with that body alone.
    """
    requests: list[Request] = []
    environment: dict[str, str] = {}
    for scenario in scenarios:
        requests += scenario.requests
        environment |= scenario.variables().environment
    first = requests[0].headers if requests else ()
    shared = [
        header
        for header in first
        if all(header in request.headers for request in requests)
        and header[0].lower() != "content-type"
        and set(template(header[1]).names) <= environment.keys()
    ]
    return shared, environment


def documents_of(exploration: Exploration, servers: Sequence[Server]) -> list[dict[str, Any]]:
    """Return the sides' OpenAPI documents, each different one once; raises UsageError if there is none."""
    found: list[dict[str, Any]] = []
    missing: list[str] = []
    for server in servers:
        document, why_not = _document(exploration.document, server)
        if document is None:
            missing.append(f"{server.side.spec} {why_not}")
        elif document not in found:
            found.append(document)
    if not found:
        raise UsageError(
            f"--explore: no side has an OpenAPI document at {exploration.document} ({'; '.join(missing)}); say where it"
            " is with --explore-document PATH"
        )
    return found


def _document(path: str, server: Server) -> tuple[dict[str, Any] | None, str]:
    """Return a side's document as it serves it, else as its app has it; or None, and why.

    Its paths are those that are asked: of a side with a base path, what follows that.
    """
    base = urlsplit(server.url).path
    document, why_not = _served(path, server.url, server.trust)
    if document is not None:
        return _below(document, base) or document, ""  # one that is served there may count its paths from there
    if base:
        document, _ = _served(path, server.url.removesuffix(base), server.trust)
    if document is None and server.side.app:
        with contextlib.suppress(UsageError):
            document = openapi_of(server.side)
    if document is None:
        return None, why_not
    found = _below(document, base) if base else document
    return found, "" if found else f"has a document without a path below {base}"


def _served(path: str, url: str, trust: Trust) -> tuple[dict[str, Any] | None, str]:
    """Return the document that is served at a path below a URL; or None, and why."""
    try:
        with closing(ProbeConnection(url, DOCUMENT_S, trust)) as connection:
            message = Message(urlsplit(url), Request("GET", path))
            message.keeps_body = True
            answer = connection.exchange(message)
        document = json.loads(answer.body) if answer.status == HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, f"gave none: {error or type(error).__name__}"
    if isinstance(document, dict) and "paths" in document:
        return document, ""
    return None, f"answers {answer.status}" if document is None else "answers something else"


def _below(document: dict[str, Any], base: str) -> dict[str, Any] | None:
    """Return a document with nothing but the paths below a base path, counted from there; None if there are none."""
    paths = {path.removeprefix(base): item for path, item in document["paths"].items() if path.startswith(f"{base}/")}
    return {**document, "paths": paths} if paths else None


def think(
    exploration: Exploration, documents: Sequence[dict[str, Any]], work: Path, deadline: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return requests that the documents allow, and routes that were left out, with the reason; raises RunError."""
    work.mkdir(parents=True, exist_ok=True)
    methods = [method for method in METHODS if exploration.writes or method in READING]
    wanted = {"documents": documents, "methods": methods, "cases": exploration.cases, "seed": exploration.seed}
    files = wanted_file, found_file = work.absolute() / "wanted.json", work.absolute() / "found.json"
    wanted_file.write_text(json.dumps(wanted), encoding="utf-8")
    with Child("loadtests.runner.openapi_cases", [*map(str, files)], log=work / "log") as child:
        try:
            status = child.process.wait(max(0.0, deadline - time.monotonic()))
        except TimeoutExpired:
            raise RunError(
                f"--explore: generating requests took more than {exploration.seconds:g} s; give it more --explore-time"
            ) from None
    if status or not found_file.is_file():
        raise RunError(f"--explore: no requests could be generated from the OpenAPI documents: {child.last_words()}")
    found = json.loads(found_file.read_text(encoding="utf-8"))
    return found["cases"], found["left_out"]


def request_of(case: Mapping[str, Any], shared: Sequence[tuple[str, str]]) -> Request:
    """Return a case as a request; what looks like a place in it is none."""
    taken = {name.lower() for name, _ in shared}
    own = [(name, _plain(value)) for name, value in case["headers"] if name.lower() not in taken]
    return Request(
        case["method"],
        _plain(case["path"]),
        (*(header for header in own if _can_be_sent(header)), *shared),
        _plain(case["body"]).encode("latin-1"),
        status=None,
    )


def _plain(text: str) -> str:
    return text.replace("${", "$${")


def _can_be_sent(header: tuple[str, str]) -> bool:
    try:
        parse_header(": ".join(header))
    except UsageError:
        return False
    return True
