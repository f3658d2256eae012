"""A scenario as it is written on the command line (pure).

A name of the catalogue with parameters in brackets, ``external_api[wait_ms=20]``, or a request, ``POST /orders``; see
``request_options`` for what can be said about a request.
"""

import difflib
import re
from collections.abc import Collection, Sequence

from loadtests.experiment.catalogue import CATALOGUE, LONGEST_THINK
from loadtests.experiment.request_options import TypedOption, custom_scenario, custom_scenarios, requests_of
from loadtests.experiment.scenario import Journeys, Parameters, Scenario
from loadtests.system.errors import UsageError

_SPEC = re.compile(r"(?P<name>[a-z_]+)(?:\[(?P<parameters>[^\[\]]*)\])?")


def parse_scenarios(
    names: Sequence[str],
    typed: Sequence[TypedOption] = (),
    *,
    sequence: bool = False,
    values: str | None = None,
    offered: Sequence[Scenario] = (),
) -> list[Scenario]:
    """Parse the scenarios of a command line; see ``custom_scenarios`` for its arguments.

    Args:
        names: the scenarios, as typed.
        typed: what more was typed.
        sequence: whether all requests are one scenario.
        values: a file whose rows fill the requests' places.
        offered: scenarios of a file, any of which is asked if it is named and nothing more is typed.

    Raises:
        UsageError: one of them is no good, or needs a variable that the environment has not.
    """
    if typed or sequence or values is not None:
        return with_variables(custom_scenarios(names, typed, sequence=sequence, values=values))
    by_name = {scenario.name: scenario for scenario in offered}
    return with_variables([by_name[name] if name in by_name else _parse_other(name, by_name) for name in names])


def with_variables(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Return scenarios, if the environment has what they need; raises UsageError."""
    for scenario in scenarios:
        scenario.variables()
    return list(scenarios)


def _parse_other(text: str, offered: Collection[str]) -> Scenario:
    """Parse a scenario that is none of a file's; raises UsageError, which names one of these if it is close."""
    try:
        return parse_scenario(text)
    except UsageError:
        if close := difflib.get_close_matches(text, offered, n=1):
            raise UsageError(f"unknown scenario {text!r}; did you mean {close[0]!r}?") from None
        raise


def parse_scenario(text: str) -> Scenario:
    """Parse ``name``, ``name[key=value,…]`` or a request of one's own: ``POST /path``, ``GET /one /other …``.

    Raises:
        UsageError: the name or a parameter is unknown, or a value is no number.
    """
    if requests := requests_of(text):
        return custom_scenario(requests)
    match = _SPEC.fullmatch(text)
    entry = CATALOGUE.get(match["name"]) if match else None
    if match is None or entry is None:
        close = difflib.get_close_matches(text.split("[", maxsplit=1)[0], CATALOGUE, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown scenario {text!r}; {hint}`bench list` shows them all")
    given = _parse_parameters(text, match["parameters"] or "", entry.defaults)
    parameters = {**entry.defaults, **given}
    think_s = parameters.get("think_ms", 0) / 1000
    return Scenario(
        name=match["name"] + (f"[{','.join(f'{k}={v:g}' for k, v in given.items())}]" if given else ""),
        kind=entry.kind,
        title=entry.title,
        hypothesis=entry.hypothesis,
        requests=entry.build(parameters),
        wait_s=parameters.get("wait_ms", 0) * parameters.get("calls", 1) / 1000 + LONGEST_THINK * think_s,
        writes=entry.writes,
        journeys=Journeys(tuple(entry.journeys.items()), think_s) if entry.journeys else None,
    )


def _parse_parameters(spec: str, text: str, known: Parameters) -> dict[str, float]:
    """Parse ``key=value,…``, keeping the catalogue's order so that one scenario has one name."""
    given: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known:
            offered = ", ".join(known) or "none"
            raise UsageError(f"scenario {spec!r}: unknown parameter {name!r}; it takes: {offered}")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            raise UsageError(f"scenario {spec!r}: {name} must be a number of at least 0, as in {name}={known[name]:g}")
        given[name] = number
    return {name: given[name] for name in known if name in given}
