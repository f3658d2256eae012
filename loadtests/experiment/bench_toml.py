"""A run as a file has it, ``bench.toml``: its keys and what they may hold, and how a wrong one is told (pure).

``bench_toml_options`` makes of it what is made of a command line.
"""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from loadtests.experiment.loads import Arrivals
from loadtests.experiment.plan import DriverName
from loadtests.system.errors import UsageError

FILE_NAME = "bench.toml"
Number = int | float
EXPECTED: Mapping[str, str] = {
    "string_type": "a text, in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
"""By pydantic's name of an error: what should be there."""


class Table(BaseModel):
    """A table of the file: no other keys, and nothing is taken for what it is not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class SideTable(Table):
    """``[a]`` or ``[b]``: ``app``, ``url`` or ``command``, and the settings that a side has on the command line.

    Attributes:
        settings: those of the blog's builds.
    """

    app: str | None = None
    url: str | None = None
    command: str | None = None
    dir: str | None = None
    python: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    env_file: str | None = None
    server: str | None = None
    workers: int | None = None
    port: int | None = None
    path: str | None = None
    ready: str | None = None
    start_limit: Number | None = None
    setup: str | None = None
    reset: str | None = None
    loop: str | None = None
    http: str | None = None
    gc: str | None = None
    observe: Literal["off", "on"] | None = None
    pid: int | None = None
    agent: str | int | None = None
    commit: str | None = None
    change: str | None = None
    settings: dict[str, str | int | float] = Field(default_factory=dict)


class _RequestKeys(Table):
    """What goes with a request; each is an option of the command line."""

    headers: dict[str, str] = Field(default_factory=dict)
    json_: JsonValue = Field(None, alias="json")
    form: str | dict[str, str | int | float] | None = None
    data: str | None = None
    upload: dict[str, str | list[str]] = Field(default_factory=dict)
    expect: int | None = Field(None, ge=200, le=599)
    contains: str | None = None
    take: dict[str, str] = Field(default_factory=dict)
    once: bool = False
    b_request: str | None = None


class RequestTable(_RequestKeys):
    """One of a scenario's ``requests``; a text is its ``request`` alone."""

    request: str
    weight: int = Field(1, ge=1, le=1000)


def _as_table(value: object) -> object:
    return {"request": value} if isinstance(value, str) else value


class ScenarioTable(_RequestKeys):
    """A ``[[scenario]]``: one ``request`` with what goes with it, several ``requests``, or a name of the catalogue.

    Attributes:
        name: what it is called; None for what it asks.
        hypothesis: what should happen, stated before the run.
        sequence: whether each user sends the requests one after another.
        values: a file whose rows fill the requests' places.
    """

    name: str | None = None
    hypothesis: str | None = None
    request: str | None = None
    requests: list[Annotated[RequestTable, BeforeValidator(_as_table)]] = Field(default_factory=list)
    sequence: bool = False
    values: str | None = None


class BenchToml(Table):
    """The whole file; what is not there is as on a command line that does not say it.

    Attributes:
        headers: of every request in the file.
        rate: one rate or several; as a text, a schedule.
        slo: the objective under a schedule.
        alone: whether a schedule is applied to side a only.
    """

    a: SideTable | None = None
    b: SideTable | None = None
    scenario: list[ScenarioTable] = Field(default_factory=list)
    headers: dict[str, str] = Field(default_factory=dict)
    users: int | list[int] | None = None
    rate: Number | list[Number] | str | None = None
    arrivals: Arrivals | None = None
    slo: str | None = None
    alone: bool | None = None
    budget: str | Number | None = None
    precision: str | Number | None = None
    blocks: int | None = None
    time: Number | None = None
    slice: Number | None = None
    seed: int | None = None
    start_limit: Number | None = None
    timeout: Number | None = None
    allow_remote: list[str] = Field(default_factory=list)
    ignore: list[str] = Field(default_factory=list)
    unordered: list[str] = Field(default_factory=list)
    unequal: bool | None = None
    explore: bool | None = None
    explore_cases: int | None = None
    explore_time: Number | None = None
    explore_writes: bool | None = None
    explore_document: str | None = None
    driver: DriverName | None = None
    workers: int | None = None
    machines: int | None = None
    bind: str | None = None
    database: str | None = None
    control: bool | None = None
    observe: bool | None = None
    cafile: str | None = None
    insecure: bool | None = None
    fail_if: list[str] = Field(default_factory=list)
    not_decided: Literal["pass", "fail"] | None = None
    junit: str | None = None
    markdown: str | None = None


def parse_bench_toml(content: bytes, file: str = FILE_NAME) -> BenchToml:
    """Parse a file; raises UsageError that says in one line what is wrong, and where.

    Args:
        content: of the file.
        file: what it is called in messages.
    """
    try:
        found = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}: this is not UTF-8 text (at line {line})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from None
    try:
        return BenchToml.model_validate(found)
    except ValidationError as error:
        raise UsageError(f"{file}: {_first(error, found)}") from None


def _first(error: ValidationError, found: Mapping[str, Any]) -> str:
    """Say what is wrong first of all: a key that there is not, for others may be missed because of it."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    for each in errors:
        if each["type"] == "extra_forbidden":
            return _unknown_key(each["loc"])
    first = _keys(errors[0]["loc"], found)
    if errors[0]["type"] == "missing":
        return f"{place(first)}{errors[0]['loc'][-1]} is missing"
    of_this_key = [each for each in errors if _keys(each["loc"], found) == first]
    expected = list(dict.fromkeys(EXPECTED[each["type"]] for each in of_this_key if each["type"] in EXPECTED))
    if first == ("scenario",):
        return "scenario should be a list of tables: write [[scenario]], in two brackets"
    if expected:
        return f"{place(first[:-1])}{_dotted(first)} should be {' or '.join(expected)}"
    message = errors[0]["msg"]
    return f"{place(first[:-1])}{_dotted(first)}: {message[0].lower()}{message[1:]}"


def _unknown_key(where: Sequence[str | int]) -> str:
    *_, key = where
    known = _names(_table(where))
    message = f"{place(where[:-1])}unknown key {str(key)!r}"
    if close := difflib.get_close_matches(str(key), known, n=1, cutoff=0.7):
        return f"{message}; did you mean {close[0]!r}?"
    if len(where) > 1 and key in _names(BenchToml):
        return f"{message}; it belongs to the top of the file, before the first table"
    return f"{message}; choose one of: {', '.join(known)}"


def _table(where: Sequence[str | int]) -> type[Table]:
    """Return what kind of table a key is in."""
    if where[0] == "scenario" and len(where) > 1:
        return RequestTable if "requests" in where[:-1] else ScenarioTable
    return SideTable if where[0] in ("a", "b") and len(where) > 1 else BenchToml


def _names(table: type[Table]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _keys(where: Sequence[str | int], found: object) -> tuple[str | int, ...]:
    """Return those steps of an error's place that are keys and positions in the file; pydantic has more of them."""
    steps: list[str | int] = []
    here: Any = found
    for step in where:
        try:
            here = here[step]
        except (LookupError, TypeError):
            continue
        steps.append(step)
    return tuple(steps)


def place(where: Sequence[str | int]) -> str:
    """Say in which table a key is, with a colon behind: ``[[scenario]] 2, request 1: ``; nothing for the top."""
    match where:
        case ["scenario", int(number), "requests", int(request), *_]:
            return f"[[scenario]] {number + 1}, request {request + 1}: "
        case ["scenario", int(number), *_]:
            return f"[[scenario]] {number + 1}: "
        case ["a" | "b" as label, *_]:
            return f"[{label}]: "
    return ""


def _dotted(where: Sequence[str | int]) -> str:
    """Return a key in its table, with those that lead to it from there: ``env.MODE``."""
    match where:
        case ["scenario", int(), "requests", int(), _, *_]:
            inside = where[4:]
        case ["scenario", int(), _, *_]:
            inside = where[2:]
        case ["a" | "b", _, *_]:
            inside = where[1:]
        case _:
            inside = where
    return ".".join(step for step in inside if isinstance(step, str))
