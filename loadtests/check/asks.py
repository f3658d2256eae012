"""What is asked of each route: requests of bench.toml, else what the OpenAPI document says, else a bare GET (pure)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from loadtests.check.raw import RawRoute
from loadtests.experiment.bench_toml import ScenarioTable
from loadtests.experiment.bench_toml_scenarios import scenario_of
from loadtests.experiment.from_openapi import Route, all_routes, filled_path
from loadtests.experiment.request import READING, Request
from loadtests.experiment.request_options import custom_scenario
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.schema_examples import Schema
from loadtests.system.errors import UsageError

MOST_REQUESTS = 8
"""Different requests of one scenario that are sent to a route in turn."""
OF_THE_FRAMEWORK = frozenset({"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
"""Paths of pages that FastAPI itself serves."""
OF_ITEMS = ("items", "results", "data", "objects", "rows")
"""Keys under which an answer often holds its list."""
OF_AN_ID = ("id", "_id", "uuid", "pk", "slug", "name")
"""Keys of an item that are tried for a path's parameter, after the one that is called as it is."""
NOT_ASKED: Mapping[str, str] = {
    "websocket": "a websocket, which bench check does not test",
    "static": "static files, which no handler serves",
    "mount": "a mounted app, whose routes are not known",
    "unknown": "no function that could be inspected",
}
"""By kind of a route: why nothing is asked of it."""
REMOVING = frozenset({"delete", "remove", "destroy", "purge", "truncate", "logout", "unsubscribe"})
"""Words in a path or a handler's name that tell of a GET that it changes something; links in web pages do that."""
_PLACE = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")
_GUESS = {"int": r"-?\d+", "float": r"[\d.]+", "uuid": r"[0-9a-fA-F-]+", "path": r".*", "str": r"[^/]+"}


@dataclass(frozen=True)
class Ask:
    """Requests that are sent to a route, or to several, one after another.

    Attributes:
        routes: indices of the routes that they are meant for.
        scenario: the requests, with what fills their places.
        template: the path as the app declares it, where ids for it can be looked up in other answers; else empty.
        values: what its parameters are filled with.
        guessed: those parameters whose value is a guess.
    """

    routes: tuple[int, ...]
    scenario: Scenario
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    guessed: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        """Whether more is changed than what a log-in changes."""
        return any(request.writes and not request.once for request in self.scenario.requests)

    def with_ids(self, answers: "Answers") -> "Ask":
        """Return it with ids that other answers hold in place of guesses."""
        found = {name: value for name in self.guessed if (value := answers.value_of(self.template, name)) is not None}
        if not found:
            return self
        values = {**self.values, **found}
        [request] = self.scenario.requests
        _, mark, query = request.path.partition("?")
        request = replace(request, path=filled_path(self.template, values) + mark + query)
        return replace(
            self,
            scenario=replace(self.scenario, requests=(request,)),
            values=values,
            guessed=self.guessed - found.keys(),
        )


class Answers:
    """Answers of routes that list things, in which ids are looked up."""

    def __init__(self) -> None:
        self._items: dict[str, Any] = {}

    def add(self, path: str, body: bytes) -> None:
        """Remember the first thing that an answer lists, if it is JSON and lists any."""
        try:
            content = json.loads(body)
        except ValueError:
            return
        if isinstance(content, dict):
            content = next((content[key] for key in OF_ITEMS if isinstance(content.get(key), list)), None)
        if isinstance(content, list) and content and isinstance(content[0], dict | str | int):
            self._items.setdefault(path.partition("?")[0].rstrip("/"), content[0])

    def value_of(self, template: str, name: str) -> str | None:
        """Return what may stand in a path for the parameter of that name; None if no answer tells."""
        parent = template.partition("{" + name)[0].rstrip("/")
        item = self._items.get(parent)
        if not isinstance(item, dict):
            return None if item is None or isinstance(item, bool) else str(item)
        keys = (name, *(key for key in OF_AN_ID if name.endswith(key) or key in ("id", "_id")))
        found = next((item[key] for key in keys if isinstance(item.get(key), str | int)), None)
        return None if found is None or isinstance(found, bool) else str(found)


def wanted(routes: Iterable[RawRoute]) -> list[RawRoute]:
    """Return the routes that a table is about: without pages of the framework, and HEAD where there is a GET."""
    listed = list(routes)
    read = {route.path for route in listed if route.method == "GET"}
    return [
        route
        for route in listed
        if not (route.method == "HEAD" and route.path in read) and not _is_of_the_framework(route)
    ]


def _is_of_the_framework(route: RawRoute) -> bool:
    return route.path in OF_THE_FRAMEWORK and (route.site is None or route.site.file.startswith("/"))


def route_of(routes: Sequence[RawRoute], method: str, path: str) -> RawRoute | None:
    """Return the route that answers a request: the first one that fits, as in Starlette; None if none does."""
    method = "GET" if method == "HEAD" else method
    bare = path.partition("?")[0]
    return next((route for route in routes if route.method == method and pattern_of(route.path).fullmatch(bare)), None)


def pattern_of(path: str) -> re.Pattern[str]:
    """Return what matches the paths that a declared path stands for."""
    parts: list[str] = []
    end = 0
    for place in _PLACE.finditer(path):
        parts += [re.escape(path[end : place.start()]), _GUESS.get(place["kind"] or "str", r"[^/]+")]
        end = place.end()
    return re.compile("".join([*parts, re.escape(path[end:])]))


def plain(path: str) -> str:
    """Return a declared path as an OpenAPI document has it, without the kinds of its parameters."""
    return _PLACE.sub(lambda place: "{" + place["name"] + "}", path)


@dataclass(frozen=True)
class Plan:
    """What is asked, in which order, and of which routes nothing is.

    Attributes:
        asks: reading before writing, and lists before what needs an id.
        notes: by index of a route, why nothing is asked of it.
    """

    asks: tuple[Ask, ...]
    notes: Mapping[int, str]


def plan(
    routes: Sequence[RawRoute],
    offered: Sequence[Scenario],
    document: Schema,
    headers: Sequence[tuple[str, str]] = (),
    *,
    writes: bool = False,
) -> Plan:
    """Return what to ask.

    Args:
        routes: those that are wanted.
        offered: scenarios of a bench.toml.
        document: the app's OpenAPI document; empty if it has none.
        headers: sent with every request.
        writes: whether what changes something may be asked.
    """
    asks: list[Ask] = []
    notes: dict[int, str] = {}
    covered: set[int] = set()
    for ask in _offered(routes, offered, headers):
        if (ask.writes and not writes) or not set(ask.routes) - covered:
            continue
        asks.append(ask)
        covered |= set(ask.routes)
    documented = {(route.method, route.path): route for route in all_routes(document)}
    for route in routes:
        if route.index in covered:
            continue
        if route.kind != "http":
            notes[route.index] = NOT_ASKED.get(route.kind, NOT_ASKED["unknown"])
        elif route.method not in READING and not writes:
            notes[route.index] = "it writes, so it was not tested; --writes allows it"
        elif not writes and (word := _removing(route)):
            notes[route.index] = f"it was not tested, because a GET called '{word}' may write; --writes allows it"
        else:
            asked = _asked(route, documented.get((route.method, plain(route.path))), headers)
            if isinstance(asked, str):
                notes[route.index] = asked
            else:
                asks.append(asked)
    return Plan(tuple(sorted(asks, key=_order)), notes)


def _removing(route: RawRoute) -> str:
    """Return a word of a route's path or handler that says that it takes something away; empty if there is none."""
    words = re.findall(r"[a-z]+", f"{_PLACE.sub('', route.path)} {route.name.rpartition('.')[2]}".lower())
    return next((word for word in words if word in REMOVING), "")


def _order(ask: Ask) -> tuple[int, bool]:
    methods = {request.method for request in ask.scenario.requests if not request.once}
    rank = 3 if "DELETE" in methods else 2 if "PATCH" in methods or "PUT" in methods else 1 if ask.writes else 0
    return rank, bool(ask.template and "{" in ask.template)


def _offered(
    routes: Sequence[RawRoute], offered: Sequence[Scenario], headers: Sequence[tuple[str, str]]
) -> Iterator[Ask]:
    for scenario in offered:
        if scenario.journeys is not None:
            continue
        requests = tuple(dict.fromkeys(_with_headers(request, headers) for request in scenario.requests))
        found = [(request, route_of(routes, request.method, request.path)) for request in requests]
        if scenario.sequence:
            indices = tuple(dict.fromkeys(route.index for _, route in found if route is not None))
            yield Ask(indices, replace(scenario, requests=requests))
            continue
        by_route: dict[int, list[Request]] = {}
        for request, route in found:
            if route is not None:
                by_route.setdefault(route.index, []).append(request)
        for index, own in by_route.items():
            yield Ask((index,), replace(scenario, requests=tuple(own[:MOST_REQUESTS])))


def _asked(route: RawRoute, known: Route | None, headers: Sequence[tuple[str, str]]) -> Ask | str:
    """Return what is asked of a route, or why nothing can be."""
    names = [place["name"] for place in _PLACE.finditer(route.path)]
    if known is None:
        method = route.method if route.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "GET"
        request = Request(method, filled_path(route.path, {}), status=None)
        scenario = custom_scenario((_with_headers(request, headers),))
        return Ask((route.index,), scenario, route.path, dict.fromkeys(names, "1"), frozenset(names))
    missing = next((reason for reason in known.reasons if reason.startswith("its body has to be made")), None)
    if missing is not None:
        return f"{missing}; write a scenario for it in bench.toml"
    try:
        scenario = scenario_of(ScenarioTable.model_validate(dict(known.keys)))
        request = replace(_with_headers(scenario.requests[0], headers), status=None)
        scenario = replace(scenario, requests=(request,))
        scenario.variables()
    except (UsageError, ValidationError) as error:
        why = str(error).splitlines()[0]
        why = "it contains a credential" if "credential" in why else why
        return f"it can't be tested automatically: {why}; write a scenario for it in bench.toml"
    return Ask((route.index,), scenario, route.path, known.values, known.guessed)


def _with_headers(request: Request, headers: Sequence[tuple[str, str]]) -> Request:
    """Return a request with more headers; its own of the same name stay."""
    own = {name.lower() for name, _ in request.headers}
    more = tuple(each for each in headers if each[0].lower() not in own)
    return replace(request, headers=(*request.headers, *more)) if more else request
