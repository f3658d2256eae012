"""The plan for the wanted settings: the scenario, both sides, and the command that measures them (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.experiment.scenario import Scenario
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.lab.command import run_command
from loadtests.lab.controls import kind_of, side_with
from loadtests.lab.messages import Load
from loadtests.lab.scenarios import Offer
from loadtests.lab.state import Settings


@dataclass(frozen=True)
class Plan:
    """The plan for some settings.

    Attributes:
        settings: the settings.
        scenario: what both lanes are asked.
        sides: of both lanes.
        command: measures the same.
    """

    settings: Settings
    scenario: Scenario
    sides: Mapping[SideLabel, Side]
    command: str


def plan_of(settings: Settings, offer: Offer, typed: Mapping[SideLabel, Side]) -> Plan:
    """Return the plan for some settings.

    Args:
        settings: that are wanted.
        offer: the scenario that they name.
        typed: both sides, as they were typed.
    """
    scenario = offer.make(settings)
    sides = {label: side_with(side, settings) for label, side in typed.items()}
    words = list(offer.words) or [scenario.name]
    return Plan(settings, scenario, sides, run_command(words, sides, settings.users))


def lane_names(sides: Mapping[SideLabel, Side]) -> dict[SideLabel, str]:
    """Return the names of lanes: their builds if that distinguishes them, else the sides as typed."""
    kinds = {label: str(kind_of(side)) for label, side in sides.items()}
    if kinds["a"] == kinds["b"] or "own" in kinds.values():
        typed = {label: side.spec for label, side in sides.items()}
        return typed if typed["a"] != typed["b"] else {label: f"{typed[label]} ({label})" for label in LABELS}
    return {label: kinds[label] for label in LABELS}


def with_settings(name: str, side: Side) -> str:
    """Return the name of a lane with its settings."""
    settings = side.spec.partition(",")[2]
    return f"{name} with {settings}" if settings and side.is_build else name


def is_other_load(before: Load, load: Load) -> bool:
    """Whether the load has changed, and not only which lanes have a server."""
    if (before.users, before.wait_s, before.paused) != (load.users, load.wait_s, load.paused):
        return True
    both = before.lanes.keys() & load.lanes.keys()
    return any(before.lanes[label].requests != load.lanes[label].requests for label in both)
