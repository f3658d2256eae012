"""Experiments that are no ordinary run: the client is what differs, or the loop."""

import subprocess
from collections.abc import Callable, Mapping

import numpy as np
from pydantic import ValidationError

from loadtests.analysis.analyse import CellTrials, derive
from loadtests.analysis.summary import Summary, summarise
from loadtests.drivers.process import Driver
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.options import parse_scenario
from loadtests.lessons.counting import Count
from loadtests.lessons.lesson import Measure, Special
from loadtests.records.outcome import Outcome, SideLabel
from loadtests.runner.single_server import Stage, drive_alone
from loadtests.servers.reference import STATION, stalling
from loadtests.servers.server import Server
from loadtests.system.errors import RunError
from loadtests.system.processes import Child

TURN_S = 2.0
"""How long each client asks, in seconds."""
LIMIT_S = 60.0
EVERY_S, FOR_S = 3.0, 0.3
"""The server stops for three tenths of a second in three: a tenth of the time, as one second in ten."""
RATE, USERS = 150.0, 4
Blocks = dict[int, dict[SideLabel, Summary]]


def experiment(special: Special, measure: Measure, stage: Stage) -> Outcome:
    """Carry out an experiment that is no ordinary run; raises RunError if it can't be."""
    return _EXPERIMENTS[special](measure, stage)


def _clients(measure: Measure, stage: Stage) -> Outcome:
    """Let both clients ask one server in turn, each first in half of the blocks."""
    (name,), users = measure.scenarios, int(measure.users or 1)
    scenario = parse_scenario(name)
    blocks: Blocks = {}
    [request] = scenario.requests
    with Driver(stage.cores, stage.work / "driver" / "log") as driver, stage.server("async", "lesson") as server:
        server.wait_until_ready()

        def harness() -> float:
            return summarise(
                drive_alone(stage, driver, server, request.path, ClosedLoop(users), TURN_S, 3 * scenario.wait_s)
            ).throughput_rps

        for block in range(measure.blocks):
            stage.tell(f"block {block + 1}", block * 2 * TURN_S)
            turns: list[tuple[SideLabel, Callable[[], float]]] = [
                ("a", lambda: _naive(server, request.path, users, stage)),
                ("b", harness),
            ]
            ordered = turns if block % 2 else turns[::-1]
            blocks[block] = {label: _counted(turn()) for label, turn in ordered}
    return _outcome(measure, name, ClosedLoop(users), blocks)


def _naive(server: Server, path: str, users: int, stage: Stage) -> float:
    cores = ",".join(map(str, stage.cores.driver))
    arguments = [server.url + path, f"--users={users}", f"--seconds={TURN_S}", f"--cores={cores}"]
    with Child("loadtests.lessons.naive_client", arguments, log=stage.work / "naive" / "log") as child:
        try:
            child.process.wait(LIMIT_S)
            count = Count.model_validate_json(child.last_words())
        except (subprocess.TimeoutExpired, ValidationError):
            said = child.last_words() or "it said nothing"
            raise RunError(f"the shared httpx client gave no figure: {said}") from None
    return count.answers / count.seconds


def _counted(rps: float) -> Summary:
    empty = np.empty(0, np.float32)
    return Summary(rps, 0, {}, empty, None, None, None, 0.0, None if rps else "not one good answer")


def _loops(measure: Measure, stage: Stage) -> Outcome:
    """Let both loops ask a server that stops now and then, in turn."""
    blocks: Blocks = {}
    rate = float(measure.rate or RATE)
    with Driver(stage.cores, stage.work / "driver" / "log") as driver, stage.server(STATION, "lesson") as server:
        server.wait_until_ready()
        loads: Mapping[SideLabel, Load] = {"a": ClosedLoop(USERS), "b": OpenLoop(rate, "constant")}
        for block in range(measure.blocks):
            stage.tell(f"block {block + 1}", block * 2 * EVERY_S)
            order: list[SideLabel] = ["a", "b"] if block % 2 else ["b", "a"]
            blocks[block] = {}
            for label in order:
                with stalling(server.pids, EVERY_S, FOR_S, stage.work / "staller" / "log"):
                    recording = drive_alone(stage, driver, server, "/steady", loads[label], EVERY_S)
                blocks[block][label] = summarise(recording, arrivals=label == "b")
    return _outcome(measure, measure.scenarios[0], OpenLoop(rate, "constant"), blocks)


def _outcome(measure: Measure, scenario: str, load: Load, blocks: Blocks) -> Outcome:
    cells = [CellTrials(scenario, load, blocks)]
    return derive(scenario, complete=True, sides=(measure.a, measure.b), cells=cells)


_EXPERIMENTS: Mapping[Special, Callable[[Measure, Stage], Outcome]] = {"clients": _clients, "loops": _loops}
