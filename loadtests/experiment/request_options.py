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
from loadtests.experiment.files import encoded, is_text, read_file
from loadtests.experiment.multipart import Part, other_than_multipart, parse_upload, parts_of_form, says_multipart
from loadtests.experiment.request import JSON, READING, Request, parse_header, parse_requests, with_parts
from loadtests.experiment.scenario import NONE_STATED, Scenario
from loadtests.experiment.sides import LABELS
from loadtests.experiment.takes import parse_take
from loadtests.experiment.templates import template
from loadtests.experiment.values import Values, read_values
from loadtests.system.errors import UsageError

BODIES = {"--json": JSON, "--form": ("content-type", FORM), "--data": ("content-type", "application/octet-stream")}
"""Options that give a request its body, each with what that is taken to be."""
UPLOAD = "--upload"
"""A file in a form: then the form is multipart."""
CONTENT_TYPE = "content-type"
OF_A_SEQUENCE = frozenset({"--take", "--once"})
OF_SIDE_B = "--b-request"
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
            f"scenario {strange[0]!r} is fixed in the catalogue; headers, bodies and similar options are for"
            ' requests such as "POST /orders"'
        )
    if not typed:
        raise UsageError('headers, bodies and similar options describe a request: name one, as in "POST /orders"')
    rows = None if values is None else read_values(values)
    if not sequence:
        _check_shared(typed, options)
    made = [
        tuple(with_options(request, _options_of(number, options, sequence=sequence)) for request in requests)
        for number, requests in enumerate(typed, 1)
    ]
    if sequence:
        made = [tuple(request for requests in made for request in requests)]
    return [custom_scenario(requests, sequence=sequence, values=rows) for requests in made]


def _options_of(number: int, options: Iterable[TypedOption], *, sequence: bool) -> list[TypedOption]:
    """Return which options hold for the request that is typed at a place, from 1."""
    return [each for each in options if each.behind in (0, number) or not (sequence or each.name == OF_SIDE_B)]


def _check_shared(typed: Sequence[Sequence[Request]], options: Iterable[TypedOption]) -> None:
    """Raise UsageError for what can't hold for every request there is."""
    requests = [request for each in typed for request in each]
    for option in options:
        if option.name == OF_SIDE_B and option.behind and len(several := typed[option.behind - 1]) > 1:
            raise UsageError(f"{OF_SIDE_B} replaces one request; measure {several[0]} in a run of its own")
        if option.name in OF_A_SEQUENCE:
            raise UsageError(f"{option.name} is for a user who sends requests one after another; add --sequence")
        reads = next((request for request in requests if request.method in READING), None)
        if (option.name in BODIES or option.name == UPLOAD) and reads and len(requests) > 1:
            raise UsageError(
                f"{option.name} would also apply to {reads}; measure that in a run of its own, or add --sequence"
            )


def with_options(request: Request, options: Iterable[TypedOption]) -> Request:
    """Return a request with what its options say of it; raises UsageError."""
    headers: list[tuple[int, tuple[str, str]]] = []
    files: list[Part] = []
    for behind, name, value in options:
        if name == "--header":
            headers.append((behind, parse_header(value)))
        elif name in BODIES:
            request = _with_body(request, name, value)
        elif name == UPLOAD:
            files.append(parse_upload(value))
        elif name == "--expect":
            request = replace(request, status=_status(value))
        elif name == "--contains":
            request = replace(request, contains=encoded(value, name))
        elif not behind:
            raise UsageError(f"{name} applies to one request: write it after that request")
        else:
            request = _with_own(request, name, value)
    own = {name.lower() for behind, (name, _) in headers if behind}
    typed = [(name, value) for behind, (name, value) in headers if behind or name.lower() not in own]
    if files:
        request = _with_files(request, files)
    if request.parts:
        typed = [header for header in typed if not says_multipart(header)]
    given = {name.lower() for name, _ in typed}
    if request.parts and CONTENT_TYPE in given:
        raise other_than_multipart(str(request))
    kept = [header for header in request.headers if header[0].lower() not in given]
    basic = "" if "authorization" in given else request.basic
    return replace(request, headers=(*kept, *typed), basic=basic)


def _with_own(request: Request, name: str, value: str) -> Request:
    """Return a request with an option that belongs to it alone."""
    if name == "--take":
        return replace(request, takes=(*request.takes, parse_take(value)))
    if name == OF_SIDE_B:
        return replace(request, b=_asked_of_b(request, value))
    return replace(request, once=True)


def _with_files(request: Request, files: Sequence[Part]) -> Request:
    """Return a request whose form has files, too; raises UsageError if its body is no form."""
    if request.body and not request.parts and request.header(CONTENT_TYPE) != FORM:
        raise UsageError(f"{UPLOAD}: a form has fields (--form) and files; {request} has another body")
    if not is_text(request.body):
        raise UsageError(f"{UPLOAD}: the fields of its form are not UTF-8 text")
    fields = request.parts or parts_of_form(request.body.decode())
    return with_parts(request, (*fields, *files))


def _asked_of_b(request: Request, text: str) -> tuple[str, str]:
    """Return the method and path that side b is asked in place of a request; a path alone has its method."""
    found = requests_of(text) if not is_curl(text) else ()
    if len(found) != 1:
        raise UsageError(f'{OF_SIDE_B} {text}: write one request, as in {OF_SIDE_B} "GET /users/async"')
    if request.b is not None:
        raise UsageError(
            f"{OF_SIDE_B} {text}: write the one request that side b gets instead of {request.of_side('a')}"
        )
    method = request.method if text.lstrip().startswith("/") else found[0].method
    if (method, found[0].path) == (request.method, request.path):
        raise UsageError(f"{OF_SIDE_B} {text}: side a gets the same request; leave it out")
    return method, found[0].path


def _with_body(request: Request, option: str, value: str) -> Request:
    if request.body or request.body_file or request.parts:
        raise UsageError(f"{option}: {request} has a body already, and can have only one")
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
        raise UsageError(f"--json: this is not JSON ({error}); use --data for other text") from None


def _status(text: str) -> int:
    status = int(text) if text.isascii() and text.isdigit() else 0
    if not 200 <= status <= 599:
        raise UsageError(f"--expect {text}: write the status of a good answer, as in --expect 201")
    return status


def custom_scenario(requests: tuple[Request, ...], *, sequence: bool = False, values: Values | None = None) -> Scenario:
    """Return the scenario of some requests of one's own; raises UsageError if they can't be asked."""
    for request in [request.of_side(label) for request in requests for label in LABELS]:
        check_credentials(request)
        _check_answer(request)
    if sequence and all(request.once for request in requests):
        raise UsageError("--once: at least one request of a sequence has to be sent again and again")
    if values is not None:
        _check_columns(requests, values)
    paths = [request.path for request in requests]
    methods = {request.method for request in requests}
    if sequence or len(methods) > 1 or any(request.b for request in requests):
        name, title = ", ".join(map(str, requests)), ", then ".join(map(str, requests))
        title += ", by each user" if sequence else ", in turn" if len(requests) > 1 else ""
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
            f"{what}: the client can't decode an answer that is encoded with {strange[0]}; remove it from"
            " accept-encoding"
        )


def _check_columns(requests: Sequence[Request], values: Values) -> None:
    """Raise UsageError if no request has a place for a values file's rows, or a header can't hold what they have."""
    used = {name for request in requests for name in request.names}
    if not used & set(values.columns):
        offered = ", ".join(f"${{{name}}}" for name in values.columns)
        raise UsageError(f"--values {values.file}: no request uses its columns: {offered}")
    in_headers = {name for request in requests for _, value in request.headers for name in template(value).names}
    for column, name in enumerate(values.columns):
        if name in in_headers and not all(row[column].isprintable() for row in values.rows):
            raise UsageError(
                f"--values {values.file}: {name} has a line break or another control character, which no"
                " header can contain"
            )
