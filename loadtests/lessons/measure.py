"""Carry out a lesson: measure what it asks, and keep what was found.

Experiments that are no ordinary run: the client is what differs, or the loop.
"""

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from rich.console import Console

from loadtests.analysis.analyse import CellTrials, analyse, compare_cells
from loadtests.analysis.summary import Summary, summarise
from loadtests.drivers.driver import Driver
from loadtests.experiment.blog import check_blog
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.options import SQLITE, RunOptions, parse_scenario
from loadtests.experiment.sides import SideLabel, parse_side
from loadtests.lessons.catalogue import Claim
from loadtests.lessons.lesson import Lesson, Measure, Special
from loadtests.lessons.naive_client import Count
from loadtests.lessons.record import CLAIMS_FILE, LESSON_FILE, ClaimsRecord, Evidence, LessonRecord, claims_covered_by
from loadtests.records.json_files import write_json
from loadtests.records.outcome import Outcome
from loadtests.records.run_folder import RunFolder, check_free
from loadtests.report.html.page import write
from loadtests.runner import run
from loadtests.runner.single_server import Workspace, drive_alone
from loadtests.servers.databases import check_database
from loadtests.servers.reference import REFERENCE_APP, pausing
from loadtests.servers.server import Server
from loadtests.system.cores import assign_cores, pinned
from loadtests.system.errors import RunError, UsageError
from loadtests.system.machine import read_environment
from loadtests.system.processes import Child
from loadtests.system.terminal import PipeConsole

SEED = 0
TURN_S = 2.0
"""How long each client asks, in seconds."""
LIMIT_S = 60.0
EVERY_S, FOR_S = 3.0, 0.3
"""The server stops for three tenths of a second in three: a tenth of the time, as one second in ten."""
RATE, USERS = 150.0, 4
Blocks = dict[int, dict[SideLabel, Summary]]
RUNS = "runs"
"""The folder of the runs that claims were measured by."""
WITH_BLOG_CODE = frozenset({"loadtests.lessons.apps:stuck", "loadtests.lessons.apps:freed"})
"""Apps of lessons that compute with the blog's code."""


def check_sides(measure: Measure, wanted_by: str) -> None:
    """Raise UsageError if what is measured is the blog, and there is none here.

    Args:
        measure: what is measured.
        wanted_by: the lesson or the claim, as it was typed.
    """
    if measure.special == "clients" or {measure.a, measure.b} & WITH_BLOG_CODE:
        check_blog(wanted_by)
    elif measure.special is None:
        parse_side(measure.a), parse_side(measure.b)


def measure_lesson(lesson: Lesson, out: Path) -> LessonRecord:
    """Measure a lesson; return what was found, which ``out`` keeps too.

    Raises:
        UsageError: it can't be measured here; nothing was written.
        Interrupted, RunError: it could not be completed; what was measured is kept, but of a special experiment.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    machine = read_environment()
    outcome, database = measure_here(lesson.measure, out)
    record = LessonRecord(
        lesson=lesson.name,
        created=now,
        seconds=round(time.monotonic() - began, 1),
        environment=machine,
        database=database,
        outcome=outcome,
    )
    write_json(out / LESSON_FILE, record)
    return record


def measure_here(measure: Measure, out: Path) -> tuple[Outcome, str]:
    """Carry out a measurement; return what was found, and on which database. Raises as ``teach`` does."""
    if measure.special is None:
        return _by_run(measure, out)
    return _specially(measure, out), f"SQLite {sqlite3.sqlite_version}"


def options(measure: Measure, out: Path) -> RunOptions:
    """Return the run that measures a lesson."""
    return RunOptions(
        scenarios=tuple(measure.scenarios),
        a=measure.a,
        b=measure.b,
        users=measure.users,
        rate=measure.rate,
        blocks=measure.blocks,
        slice_s=measure.slice_s,
        time_s=measure.time_s,
        seed=SEED,
        out=out,
        database=measure.database,
    )


def _by_run(measure: Measure, out: Path) -> tuple[Outcome, str]:
    folder = RunFolder(run.measure(options(measure, out)))
    manifest = folder.read_manifest()
    outcome = analyse(folder, manifest)
    write(folder, manifest, outcome, claims_covered_by(manifest, outcome))
    return outcome, manifest.database_version or SQLITE


def _specially(measure: Measure, out: Path) -> Outcome:
    check_free(out)
    console = PipeConsole()
    cores = assign_cores()
    work = out / "work"
    work.mkdir(parents=True)
    status = console.status("") if console.is_terminal else nullcontext()
    try:
        with pinned(cores.driver), status as shown:

            def tell(what: str, _seconds: float) -> None:
                if shown is not None:
                    shown.update(f"{what} of {measure.blocks}")

            assert measure.special is not None  # noqa: S101 - the caller has asked
            return special_outcome(
                measure.special, measure, Workspace(work, cores, datetime.now(UTC), None, SEED, tell)
            )
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def special_outcome(special: Special, measure: Measure, workspace: Workspace) -> Outcome:
    """Carry out an experiment that is no ordinary run; raises RunError if it can't be."""
    return _EXPERIMENTS[special](measure, workspace)


def _clients(measure: Measure, workspace: Workspace) -> Outcome:
    """Let both clients ask one server in turn, each first in half of the blocks."""
    (name,), users = measure.scenarios, int(measure.users or 1)
    scenario = parse_scenario(name)
    blocks: Blocks = {}
    [request] = scenario.requests
    with (
        Driver(workspace.cores, workspace.work / "driver" / "log") as driver,
        workspace.server("async", "lesson") as server,
    ):
        server.wait_until_ready()

        def harness() -> float:
            return summarise(
                drive_alone(workspace, driver, server, request.path, ClosedLoop(users), TURN_S, 3 * scenario.wait_s)
            ).throughput_rps

        for block in range(measure.blocks):
            workspace.tell(f"block {block + 1}", block * 2 * TURN_S)
            turns: list[tuple[SideLabel, Callable[[], float]]] = [
                ("a", lambda: _naive(server, request.path, users, workspace)),
                ("b", harness),
            ]
            ordered = turns if block % 2 else turns[::-1]
            blocks[block] = {label: _counted(turn()) for label, turn in ordered}
    return _outcome(measure, name, ClosedLoop(users), blocks)


def _naive(server: Server, path: str, users: int, workspace: Workspace) -> float:
    cores = ",".join(map(str, workspace.cores.driver))
    arguments = [server.url + path, f"--users={users}", f"--seconds={TURN_S}", f"--cores={cores}"]
    with Child("loadtests.lessons.naive_client", arguments, log=workspace.work / "naive" / "log") as child:
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


def _loops(measure: Measure, workspace: Workspace) -> Outcome:
    """Let both loops ask a server that stops now and then, in turn."""
    blocks: Blocks = {}
    rate = float(measure.rate or RATE)
    with (
        Driver(workspace.cores, workspace.work / "driver" / "log") as driver,
        workspace.server(REFERENCE_APP, "lesson") as server,
    ):
        server.wait_until_ready()
        loads: Mapping[SideLabel, Load] = {"a": ClosedLoop(USERS), "b": OpenLoop(rate, "constant")}
        for block in range(measure.blocks):
            workspace.tell(f"block {block + 1}", block * 2 * EVERY_S)
            order: list[SideLabel] = ["a", "b"] if block % 2 else ["b", "a"]
            blocks[block] = {}
            for label in order:
                with pausing(server.pids, EVERY_S, FOR_S, workspace.work / "pauser" / "log"):
                    recording = drive_alone(workspace, driver, server, "/steady", loads[label], EVERY_S)
                blocks[block][label] = summarise(recording, arrivals=label == "b")
    return _outcome(measure, measure.scenarios[0], OpenLoop(rate, "constant"), blocks)


def _outcome(measure: Measure, scenario: str, load: Load, blocks: Blocks) -> Outcome:
    cells = [CellTrials(scenario, load, blocks)]
    return compare_cells(scenario, complete=True, sides=(measure.a, measure.b), cells=cells)


_EXPERIMENTS: Mapping[Special, Callable[[Measure, Workspace], Outcome]] = {"clients": _clients, "loops": _loops}


def examine(chosen: Sequence[Claim], evidence: dict[str, Evidence], folder: Path, console: Console) -> ClaimsRecord:
    """Measure what the claims need and is not measured yet; keep what is known after each of them.

    Args:
        chosen: the claims.
        evidence: what was measured already, and from now on too.
        folder: where measurements go, and the record.
        console: told which claim it is.
    """
    began, now, machine = time.monotonic(), datetime.now(UTC), read_environment()
    done: list[str] = []
    record = ClaimsRecord(created=now, seconds=0.0, environment=machine, claims=done, evidence=evidence)
    for number, claim in enumerate(chosen, 1):
        console.print(f"{number} of {len(chosen)}: {claim.says}", highlight=False, markup=False)
        measure = claim.measured_by
        if measure is not None and claim.evidence not in evidence:
            evidence[claim.evidence] = _measure_claim(measure, folder / RUNS / claim.evidence)
        done.append(claim.name)
        seconds = round(time.monotonic() - began, 1)
        record = record.model_copy(update={"seconds": seconds, "claims": done, "evidence": evidence})
        write_json(folder / CLAIMS_FILE, record)
    return record


def _measure_claim(measure: Measure, out: Path) -> Evidence:
    """Return what was found; or why nothing was: there is no PostgreSQL here, or the measurement broke off."""
    try:
        check_database(measure.database)
    except UsageError as refused:
        return Evidence(why=str(refused))
    try:
        return Evidence(outcome=measure_here(measure, out)[0])
    except RunError as failure:
        return Evidence(why=str(failure), standing="inconclusive")
