"""Measure lessons and claims, and write lesson.json and claims.json.

Most measurements are ordinary runs, which compare sides. Two are not: they compare clients, or loops, on one server.
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

from loadtests.analysis.analyse import analyse
from loadtests.analysis.cells import CellTrials, compare_cells
from loadtests.analysis.trial_summary import Summary, summarise
from loadtests.drivers.driver import Driver
from loadtests.experiment.blog import check_blog
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.options import SQLITE, RunOptions
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import SideLabel
from loadtests.lessons.catalogue import Claim
from loadtests.lessons.lesson import CLOSED_LOOP_USERS, Lesson, Measure
from loadtests.lessons.naive_client import Count
from loadtests.lessons.record import CLAIMS_FILE, LESSON_FILE, ClaimsRecord, Evidence, LessonRecord, claims_covered_by
from loadtests.lessons.same_app import compare_answers
from loadtests.records.json_files import write_json
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder, check_free
from loadtests.records.summary import Outcome
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
START_LIMIT_S = 60.0
"""Seconds a side may take to start: a lesson and a claim have no option for it, and may meet a busy machine."""
RUNS = "runs"
"""The folder for the runs that measure claims."""
TURN_S = 2.0
"""Seconds that each client measures in a block."""
CLIENT_LIMIT_S = 60.0
PAUSE_EVERY_S, PAUSE_S = 3.0, 0.3
"""The server is paused for a tenth of the time, in short pauses, so that a block is short too."""
RATE_RPS = 150.0
WITH_BLOG_CODE = frozenset({"loadtests.lessons.apps:stuck", "loadtests.lessons.apps:freed"})
"""Apps of lessons that compute with the blog's code."""
Blocks = dict[int, dict[SideLabel, Summary]]


def check_sides(measure: Measure, wanted_by: str) -> None:
    """Raise UsageError if the blog is to be measured but is not installed.

    Args:
        measure: what is measured.
        wanted_by: the lesson or claim, as typed.
    """
    if measure.compares in ("clients", "answers") or {measure.a, measure.b} & WITH_BLOG_CODE:
        check_blog(wanted_by)
    elif measure.compares == "sides":
        parse_side(measure.a), parse_side(measure.b)


def measure_lesson(lesson: Lesson, out: Path) -> LessonRecord:
    """Measure a lesson; return its record, which is also written to ``out``.

    Raises:
        UsageError: it can't be measured here; nothing was written.
        Interrupted, RunError: it could not be completed; an ordinary run keeps what was measured, the others do
            not.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    machine = read_environment()
    outcome, database = _carry_out(lesson.measure, out)
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


def measure_claims(
    claims: Sequence[Claim], evidence: dict[str, Evidence], folder: Path, console: Console
) -> ClaimsRecord:
    """Measure what the claims need and ``evidence`` lacks; write the record anew after each claim.

    Args:
        claims: those to test.
        evidence: what was measured already; new measurements are added to it.
        folder: for the runs and the record.
        console: shows which claim is being tested.
    """
    began, now, machine = time.monotonic(), datetime.now(UTC), read_environment()
    done: list[str] = []
    record = ClaimsRecord(created=now, seconds=0.0, environment=machine, claims=done, evidence=evidence)
    for number, claim in enumerate(claims, 1):
        console.print(f"{number} of {len(claims)}: {claim.says}", highlight=False, markup=False)
        measure = claim.measured_by
        if measure is not None and claim.evidence_name not in evidence:
            evidence[claim.evidence_name] = _measure_claim(measure, folder / RUNS / claim.evidence_name)
        done.append(claim.name)
        seconds = round(time.monotonic() - began, 1)
        record = record.model_copy(update={"seconds": seconds, "claims": done, "evidence": evidence})
        write_json(folder / CLAIMS_FILE, record)
    return record


def _measure_claim(measure: Measure, out: Path) -> Evidence:
    """Return the figures; or the reason if there are none: no PostgreSQL here, or the measurement failed."""
    try:
        check_database(measure.database)
    except UsageError as refused:
        return Evidence(why=str(refused))
    try:
        if measure.compares == "answers":
            return compare_answers(measure)
        return Evidence(outcome=_carry_out(measure, out)[0])
    except RunError as failure:
        return Evidence(why=str(failure), standing="inconclusive")


def _carry_out(measure: Measure, out: Path) -> tuple[Outcome, str]:
    """Carry out a measurement; return its figures and the database's product and version."""
    if measure.compares != "sides":
        return _measure_on_one_server(measure, out), f"SQLite {sqlite3.sqlite_version}"
    manifest, outcome = analyse_and_report(run.measure(run_options(measure, out)))
    return outcome, manifest.database_version or SQLITE


def run_options(measure: Measure, out: Path) -> RunOptions:
    """Return the options of the run that a measurement is."""
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
        control=False,
        start_limit=START_LIMIT_S,
        out=out,
        database=measure.database,
    )


def analyse_and_report(path: Path) -> tuple[Manifest, Outcome]:
    """Analyse the run in a folder, and write its summary, charts and report."""
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    outcome = analyse(folder, manifest)
    write(folder, manifest, outcome, claims_covered_by(manifest, outcome))
    return manifest, outcome


def _measure_on_one_server(measure: Measure, out: Path) -> Outcome:
    check_free(out)
    console = PipeConsole()
    cores = assign_cores()
    work = out / "work"
    work.mkdir(parents=True)
    status = console.status("") if console.is_terminal else nullcontext()
    try:
        with pinned(cores.driver), status as shown:

            def show_progress(what: str, _seconds: float) -> None:
                if shown is not None:
                    shown.update(f"{what} of {measure.blocks}")

            workspace = Workspace(work, cores, datetime.now(UTC), None, SEED, show_progress)
            return compare_on_one_server(measure, workspace)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def compare_on_one_server(measure: Measure, workspace: Workspace) -> Outcome:
    """Compare clients, or loops; raises RunError if it fails."""
    compare = _compare_clients if measure.compares == "clients" else _compare_loops
    return compare(measure, workspace)


def _compare_clients(measure: Measure, workspace: Workspace) -> Outcome:
    """Measure one server with both clients in turn, each of them first in half of the blocks."""
    (name,), users = measure.scenarios, int(measure.users or 1)
    scenario = parse_scenario(name)
    blocks: Blocks = {}
    [request] = scenario.requests
    with (
        Driver(workspace.cores, workspace.work / "driver" / "log") as driver,
        workspace.server("async", "lesson") as server,
    ):
        server.wait_until_ready()

        def naive_rps() -> float:
            return _naive_client_rps(server, request.path, users, workspace)

        def harness_rps() -> float:
            return summarise(
                drive_alone(workspace, driver, server, request.path, ClosedLoop(users), TURN_S, 3 * scenario.wait_s)
            ).throughput_rps

        for block in range(measure.blocks):
            workspace.tell(f"block {block + 1}", block * 2 * TURN_S)
            turns: list[tuple[SideLabel, Callable[[], float]]] = [("a", naive_rps), ("b", harness_rps)]
            ordered = turns if block % 2 else turns[::-1]
            blocks[block] = {label: _throughput_alone(measure_rps()) for label, measure_rps in ordered}
    return _outcome(measure, name, ClosedLoop(users), blocks)


def _naive_client_rps(server: Server, path: str, users: int, workspace: Workspace) -> float:
    cores = ",".join(map(str, workspace.cores.driver))
    arguments = [server.url + path, f"--users={users}", f"--seconds={TURN_S}", f"--cores={cores}"]
    with Child("loadtests.lessons.naive_client", arguments, log=workspace.work / "naive_client" / "log") as child:
        try:
            child.process.wait(CLIENT_LIMIT_S)
            count = Count.model_validate_json(child.last_words())
        except (subprocess.TimeoutExpired, ValidationError):
            said = child.last_words() or "it printed nothing"
            raise RunError(f"the shared httpx client gave no figure: {said}") from None
    return count.answers / count.seconds


def _throughput_alone(rps: float) -> Summary:
    """Return a summary with a throughput and nothing else: the naive client reports no response times."""
    empty = np.empty(0, np.float32)
    return Summary(rps, 0, {}, empty, None, None, None, 0.0, None if rps else "not one good answer")


def _compare_loops(measure: Measure, workspace: Workspace) -> Outcome:
    """Measure a server that is paused now and then with both loops in turn, each first in half of the blocks."""
    blocks: Blocks = {}
    rate = float(measure.rate or RATE_RPS)
    with (
        Driver(workspace.cores, workspace.work / "driver" / "log") as driver,
        workspace.server(REFERENCE_APP, "lesson") as server,
    ):
        server.wait_until_ready()
        loads: Mapping[SideLabel, Load] = {"a": ClosedLoop(CLOSED_LOOP_USERS), "b": OpenLoop(rate, "constant")}
        for block in range(measure.blocks):
            workspace.tell(f"block {block + 1}", block * 2 * PAUSE_EVERY_S)
            order: list[SideLabel] = ["a", "b"] if block % 2 else ["b", "a"]
            blocks[block] = {}
            for label in order:
                with pausing(server.pids, PAUSE_EVERY_S, PAUSE_S, workspace.work / "pausing" / "log"):
                    recording = drive_alone(workspace, driver, server, "/steady", loads[label], PAUSE_EVERY_S)
                blocks[block][label] = summarise(recording, arrivals=label == "b")
    return _outcome(measure, measure.scenarios[0], OpenLoop(rate, "constant"), blocks)


def _outcome(measure: Measure, scenario: str, load: Load, blocks: Blocks) -> Outcome:
    cells = [CellTrials(scenario, load, blocks)]
    return compare_cells(scenario, complete=True, sides=(measure.a, measure.b), cells=cells)
