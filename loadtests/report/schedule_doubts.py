"""What to doubt of a run of a schedule, the serious first (pure).

What is true of any run is said as in other reports. Here is what a schedule adds: sides that are measured minutes
apart, and what else may have been the limit.
"""

from collections.abc import Iterator, Mapping

from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.schedule_record import ScheduleOutcome
from loadtests.report import doubts, doubts_on_conditions
from loadtests.report.doubts_on_conditions import Doubt
from loadtests.report.over_time import trial_name
from loadtests.report.view import RunView


def schedule_doubts(manifest: Manifest, outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> list[Doubt]:
    """Return every doubt that a run gives rise to, the serious ones first."""
    run = RunView(manifest, names, {}, {})
    found = [
        *_suspects(outcome, names),
        *_driver(manifest, outcome),
        *_disturbed(outcome, names),
        *doubts.different_answers(run),
        *doubts.commits(run),
        *doubts.logs(run),
        *doubts_on_conditions.cores(run),
        *_quota(manifest),
        *doubts_on_conditions.machine(run),
        *doubts_on_conditions.database(run),
        *doubts_on_conditions.provenance(run),
        *doubts_on_conditions.certificates(run),
        *doubts.warm_up(run),
        *doubts.values(run),
        *_events(manifest),
        *doubts.clock(run),
        *_apart(manifest, outcome),
        *doubts_on_conditions.always(run),
    ]
    return sorted(found, key=lambda doubt: not doubt.serious)


def _suspects(outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> Iterator[Doubt]:
    for trial in outcome.trials:
        at = trial.broke
        if at is not None and at.suspect is not None:
            what = "load driver" if at.suspect == "driver" else "machine"
            yield Doubt(
                f"{trial_name(trial, outcome, names)}: the {what} may have been the limit",
                f"When it broke: {'; '.join(at.doubts)}. The side itself may stand a higher rate.",
                serious=True,
            )


def _driver(manifest: Manifest, outcome: ScheduleOutcome) -> Iterator[Doubt]:
    late = sum(trial.driver_late for trial in outcome.trials)
    ceiling_rps = manifest.driver_ceiling_rps
    peak_rps = manifest.schedule.schedule.peak_rps if manifest.schedule else 0.0
    by_itself = "How many requests it can send was not measured when the run began."
    if ceiling_rps:
        by_itself = (
            f"Against a server that does nothing it reached {ceiling_rps:,.0f} requests/s when the run began; the"
            f" schedule's highest rate is {peak_rps / ceiling_rps:.0%} of that."
        )
    if late:
        yield Doubt(
            f"The load driver was late in {late} interval{'s' if late > 1 else ''}",
            "More than a tenth of the response time there may be its own delay, because the machine was busy or the"
            f" rate too high for it. {by_itself}",
            serious=True,
        )
    else:
        yield Doubt("The load driver kept up", f"It sent on time in every interval. {by_itself}")


def _disturbed(outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> Iterator[Doubt]:
    said = [
        f"{trial_name(trial, outcome, names)}: {', '.join(trial.disturbed)}"
        for trial in outcome.trials
        if trial.disturbed
    ]
    if said:
        yield Doubt(
            "Something else used the machine",
            f"In the worst seconds of a trial, {'; '.join(said)}. The table of all intervals shows when.",
            serious=True,
        )


def _quota(manifest: Manifest) -> Iterator[Doubt]:
    if manifest.cpu_quota is not None:
        yield Doubt(
            f"A CPU quota of {manifest.cpu_quota:g} core{'s' if manifest.cpu_quota != 1 else ''}",
            "Servers, driver and upstream share it. Once it is used up, all of them pause until its next period.",
        )


def _events(manifest: Manifest) -> Iterator[Doubt]:
    for kind, title in (
        ("collapsed", "A side collapsed"),
        ("restarted", "A trial was given up"),
        ("resumed", "The run was interrupted"),
    ):
        if said := [event.message for event in manifest.events if event.kind == kind]:
            text = "; ".join(said)
            yield Doubt(title, f"{text[:1].upper()}{text[1:]}.", serious=kind == "restarted")


def _apart(manifest: Manifest, outcome: ScheduleOutcome) -> Iterator[Doubt]:
    blocks = len(manifest.schedule.orders) if manifest.schedule else 0
    if len(outcome.intervals) > 1:
        more = "" if blocks > 1 else " With --blocks 3 it would show how far the results vary."
        yield Doubt(
            "The sides were measured one after the other",
            "The schedule was applied to one side, then to the other, so what disturbed one of them may not have"
            f" disturbed the other.{more}",
        )
