"""The page's controls: which of them a lane has, and how they become settings of its side (pure)."""

from collections.abc import Mapping

from loadtests.experiment import blog
from loadtests.experiment.blog import BUILDS, DEFAULT_OVERFLOW, DEFAULT_POOL_SIZE, DEFAULT_THREADS
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.side_text import name_and_settings, side_text
from loadtests.experiment.sides import LABELS, Side, SideLabel
from loadtests.lab.state import (
    MOST_CPU_MS,
    MOST_MS,
    MOST_THREADS,
    MOST_USERS,
    Change,
    Control,
    ControlName,
    LaneKind,
    Settings,
)
from loadtests.system.errors import UsageError

DEFAULT_CONNECTIONS = DEFAULT_POOL_SIZE + DEFAULT_OVERFLOW
FIRST_USERS = 8
FIRST_WAIT_MS = 50.0
FIRST_CPU_MS = 0.5
NOT_OURS = "only the blog has this setting; give your app its own, as in --a main:app,env.THREADS=20"
NO_PARAMETER = "your request is sent as you typed it; only the blog's scenarios have this parameter"
RESTARTS: tuple[ControlName, ...] = ("threads", "connections", "session_limit")
"""Settings that a server reads only when it starts."""
NO_LIMIT = "none"


def kind_of(side: Side) -> LaneKind:
    """Return the kind of a side's lane."""
    if not side.is_build:
        return "own"
    return "sync" if side.app == BUILDS["sync"] else "async"


def first_settings(scenario: str, sides: Mapping[SideLabel, Side]) -> Settings:
    """Return the settings to begin with: those of the sides, or else the blog's defaults."""
    given = [dict(side.knobs) for side in sides.values() if side.is_build]

    def number(name: str, default: int) -> int:
        return next((int(knobs[name]) for knobs in given if name in knobs), default)

    connections = number("pool_size", DEFAULT_POOL_SIZE) + number("max_overflow", DEFAULT_OVERFLOW)
    limit = next((knobs["session_limit"] for knobs in given if "session_limit" in knobs), "pool")
    return Settings(
        scenario=scenario,
        users=FIRST_USERS,
        wait_ms=FIRST_WAIT_MS,
        cpu_ms=FIRST_CPU_MS,
        threads=min(MOST_THREADS, number("thread_limit", DEFAULT_THREADS)),
        connections=min(MOST_USERS, connections),
        session_limit=None if limit == NO_LIMIT else min(MOST_USERS, connections if limit == "pool" else int(limit)),
    )


def controls(sides: Mapping[SideLabel, Side], *, has_parameters: bool) -> list[Control]:
    """Return all controls, with a reason for each one that does not apply.

    Args:
        sides: of both lanes.
        has_parameters: True for scenarios of the blog, False for requests as they were typed.
    """
    kinds = {label: kind_of(side) for label, side in sides.items()}
    with_threads = [label for label in LABELS if kinds[label] == "sync"]
    builds = [label for label in LABELS if kinds[label] != "own"]
    no_parameter = "" if has_parameters else NO_PARAMETER
    return [
        Control(name="scenario", label="Scenario"),
        Control(name="users", label="Users", low=1, high=MOST_USERS, step=1, scale="log"),
        Control(
            name="wait_ms", label="Wait", unit="ms", low=0, high=MOST_MS, step=1, scale="log", why_not=no_parameter
        ),
        Control(
            name="cpu_ms", label="CPU", unit="ms", low=0, high=MOST_CPU_MS, step=0.1, scale="log", why_not=no_parameter
        ),
        _server_setting(
            "threads",
            "Threads",
            MOST_THREADS,
            with_threads,
            "" if with_threads else NOT_OURS if not builds else "an async lane needs no worker threads",
        ),
        _server_setting("connections", "Connections", MOST_USERS, builds, "" if builds else NOT_OURS),
        _server_setting("session_limit", "Session limit", MOST_USERS, builds, "" if builds else NOT_OURS).model_copy(
            update={"allows_null": True}
        ),
    ]


def _server_setting(name: ControlName, label: str, most: int, lanes: list[SideLabel], why_not: str) -> Control:
    """Return the control of a number that a server reads only when it starts."""
    return Control(
        name=name,
        label=label,
        low=1,
        high=most,
        step=1,
        scale="log",
        restarts=True,
        applies_to=lanes[0] if len(lanes) == 1 else "both",
        why_not=why_not,
    )


def changed(settings: Settings, change: Change, offered: Mapping[str, object], given: list[Control]) -> Settings:
    """Return settings with a change; raises UsageError for what can't be changed.

    If the session limit equals the number of connections, it changes with that number.

    Args:
        settings: the present ones.
        change: to them.
        offered: scenarios by name.
        given: the controls.
    """
    new = {name: getattr(change, name) for name in change.model_fields_set}
    for control in given:
        if control.name in new and control.why_not:
            raise UsageError(f"{control.label} can't be changed: {control.why_not}")
    if missing := [name for name, value in new.items() if value is None and name != "session_limit"]:
        raise UsageError(f"{missing[0]} needs a value")
    if "scenario" in new and new["scenario"] not in offered:
        raise UsageError(f"there is no scenario {new['scenario']!r} here; choose one of: {', '.join(offered)}")
    if "connections" in new and "session_limit" not in new and settings.session_limit == settings.connections:
        new["session_limit"] = new["connections"]
    return settings.model_copy(update=new)


def side_with(side: Side, settings: Settings) -> Side:
    """Return a lane's side with the settings that apply to it; its text leaves out those at their defaults."""
    if not side.is_build:
        return side
    knobs = dict(side.knobs)
    for name in ("thread_limit", "pool_size", "max_overflow", "session_limit"):
        knobs.pop(name, None)
    if kind_of(side) == "sync" and settings.threads != DEFAULT_THREADS:
        knobs["thread_limit"] = f"{settings.threads}"
    if settings.connections != DEFAULT_CONNECTIONS:
        kept = min(DEFAULT_POOL_SIZE, settings.connections)
        knobs["pool_size"], knobs["max_overflow"] = f"{kept}", f"{settings.connections - kept}"
    if settings.session_limit is None:
        knobs["session_limit"] = NO_LIMIT
    elif settings.session_limit != settings.connections:
        knobs["session_limit"] = f"{settings.session_limit}"
    name, given = name_and_settings(side.spec)
    others = {key: value for key, value in given.items() if key not in dict(side.knobs)}
    return parse_side(side_text(name, {**others, **knobs}))


def resources_of(side: Side) -> blog.BuildResources | None:
    """Return the threads and connections of a build with its settings; None for another app."""
    return blog.resources_of(
        {key: value for key, value in side.settings().items() if value is None or isinstance(value, str | int | float)}
    )
