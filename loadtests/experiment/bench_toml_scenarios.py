"""A ``[[scenario]]`` of ``bench.toml`` as the scenario that a command line would make, option by option."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from loadtests.experiment.bench_toml import RequestTable, ScenarioTable
from loadtests.experiment.catalogue import CATALOGUE
from loadtests.experiment.request import Request
from loadtests.experiment.request_options import (
    OF_SIDE_B,
    UPLOAD,
    TypedOption,
    custom_scenario,
    is_curl,
    requests_of,
    with_options,
)
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.values import read_values
from loadtests.system.errors import UsageError


def scenario_of(table: ScenarioTable, folder: Path = Path(), headers: Mapping[str, str] | None = None) -> Scenario:
    """Return the scenario of a table; raises UsageError if it is no good.

    Args:
        table: the scenario.
        folder: that of the file, which its paths are relative to.
        headers: of all requests in the file.
    """
    if table.name is not None and not (table.name.strip() and table.name.isprintable()):
        raise UsageError("name should be a few words in one line")
    if not _requests(table):
        return _of_the_catalogue(table)
    if table.request is not None and table.requests:
        raise UsageError("give one request, or a list of requests; not both")
    if table.name is not None and table.name in CATALOGUE:
        raise UsageError(f"name {table.name!r} is a scenario in the catalogue; choose another name")
    shared = _header_options(_merged(headers or {}, table.headers if table.requests else {}), 0)
    if table.requests:
        shared += _answer_options(table, 0)
        _check_alone(table)
    made: list[Request] = []
    for each in _requests(table):
        own = [*shared, *_header_options(each.headers, 1), *_body_options(each, folder), *_answer_options(each, 1)]
        own += [TypedOption(1, "--take", f"{name}={source}") for name, source in each.take.items()]
        own += [TypedOption(1, "--once")] * each.once
        own += [TypedOption(1, OF_SIDE_B, each.b_request)] if each.b_request is not None else []
        asked = _parsed(_asked(each.request, folder))
        if each.b_request is not None and len(asked) > 1:
            raise UsageError(f"b_request replaces one request; write {each.request!r} as several")
        made += (replace(with_options(request, own), weight=each.weight) for request in asked)
    if not table.sequence and any(request.takes or request.once for request in made):
        raise UsageError("take and once are for a user who sends requests one after another; add sequence = true")
    if table.sequence and any(request.weight > 1 for request in made):
        raise UsageError("weight is for requests that are sent in turn; a user of a sequence sends each of them once")
    values = None
    if table.values is not None:
        values = read_values(str(folder / table.values))
    scenario = custom_scenario(tuple(made), sequence=table.sequence, values=values)
    hypothesis = scenario.hypothesis if table.hypothesis is None else table.hypothesis
    return replace(scenario, name=table.name or scenario.name, hypothesis=hypothesis)


def curl_commands(table: ScenarioTable, folder: Path = Path()) -> list[str]:
    """Return the requests of a table that are written as curl commands."""
    return [_asked(each.request, folder) for each in _requests(table) if is_curl(each.request)]


def _of_the_catalogue(table: ScenarioTable) -> Scenario:
    """Return the scenario of a table that has a name alone; raises UsageError."""
    if table.name is None:
        raise UsageError('request is missing, as in request = "GET /orders"')
    if table.model_fields_set != {"name"}:
        raise UsageError(f'say with request what is asked, as in request = "GET /orders"; {table.name!r} is its name')
    if requests_of(table.name):
        raise UsageError(f"{table.name!r} is a request: write it as request")
    return parse_scenario(table.name)


def _check_alone(table: ScenarioTable) -> None:
    """Raise UsageError if what can belong to one request only stands beside a list of them."""
    for key, given in (
        ("json", table.json_ is not None),
        ("form", table.form is not None),
        ("data", table.data is not None),
        ("upload", table.upload),
        ("take", table.take),
        ("once", table.once),
        ("b_request", table.b_request is not None),
    ):
        if given:
            raise UsageError(f"{key} applies to one of the requests; write it there")


def _requests(table: ScenarioTable) -> Sequence[RequestTable]:
    """Return a scenario's requests as a list, also where there is one."""
    if table.request is None or table.requests:
        return table.requests
    own = {name: getattr(table, name) for name in RequestTable.model_fields if name != "weight"}
    return [RequestTable(**own)]


def _parsed(text: str) -> Sequence[Request]:
    found = requests_of(text)
    if not found:
        raise UsageError(f'request {text!r}: write a method and a path from the slash on, as in "GET /orders"')
    return found


def _asked(text: str, folder: Path) -> str:
    """Return a request's text; the file of a curl command is in the folder."""
    first, *rest = text.split(maxsplit=1)[:2] or [""]
    if first == "curl" and rest and rest[0].startswith("@"):
        return f"curl @{folder / rest[0][1:].strip()}"
    return text


def _merged(headers: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """Return headers of both; of one name, whatever its case, the second ones."""
    names = {name.lower() for name in over}
    return {name: value for name, value in headers.items() if name.lower() not in names} | dict(over)


def _header_options(headers: Mapping[str, str], behind: int) -> list[TypedOption]:
    return [TypedOption(behind, "--header", f"{name}: {value}") for name, value in headers.items()]


def _body_options(table: RequestTable, folder: Path) -> list[TypedOption]:
    found = []
    if table.json_ is not None:
        text = table.json_ if isinstance(table.json_, str) else json.dumps(table.json_, ensure_ascii=False)
        found.append(TypedOption(1, "--json", _body(text, folder)))
    if table.form is not None:
        text = table.form if isinstance(table.form, str) else urlencode(table.form, safe="${}")
        found.append(TypedOption(1, "--form", _body(text, folder)))
    if table.data is not None:
        found.append(TypedOption(1, "--data", _body(table.data, folder)))
    found += [
        TypedOption(1, UPLOAD, f"{field}={_upload(file, folder)}")
        for field, files in table.upload.items()
        for file in (files if isinstance(files, list) else [files])
    ]
    return found


def _upload(text: str, folder: Path) -> str:
    """Return a file to upload, with what follows on its name; it is in the folder."""
    quoted = text.startswith('@"')
    if folder == Path() or not text.startswith("@"):
        return text
    return f'@"{folder}/{text[2:]}' if quoted else f"@{folder}/{text[1:]}"


def _body(text: str, folder: Path) -> str:
    return f"@{folder / text[1:]}" if text.startswith("@") else text


def _answer_options(table: ScenarioTable | RequestTable, behind: int) -> list[TypedOption]:
    found = [] if table.expect is None else [TypedOption(behind, "--expect", str(table.expect))]
    return found if table.contains is None else [*found, TypedOption(behind, "--contains", table.contains)]
