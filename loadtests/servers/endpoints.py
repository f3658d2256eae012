"""What an app that is not the blog runs for a scenario, as its own process has told: see ``inside/endpoints.py``."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel, Field

from loadtests.experiment.plan import Experiment
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.records.handler_record import HandlerRecord, Runs
from loadtests.servers.handlers import Handlers

Asked = tuple[str, str]
"""Method and path of a request, the path without its query."""
MOST_ASKED_CHARACTERS = 60_000
"""Requests are handed to a process as one argument, which Linux allows 128 KiB."""
ANY_VALUE = "1"
"""What fills the places of a path, as ``${id}``: it fits a number's place and a word's."""
_PLACE = re.compile(r"\$\{[^}]*\}")
MOST_ENDPOINTS = 10
"""Different handlers of one scenario that are kept."""


class Endpoint(BaseModel):
    """What answers a request; see ``inside/endpoints.py``."""

    file: str = ""
    line: int = 0
    lines: list[str] = Field(default_factory=list)
    runs: Runs = "def"
    wrapped: str = ""
    in_threads: list[str] = Field(default_factory=list)
    missing: str = ""


Endpoints = Mapping[Asked, Endpoint]


def requests_of(experiment: Experiment) -> list[Asked]:
    """Return what there is to look for on either side, each request once, as far as there is room for it."""
    asked: dict[Asked, None] = {}
    room = MOST_ASKED_CHARACTERS
    for scenario in experiment.scenarios:
        for label in LABELS:
            for each in _asked(scenario, label, experiment.side(label)):
                if each not in asked and (room := room - sum(map(len, each)) - 10) >= 0:
                    asked[each] = None
    return list(asked)


def _asked(scenario: Scenario, label: SideLabel, side: Side) -> Iterator[Asked]:
    """Yield what one side is asked, as its app sees it."""
    for request in scenario.requests_of(label):
        yield request.method, side.launch.path + _PLACE.sub(ANY_VALUE, request.path.partition("?")[0])


def handlers_of_apps(experiment: Experiment, endpoints: Mapping[str, Endpoints]) -> Handlers:
    """Return what the sides that are no builds of the blog run for each scenario, or why that is not known.

    Args:
        experiment: says what is asked of whom.
        endpoints: by the text of a side, what answers which request, where it was looked for.
    """
    found: Handlers = {}
    for label in LABELS:
        side = experiment.side(label)
        if side.is_own_build:
            continue
        why = _why_not(side)
        for scenario in experiment.scenarios:
            asked = dict.fromkeys(_asked(scenario, label, side))
            record = _unknown(why) if why else _record(asked, endpoints.get(side.spec, {}))
            found.setdefault(scenario.name, {})[label] = record
    return found


def _why_not(side: Side) -> str:
    if side.url is not None:
        return "its server ran already, so that the harness has not seen its code"
    return "it is started by a command, which names no Python app" if not side.app else ""


def _unknown(why: str) -> HandlerRecord:
    return HandlerRecord(files=[], lines=[], statements=[], missing=why)


def _record(requests: Iterable[Asked], endpoints: Endpoints) -> HandlerRecord:
    """Return the handlers that requests reach, each once, in the order of the requests."""
    reached: dict[tuple[str, int], Endpoint] = {}
    missing: dict[str, None] = {}
    for asked in requests:
        endpoint = endpoints.get(asked, Endpoint(missing="it was not looked for"))
        if endpoint.missing:
            missing[f"{' '.join(asked)}: {endpoint.missing}"] = None
        else:
            reached.setdefault((endpoint.file, endpoint.line), endpoint)
    if len(reached) > MOST_ENDPOINTS:
        missing[f"{len(reached) - MOST_ENDPOINTS} more handlers are left out"] = None
    kept = list(reached.values())[:MOST_ENDPOINTS]
    return HandlerRecord(
        files=[f"{each.file}:{each.line}" for each in kept],
        lines=[line for each in kept for line in (*each.lines, "", "")][:-2],
        statements=[],
        runs=[each.runs for each in kept],
        in_threads=_each_once(name for each in kept for name in each.in_threads),
        wrapped=_each_once(each.wrapped for each in kept if each.wrapped),
        missing="; ".join(list(missing)[:MOST_ENDPOINTS]),
    )


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


class Told(BaseModel):
    """What a process has told of some requests: endpoints that differ, and which of them each request reaches."""

    endpoints: list[Endpoint] = Field(default_factory=list)
    which: list[int] = Field(default_factory=list)


def endpoints_told(asked: Sequence[Asked], told: Mapping[str, object]) -> Endpoints:
    """Return what a process has told of each request; raises ValueError if that is no such thing."""
    found = Told.model_validate(told)
    if len(found.which) != len(asked) or not all(-1 <= number < len(found.endpoints) for number in found.which):
        raise ValueError("it does not tell of each request")
    left_out = Endpoint(missing="there are more handlers than are kept")
    return {
        each: left_out if number < 0 else found.endpoints[number]
        for each, number in zip(asked, found.which, strict=True)
    }
