"""``bench run --rate`` with a schedule: which options of ``bench run`` it takes, and what it shows in the end."""

from pathlib import Path

from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.options import RunOptions
from loadtests.experiment.rate_schedule import is_schedule, parse_schedule
from loadtests.experiment.side_text import name_and_settings, side_text
from loadtests.experiment.thresholds import ThresholdOptions
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder, remove_leftovers
from loadtests.runner.schedule_run import SchedulePlan, measure_schedule, resume_schedule
from loadtests.slo.objective import parse_objective
from loadtests.system.errors import RunError, UsageError

PORT = "port"
SLO = "p99=1s"
"""The default objective: a side that misses it broke."""
NO_CONDITIONS = "{}: conditions are about cells, and a schedule has none; leave them out"


def asks_for_schedule(options: RunOptions) -> bool:
    """Return whether a run is one of a schedule."""
    return options.rate is not None and is_schedule(options.rate)


def run_schedule(options: RunOptions, demands: ThresholdOptions) -> None:
    """Carry out a schedule and show the results; raises as ``measure_schedule`` does.

    Args:
        options: of ``bench run``.
        demands: conditions; a schedule takes none.
    """
    from loadtests.analysis.same_answers import AnswerComparison

    plain, plan = planned(options, demands)
    show_schedule(measure_schedule(plain, plan, AnswerComparison))


def resume_and_show(out: Path, demands: ThresholdOptions) -> None:
    """Carry out what an interrupted run of a schedule lacks, and show the results; raises as ``resume_schedule`` does.

    Args:
        out: the run's folder.
        demands: conditions; a schedule takes none.
    """
    if demands.given:
        raise UsageError(NO_CONDITIONS.format(out))
    show_schedule(resume_schedule(out))


def planned(options: RunOptions, demands: ThresholdOptions) -> tuple[RunOptions, SchedulePlan]:
    """Return the options of the same run under a plain rate, and the plan; for arguments see ``run_schedule``.

    Raises:
        UsageError: the schedule is invalid, or an option can't be used with a schedule.
    """
    schedule = parse_schedule(options.rate or "", options.arrivals)
    given = {
        "--users": options.users is not None,
        "--budget": options.budget is not None,
        "--time": options.time_s is not None,
        "--slice": options.slice_s is not None,
        "--observe": options.observe,
        "--full": options.full,
        "--explore": options.explore,
        "--fail-if": bool(demands.fail_if),
        "--junit": demands.junit is not None,
        "--markdown": demands.markdown is not None,
    }
    if wrong := next((name for name, is_given in given.items() if is_given), None):
        raise UsageError(f"{wrong} can't be used with a schedule in --rate: leave it out, or give plain rates")
    objective = parse_objective(SLO if options.slo is None else options.slo)
    plain = options.model_copy(
        update={
            "rate": f"{schedule.peak_rps:g}",
            "blocks": 1 if options.blocks is None else options.blocks,
            "slice_s": 1.0,
            "time_s": 2.0,
            "control": False,
            "slo": None,
            "alone": False,
            **({"b": _without_port(options.a)} if options.alone else {}),
        }
    )
    experiment = plain.experiment()
    if len(experiment.scenarios) != 1:
        names = ", ".join(each.name for each in experiment.scenarios)
        raise UsageError(f"a schedule in --rate takes one scenario; choose one of: {names}")
    [load] = experiment.loads
    assert isinstance(load, OpenLoop)  # noqa: S101 - there is a rate
    plan = SchedulePlan(
        schedule, ("a",) if options.alone else ("a", "b"), objective.wanted, objective.limit_s, objective.errors
    )
    return plain, plan


def _without_port(side: str) -> str:
    """Return a side without a port of its own: where it is measured alone, it is also the other one, in name."""
    name, settings = name_and_settings(side)
    return side_text(name, {key: value for key, value in settings.items() if key != PORT}) if PORT in settings else side


def show_schedule(path: Path, *, png: bool = False) -> None:
    """Derive summary, chart and report from a run's files, and print where the sides broke.

    Raises:
        UnreadableRun: it is no run.
        RunError: nothing was measured, or something can't be written.
    """
    from loadtests.analysis.over_time import analyse_schedule
    from loadtests.report.html.schedule_page import write_schedule
    from loadtests.report.over_time import names_of, schedule_table, sentences
    from loadtests.report.wording import printable
    from loadtests.system.terminal import PipeConsole

    folder = RunFolder(path)
    manifest: Manifest = folder.read_manifest()
    plan = manifest.schedule
    assert plan is not None  # noqa: S101 - whoever calls this has looked
    goes_on = remove_leftovers(folder)
    outcome = analyse_schedule(folder, manifest, plan)
    write_schedule(folder, manifest, outcome, png=png)
    if not any(trial.requests for trial in outcome.trials):
        why = "; ".join(each for trial in outcome.trials for each in trial.happened)
        raise RunError(f"{path}: nothing was measured" + (f": {why}" if why else ""))
    console, names = PipeConsole(), names_of(manifest)
    console.print(schedule_table(outcome, names, manifest.scenarios[0].name))
    for sentence in sentences(outcome, names):
        console.print(printable(sentence), highlight=False, markup=False, soft_wrap=True)
    where = f"\nchart    {folder.charts}\nreport   {folder.report}"
    if goes_on:
        where += "\nthe run still goes on"
    elif not outcome.complete:
        where += f"\ngo on    bench run --resume {path}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)
