"""A scenario as it is written on the command line: a name of the catalogue, with parameters in brackets."""

import difflib
import re

from loadtests.scenario import Journeys, Request, Scenario
from loadtests.scenario_entry import Parameters
from loadtests.scenarios import CATALOGUE, LONGEST_THINK
from loadtests.system.errors import UsageError

_SPEC = re.compile(r"(?P<name>[a-z_]+)(?:\[(?P<parameters>[^\[\]]*)\])?")
_CUSTOM = re.compile(r"GET (?P<paths>/[!-~]*(?: /[!-~]*)*)")


def parse_scenario(text: str) -> Scenario:
    """Parse ``name``, ``name[key=value,…]`` or, for apps that are not the blog, ``GET /path`` or ``GET /one /other …``.

    Raises:
        UsageError: the name or a parameter is unknown, or a value is no number.
    """
    if custom := _CUSTOM.fullmatch(text):
        paths = custom["paths"].split(" ")
        title = f"a GET of {' and '.join(paths)}" + (" in turn" if len(paths) > 1 else "")
        return Scenario(text, "custom", title, "None was stated.", tuple(Request("GET", path) for path in paths))
    match = _SPEC.fullmatch(text)
    entry = CATALOGUE.get(match["name"]) if match else None
    if match is None or entry is None:
        close = difflib.get_close_matches(text.split("[", maxsplit=1)[0], CATALOGUE, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown scenario {text!r}: {hint}`bench list` shows them all")
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
