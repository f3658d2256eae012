"""Whether what is seen can be trusted: the light, and the reasons for it (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.analysis.flag_checks import DRIVER_BUSY_LIMIT
from loadtests.experiment.sides import SideLabel
from loadtests.lab.state import Trust

SETTLED_TURNS = 2
"""With fewer turns of a lane under the present load, the load has just changed."""
WARM_S = 5.0
"""A server that became ready less than this ago is still getting faster."""
FOREIGN_CAUTION = 0.05
FOREIGN_POOR = 0.2
"""Share of the cores' time that other programs take."""
LATE_S = 0.05
"""A load process this late notices answers late."""


@dataclass(frozen=True)
class LaneTrust:
    """What the light is based on for one lane.

    Attributes:
        name: of the lane.
        turns: under the present load.
        ready_for_s: since its server became ready, in seconds; None if it does not run.
        answers: False if it has stopped answering.
        busy: the load process's share of a core in its windows.
        lag_s: how late the load process was in its windows, in seconds.
        undrained: requests to the other lane that were unanswered in its windows.
    """

    name: str
    turns: int
    ready_for_s: float | None
    answers: bool = True
    busy: float = 0.0
    lag_s: float = 0.0
    undrained: int = 0


def trust(lanes: Mapping[SideLabel, LaneTrust], foreign: float, problem: str = "") -> Trust:
    """Return the light with its reasons.

    Args:
        lanes: both lanes.
        foreign: share of the cores' time that other programs take, 0 to 1.
        problem: anything else that is wrong, in words; empty if nothing is.
    """
    poor, caution = [problem] if problem else [], []
    names = {label: lane.name for label, lane in lanes.items()}
    for label, lane in lanes.items():
        other = names["b" if label == "a" else "a"]
        if lane.ready_for_s is None:
            caution.append(f"{lane.name} is not running")
        elif not lane.answers:
            caution.append(f"{lane.name} has stopped answering")
        elif lane.ready_for_s < WARM_S:
            caution.append(f"{lane.name} was just restarted")
        if lane.busy > DRIVER_BUSY_LIMIT:
            poor.append(
                f"the load process is busy {100 * lane.busy:.0f} % of the time while {lane.name} has its turn: it may"
                " be the limit, not the server"
            )
        elif lane.lag_s > LATE_S:
            caution.append(f"the load process was {1000 * lane.lag_s:.0f} ms late while {lane.name} had its turn")
        if lane.undrained:
            are = "request is" if lane.undrained == 1 else "requests are"
            caution.append(f"{lane.undrained} {are} still waiting for {other} while {lane.name} has its turn")
    if any(lane.turns < SETTLED_TURNS and lane.ready_for_s is not None and lane.answers for lane in lanes.values()):
        caution.insert(0, "the load just changed")
    if foreign > FOREIGN_CAUTION:
        said = f"other programs take {100 * foreign:.0f} % of the cores; a browser on this machine is one of them"
        (poor if foreign > FOREIGN_POOR else caution).append(said)
    light = "poor" if poor else "caution" if caution else "good"
    return Trust(light=light, reasons=[*poor, *caution])
