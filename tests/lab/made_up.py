"""Facts and reports as they could be measured."""

from typing import Any

from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.lab.controls import kind_of, resources_of
from loadtests.lab.limits import LaneFacts
from loadtests.lab.messages import LaneReport, Report
from loadtests.lab.observation import Inside


def inside(**changed: Any) -> Inside:
    usual = {
        "newest_s": 100.0,
        "in_flight": 8.0,
        "in_thread": 0.0,
        "waiting_for_thread": 0.0,
        "waiting_for_connection": 0.0,
        "on_loop": 8.0,
        "threads_blocked": 0.0,
        "threads": 0.0,
        "lag_s": 0.001,
    }
    return Inside(**{**usual, **changed})


def facts(spec: str = "sync", scenario: str = "external_api", users: int = 8, **changed: Any) -> LaneFacts:
    side = parse_side(spec)
    usual: dict[str, Any] = {
        "name": spec.partition(",")[0],
        "kind": kind_of(side),
        "scenario": parse_scenario(scenario),
        "users": users,
        "resources": resources_of(side),
        "rps": 100.0,
        "p50_s": 0.08,
        "p99_s": 0.1,
        "cpu_s": 0.001,
        "busy": 0.1,
        "inside": inside(),
    }
    return LaneFacts(**{**usual, **changed})


def report(**changed: Any) -> Report:
    usual: dict[str, Any] = {
        "epoch": 1,
        "turn": 1,
        "lane": "a",
        "phase": "window",
        "window_s": 0.1,
        "answers": 10,
        "errors": 0,
        "counts": {400: 10},
        "cpu_s": 0.01,
        "example": "",
        "lanes": {"a": LaneReport(8, 0.0), "b": LaneReport(0, 0.0)},
        "passed_s": 0.1,
        "own_cpu_s": 0.03,
        "lag_s": 0.001,
        "undrained": 0,
    }
    return Report(**{**usual, **changed})
