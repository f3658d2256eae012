"""The options of ``bench run`` that say more of a request than its method and path.

Without ``--sequence`` each request on the command line is a scenario of its own, and the options hold for all of them.
With it the requests are one scenario, and an option belongs to the request that it stands behind; what stands before
the first one belongs to all.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from loadtests.experiment.credentials import FORM, check_credentials
from loadtests.experiment.curl import parse_curl
from loadtests.experiment.files import encoded, read_file
from loadtests.experiment.request import JSON, READING, Request, parse_header, parse_requests
from loadtests.experiment.scenario import NONE_STATED, Scenario
from loadtests.experiment.takes import parse_take
from loadtests.experiment.templates import template
from loadtests.experiment.values import Values, read_values
from loadtests.system.errors import UsageError

BODIES = {"--json": JSON, "--form": ("content-type", FORM), "--data": ("content-type", "application/octet-stream")}
"""Options that give a request its body, each with what that is taken to be."""
OF_A_SEQUENCE = frozenset({"--take", "--once"})
DECODED = frozenset({"gzip", "x-gzip", "deflate", "identity"})
"""Encodings of an answer that the client can look into."""


class TypedOption(NamedTuple):
    """An option of a request as it was typed.

    Attributes:
        behind: how many scenarios stand before it on the command line.
        name: with its dashes.
        value: empty if it takes none.
    """

    behind: int
    name: str
    value: str = ""


def requests_of(text: str) -> tuple[Request, ...]:
    """Parse ``POST /orders`` or a curl command; return nothing if the text is neither; raises UsageError."""
    return (parse_curl(text).request,) if is_curl(text) else parse_requests(text)


def is_curl(text: str) -> bool:
    """Whether a scenario is written as a curl command."""
    return text.split(maxsplit=1)[:1] == ["curl"]


def custom_scenarios(
    names: Sequence[str], options: Sequence[TypedOption], *, sequence: bool, values: str | None
) -> list[Scenario]:
    """Return the scenarios that requests and their options make; raises UsageError.

    Args:
        names: the requests, as typed.
        options: what more was typed.
        sequence: whether all requests are one scenario, each user's sequence.
        values: a file whose rows fill the requests' places.
    """
    typed = [requests_of(name) for name in names]
    if strange := [name for name, requests in zip(names, typed, strict=True) if not requests]:
        raise UsageError(
            f"scenario {strange[0]!r} is asked as it stands in the catalogue; headers, bodies and the like are for"
            ' requests such as "POST /orders"'
        )
    if not typed:
        raise UsageError('headers, bodies and the like say more of a request: name one, as in "POST /orders"')
    rows = None if values is None else read_values(values)
    if not sequence:
        _check_shared(typed, options)
    made = [
        tuple(with_options(r, [o for o in options if not sequence or o.behind in (0, number)]) for r in requests)
        for number, requests in enumerate(typed, 1)
    ]
    if sequence:
        made = [tuple(request for requests in made for request in requests)]
    return [custom_scenario(requests, sequence=sequence, values=rows) for requests in made]


def _check_shared(typed: Sequence[Sequence[Request]], options: Iterable[TypedOption]) -> None:
    """Raise UsageError for what can't hold for every request there is."""
    requests = [request for each in typed for request in each]
    for option in options:
        if option.name in OF_A_SEQUENCE:
            raise UsageError(f"{option.name} is for a user who sends requests one after another; add --sequence")
        reads = next((request for request in requests if request.method in READING), None)
        if option.name in BODIES and reads and len(requests) > 1:
            raise UsageError(f"{option.name} would go with {reads}, too; ask for that by itself, or add --sequence")


def with_options(request: Request, options: Iterable[TypedOption]) -> Request:
    """Return a request with what its options say of it; raises UsageError."""
    headers: list[tuple[int, tuple[str, str]]] = []
    for behind, name, value in options:
        if name == "--header":
            headers.append((behind, parse_header(value)))
        elif name in BODIES:
            request = _with_body(request, name, value)
        elif name == "--expect":
            request = replace(request, status=_status(value))
        elif name == "--contains":
            request = replace(request, contains=encoded(value, name))
        elif not behind:
            raise UsageError(f"{name} belongs to one request: write it behind that")
        elif name == "--take":
            request = replace(request, takes=(*request.takes, parse_take(value)))
        else:
            request = replace(request, once=True)
    own = {name.lower() for behind, (name, _) in headers if behind}
    typed = [(name, value) for behind, (name, value) in headers if behind or name.lower() not in own]
    given = {name.lower() for name, _ in typed}
    kept = [header for header in request.headers if header[0].lower() not in given]
    return replace(request, headers=(*kept, *typed))


def _with_body(request: Request, option: str, value: str) -> Request:
    if request.body or request.body_file:
        raise UsageError(f"{option}: {request} has a body already; it can have one")
    file = value[1:] if value.startswith("@") else ""
    body = read_file(file, option) if file else encoded(value, option)
    if option == "--json":
        _check_json(body)
    headers = request.headers if request.header("content-type") else (BODIES[option], *request.headers)
    return replace(request, headers=headers, body=body, body_file=file)


def _check_json(body: bytes) -> None:
    """Raise UsageError if a body is no JSON, whatever its places are filled with."""
    places = template(body.decode(errors="replace"))
    try:
        json.loads(places.fill(dict.fromkeys(places.names, "0")))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--json: this is no JSON ({error}); what is none can be sent with --data") from None


def _status(text: str) -> int:
    status = int(text) if text.isascii() and text.isdigit() else 0
    if not 200 <= status <= 599:
        raise UsageError(f"--expect {text}: write the status of a good answer, as in --expect 201")
    return status


def custom_scenario(requests: tuple[Request, ...], *, sequence: bool = False, values: Values | None = None) -> Scenario:
    """Return the scenario of some requests of one's own; raises UsageError if they can't be asked."""
    for request in requests:
        check_credentials(request)
        _check_answer(request)
    if sequence and all(request.once for request in requests):
        raise UsageError("--once: at least one request of a sequence has to be sent again and again")
    if values is not None:
        _check_columns(requests, values)
    paths = [request.path for request in requests]
    methods = {request.method for request in requests}
    if sequence or len(methods) > 1:
        name, title = ", ".join(map(str, requests)), ", then ".join(map(str, requests))
        title += ", by each user" if sequence else ", in turn"
    else:
        [method] = methods
        name = f"{method} {' '.join(paths)}"
        title = f"{'an' if method[0] in 'AEIOU' else 'a'} {method} of {' and '.join(paths)}"
        title += " in turn" if len(paths) > 1 else ""
    writes = any(request.writes for request in requests)
    return Scenario(name, "custom", title, NONE_STATED, requests, writes=writes, sequence=sequence, values=values)


def _check_answer(request: Request) -> None:
    """Raise UsageError if something is to be found in an answer that can't be read."""
    what = "--contains" if request.contains else "--take" if request.takes else ""
    if not what:
        return
    if request.method == "HEAD" and (
        request.contains or any(s[0] == "$" or s[:5] == "regex" for _, s in request.takes)
    ):
        raise UsageError(f"{what}: the answer to {request} has no body")
    encodings = [
        each.partition(";")[0].strip().lower() for each in (request.header("accept-encoding") or "").split(",")
    ]
    if strange := [each for each in encodings if each and each not in DECODED]:
        raise UsageError(
            f"{what}: the client can't look into an answer that is encoded with {strange[0]}; leave it out of"
            " accept-encoding"
        )


def _check_columns(requests: Sequence[Request], values: Values) -> None:
    """Raise UsageError if no request has a place for a values file's rows, or a header can't hold what they have."""
    used = {name for request in requests for name in request.names}
    if not used & set(values.columns):
        offered = ", ".join(f"${{{name}}}" for name in values.columns)
        raise UsageError(f"--values {values.file}: no request has a place for its columns: {offered}")
    in_headers = {name for request in requests for _, value in request.headers for name in template(value).names}
    for column, name in enumerate(values.columns):
        if name in in_headers and not all(row[column].isprintable() for row in values.rows):
            raise UsageError(f"--values {values.file}: {name} has a line break or the like, which no header can hold")
