"""Carry out comparisons with known answers: ordinary runs, analysed as any other, whose folders are then removed."""

import shutil
from datetime import UTC, datetime

from loadtests.analysis.analyse import analyse
from loadtests.drivers.jobs import PairingJob
from loadtests.drivers.process import Driver
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.outcome import Comparison, Outcome
from loadtests.records.run_folder import create_run_folder
from loadtests.runner.run_log import new_manifest
from loadtests.runner.runner import Progress, Runner
from loadtests.runner.single_server import Stage, ask, target
from loadtests.servers.databases import SqliteDatabases
from loadtests.servers.reference import MORE_CPU, MORE_WAIT_S
from loadtests.validation.agenda import BASE, CPU, CPU_USERS, Rehearsal
from loadtests.validation.record import Known
from loadtests.validation.truth import of_more_cpu, of_more_wait

CALIBRATION_S = 1.5
CALIBRATIONS_S = len(CPU_USERS) * (CALIBRATION_S + 0.5) + 3.0
"""What calibrating takes, about."""


def rehearse(
    stage: Stage, rehearsal: Rehearsal, number: int, work_share: dict[int, float], ceiling_rps: float | None
) -> tuple[float | None, list[Known]]:
    """Carry out one rehearsal; return the driver's ceiling and the comparisons of throughput.

    Args:
        stage: where.
        rehearsal: what.
        number: its number.
        work_share: users → share of the server's CPU time that is the known work.
        ceiling_rps: the driver's ceiling as an earlier one measured it, in requests/s; None to measure it.
    """
    experiment = rehearsal.experiment
    trials = 2 * len(experiment.cells) * experiment.blocks

    def listen(at: Progress) -> None:
        stage.tell(f"block {at.block + 1} of {experiment.blocks}, {at.now}", rehearsal.seconds * at.done / trials)

    path = stage.work / f"run{number}"
    manifest = new_manifest(experiment, path.name, datetime.now(UTC), stage.cores)
    manifest = manifest.model_copy(update={"driver_ceiling_rps": ceiling_rps})
    try:
        folder = create_run_folder(path, manifest)
        manifest = Runner(experiment, folder, manifest, stage.cores, listen, experiment.plan(), SqliteDatabases()).run()
        outcome = analyse(folder, manifest)
    finally:
        shutil.rmtree(path, ignore_errors=True)
    return manifest.driver_ceiling_rps, [_known(rehearsal, number, c, work_share) for c in _headlines(outcome)]


def calibrate(stage: Stage) -> dict[int, float]:
    """Return users → share of the server's CPU time that is the known work, as the server's own clocks tell it."""
    shares: dict[int, float] = {}
    with (
        Driver(stage.cores, stage.work / "calibration-driver" / "log") as driver,
        stage.server(BASE, "calibration") as server,
    ):
        server.wait_until_ready()
        for done, users in enumerate(CPU_USERS):
            stage.tell(f"the share of the known work, {users} users", CALIBRATIONS_S * done / len(CPU_USERS))
            before = _spent(ask(server, "/spent"))
            job = PairingJob({"a": target(server)}, CPU.requests, ClosedLoop(users), CALIBRATION_S, 0, 0, stage.seed)
            driver.drive(job)
            after = _spent(ask(server, "/spent"))
            shares[users] = (after["work_s"] - before["work_s"]) / (after["cpu_s"] - before["cpu_s"])
    return shares


def _spent(answer: object) -> dict[str, float]:
    if not isinstance(answer, dict):
        raise TypeError(f"not what /spent answers: {answer!r}")
    return answer


def _headlines(outcome: Outcome) -> list[Comparison]:
    return [c for c in outcome.comparisons if c.metric == "throughput" and isinstance(c.load, ClosedLoop)]


def _known(rehearsal: Rehearsal, number: int, found: Comparison, work_share: dict[int, float]) -> Known:
    users, study, truth = int(found.load.size), rehearsal.study, 1.0
    if study in MORE_CPU:
        truth = of_more_cpu(MORE_CPU[study], work_share[users])
    elif study in MORE_WAIT_S and found.a.value:
        truth = of_more_wait(MORE_WAIT_S[study], users, found.a.value)
    return Known(
        study=study,
        run=number,
        sides=(found.a.side, found.b.side),
        scenario=found.scenario,
        users=users,
        blocks=found.blocks,
        truth=truth,
        ratio=found.ratio,
        interval=found.interval,
        verdict=found.verdict,
        flags=found.flags,
    )
