"""Think of requests that OpenAPI documents allow: ``python -m loadtests.runner.openapi_cases WANTED FOUND``, two files.

It is a process of its own because schemathesis and hypothesis, which do the thinking, keep files and settings of their
own, and because a document may keep them busy for ever: then the owner ends it. Of one seed it thinks of the same
requests each time. Nothing else imports it: both may be missing.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.configuration import set_hypothesis_home_dir
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from loadtests.system.processes import exit_with_parent

NOT_SENT = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "user-agent", "x-schemathesis-testcaseid"}
)
"""Headers that are the client's own, or different each time."""
BOUNDARY = "bench-explored"
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
Case = dict[str, Any]
"""A request: ``route``, ``method``, ``path``, ``headers`` as pairs, and ``body``, whose characters are bytes."""


def main(wanted_file: Path, found_file: Path) -> None:
    """Read what is wanted, and write what was found, both as JSON."""
    exit_with_parent(0.0)
    set_hypothesis_home_dir(found_file.parent)  # else it would be a folder of the user's
    wanted = json.loads(wanted_file.read_text(encoding="utf-8"))
    cases: list[list[Case]] = []
    left_out: list[str] = []
    for document in wanted["documents"]:
        found, why_not = cases_of(document, wanted["methods"], wanted["cases"], wanted["seed"])
        cases += found
        left_out += why_not
    written = json.dumps({"cases": first_ones(cases, wanted["cases"]), "left_out": list(dict.fromkeys(left_out))})
    found_file.write_text(written, encoding="utf-8")


def first_ones(routes: Sequence[Sequence[Case]], most: int) -> list[Case]:
    """Return so many cases of all routes, the first one of each, then the second one; each different one once."""
    different: dict[str, Case] = {}
    for case in chain.from_iterable(zip_longest(*routes)):
        if case is not None:
            different.setdefault(json.dumps({**case, "route": ""}), case)
    return list(different.values())[:most]


def cases_of(
    document: dict[str, Any], methods: Sequence[str], most: int, chosen_seed: int
) -> tuple[list[list[Case]], list[str]]:
    """Return requests to each of a document's routes, and which routes were left out, with the reason.

    Args:
        document: an OpenAPI document.
        methods: of the routes that are asked.
        most: requests of all routes together; of each route there are at least two.
        chosen_seed: everything random follows from it.
    """
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    operations: list[Any] = []
    left_out: list[str] = []
    for result in schema.get_all_operations():
        if isinstance(result, Ok):
            operations.append(result.ok())
        else:
            left_out.append(_one_line(result.err()))
    asked = [operation for operation in operations if operation.method.upper() in methods]
    each = max(2, -(-most // max(1, len(asked))))
    found: list[list[Case]] = []
    for operation in asked:
        try:
            found.append(_cases_of_route(operation, each, chosen_seed))
        except Exception as error:  # what it can't make sense of in one route is no reason to leave out all
            left_out.append(f"{operation.label}: {_one_line(error)}")
    return found, left_out


def _cases_of_route(operation: Any, most: int, chosen_seed: int) -> list[Case]:  # noqa: ANN401 - schemathesis's
    found: list[Case] = []

    @seed(chosen_seed)
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def think(case: Any) -> None:  # noqa: ANN401 - schemathesis's
        if (made := _written_down(case, operation.label)) is not None:
            found.append(made)

    think()
    return found


def _written_down(case: Any, route: str) -> Case | None:  # noqa: ANN401 - schemathesis's
    """Return a case as what is sent; None if HTTP can't send it."""
    known = ("method", "url", "params", "headers", "cookies", "data", "json", "files")
    given: Mapping[str, Any] = case.as_transport_kwargs(base_url="http://bench")
    try:
        made = requests.Request(**{name: value for name, value in given.items() if name in known}).prepare()
    except (ValueError, requests.RequestException):
        return None
    body = made.body.encode() if isinstance(made.body, str) else made.body or b""
    if not isinstance(body, bytes):
        return None
    headers = [[_text(name), _text(value)] for name, value in made.headers.items() if name.lower() not in NOT_SENT]
    if boundary := next((match[1] for name, value in headers if (match := _BOUNDARY.search(value))), None):
        body = body.replace(boundary.encode(), BOUNDARY.encode())  # it is random
        headers = [[name, value.replace(boundary, BOUNDARY)] for name, value in headers]
    method, path = str(made.method), str(made.path_url)
    return {"route": route, "method": method, "path": path, "headers": headers, "body": body.decode("latin-1")}


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
