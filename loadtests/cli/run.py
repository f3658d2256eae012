"""``bench run``: measure both sides, or resume an interrupted run, and show the report."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from loadtests.cli.bench_toml import config_options, found_file
from loadtests.cli.report import show_report, threshold_options, thresholds_of
from loadtests.cli.request_options import (
    B_REQUEST,
    CURL,
    OF_A_SEQUENCE,
    REQUEST,
    SEQUENCE,
    VALUES,
    RequestCommand,
    options_of,
    say_what_is_left_out,
)
from loadtests.experiment.bench_toml_options import FileOptions
from loadtests.experiment.exploration import CASES, DOCUMENT, SECONDS
from loadtests.experiment.load_machines import PORT
from loadtests.experiment.options import USERS, RunOptions
from loadtests.experiment.plan import BUDGET_S, CLOSED_SLICE_S, LEAST_S, MIN_BLOCKS, MOST_S, OPEN_SLICE_S, TIMEOUT_S
from loadtests.experiment.request_options import OF_SIDE_B
from loadtests.experiment.side_text import has_commit, is_commit_alone, of_one_app
from loadtests.experiment.thresholds import ThresholdOptions
from loadtests.records.run_folder import RunFolder
from loadtests.records.summary import side_names
from loadtests.system.errors import UsageError
from loadtests.system.resources import Stopwatch

if TYPE_CHECKING:
    from loadtests.runner.next_rows import NextRows

DEFAULTS = RunOptions()
budget_option = click.option(
    "--budget",
    metavar="TIME",
    help="How long the run may take, report included: 90s, 4m, 1h. Unsettled cells get the time; the run ends early "
    f"when every cell is settled.  [default: {BUDGET_S / 60:g}m]",
)
precision_option = click.option(
    "--precision",
    default=DEFAULTS.precision,
    metavar="SHARE",
    help="Half-width of a ratio's interval at which a cell is settled.",
)
control_option = click.option(
    "--control/--no-control",
    default=DEFAULTS.control,
    help="Whether to compare side a with itself, in a second process: a difference there means that the setup is "
    "biased.",
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=float,
    metavar="SECONDS",
    help="Seconds an answer may take, to its last byte; a side that takes longer, or sends nothing for as long, has "
    f"collapsed.  [default: {TIMEOUT_S:g}, and silence may last 5 s, or ten times as long as the slowest answer while "
    "the side was warmed up]",
)
allow_remote_option = click.option(
    "--allow-remote",
    multiple=True,
    metavar="HOST",
    help="A remote machine that may be put under load; otherwise a side's URL must be on this one. May be repeated.",
)
cafile_option = click.option(
    "--cafile",
    metavar="FILE",
    help="PEM file with the certificates to trust instead of the system's, if a side is an https URL. SSL_CERT_FILE "
    "in the environment does the same.",
)


@click.command(name="run", cls=RequestCommand)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--a", default=DEFAULTS.a, metavar="SIDE", help="The side that ratios are divided by.")
@click.option("--b", default=DEFAULTS.b, metavar="SIDE", help="The side whose figure is divided by that of --a.")
@click.option("--users", help=f"Concurrent users (a closed loop), one load for each number.  [default: {USERS}]")
@click.option(
    "--rate",
    help="Arrivals per second (an open loop) instead of users, one load for each number; or a schedule, a rate that "
    "changes over time: '0..400/s in 2m' is a ramp, '100/s for 1m, 800/s for 10s' are steps.",
)
@click.option(
    "--slo",
    metavar="OBJECTIVE",
    help="With a schedule: a side that misses this has broken, as in p99=200ms or p99=0.2s,errors=0.5%.  "
    "[default: p99=1s, and 1 % may fail]",
)
@click.option("--alone", is_flag=True, help="With a schedule: apply it to side a only, as for a soak of hours.")
@click.option(
    "--arrivals",
    type=click.Choice(["poisson", "constant"]),
    default=DEFAULTS.arrivals,
    help="With --rate: random arrivals, as from many independent users, or evenly spaced ones.",
)
@budget_option
@precision_option
@click.option(
    "--blocks",
    type=int,
    help=f"Fresh starts of both sides, in a fixed design without a budget; a verdict needs at least {MIN_BLOCKS}.  "
    f"[default: {MIN_BLOCKS}]",
)
@click.option(
    "--time",
    "time_s",
    type=float,
    help="Seconds for each scenario, load and block, in a fixed design: both sides' turns, lead-ins included.  "
    f"[default: {LEAST_S:g} to {MOST_S:g}, more with fewer cells; with --rate, enough for a 99th percentile]",
)
@click.option(
    "--slice",
    "slice_s",
    type=float,
    help="Seconds measured in each turn of a side; longer where answers are rare.  "
    f"[default: {CLOSED_SLICE_S:g}; with --rate, {OPEN_SLICE_S:g}]",
)
@click.option("--seed", default=DEFAULTS.seed, help="Seed of all random choices.")
@click.option(
    "--full",
    is_flag=True,
    help="Measure every scenario except journeys and pitfalls, not only a selection; takes two to three times as long.",
)
@click.option("--start-limit", default=DEFAULTS.start_limit, help="Seconds a side may take to start answering.")
@timeout_option
@allow_remote_option
@click.option(
    "--driver",
    type=click.Choice(["httpx", "locust"]),
    default=DEFAULTS.driver,
    help="What generates the load: httpx, which stands for the harness's own client, or Locust. Only Locust runs "
    "journeys.",
)
@click.option("--workers", default=DEFAULTS.workers, help="Locust worker processes, if one is not enough.")
@click.option(
    "--machines",
    default=DEFAULTS.machines,
    help="With --driver locust: how many load machines send the requests instead of this one. Start bench worker on "
    "each of them; both sides must be URLs.",
)
@click.option(
    "--bind",
    metavar="HOST[:PORT]",
    help=f"With --machines: the address of this machine that the load machines reach.  [default port: {PORT}]",
)
@click.option(
    "--database",
    default=DEFAULTS.database,
    metavar="DATABASE",
    help="sqlite, postgres (one of the run's own), or postgresql://USER@HOST:PORT/NAME: an existing server, on which "
    "databases are created and dropped. Its password is taken from PGPASSWORD or ~/.pgpass.",
)
@control_option
@click.option(
    "--observe",
    is_flag=True,
    help="Look inside the servers: threads, connections, event loop and CPU on one timeline for each trial.",
)
@cafile_option
@click.option("--insecure", is_flag=True, help="Trust any certificate, if a side is an https URL; the report says so.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="PLACE",
    help="What may differ between the sides' answers, which are compared before measuring: a place in a JSON body, as "
    "in '$.items[*].id' or '$..created_at', or a header. May be repeated.",
)
@click.option(
    "--unordered",
    multiple=True,
    metavar="PLACE",
    help="A list in a JSON body whose order does not matter, as in '$.items'. May be repeated.",
)
@click.option(
    "--unequal",
    is_flag=True,
    help="Measure even if the sides' answers differ on purpose. The report says so at the top.",
)
@click.option(
    "--explore",
    is_flag=True,
    help="Before measuring, also send both sides requests that schemathesis derives from their OpenAPI documents, and"
    " compare the answers. Needs the extra explore.",
)
@click.option("--explore-cases", type=int, help=f"Maximum number of requests of --explore.  [default: {CASES}]")
@click.option(
    "--explore-time",
    type=float,
    metavar="SECONDS",
    help=f"How long --explore may take, as part of --budget.  [default: {SECONDS:g}]",
)
@click.option("--explore-writes", is_flag=True, help="Let --explore also send POST, PUT, PATCH and DELETE.")
@click.option(
    "--explore-document",
    metavar="PATH",
    help=f"Where --explore finds a side's OpenAPI document.  [default: {DOCUMENT}]",
)
@config_options
@options_of(*REQUEST, B_REQUEST, VALUES, CURL, SEQUENCE, *OF_A_SEQUENCE)
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder, which must not exist yet.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Finish an interrupted run, on the same machine with the same versions; only the options about conditions "
    "can be combined with it.",
)
@threshold_options
@click.pass_context
def run_(context: click.Context, /, resume: Path | None, scenarios: tuple[str, ...], **options: object) -> None:
    """Measure both sides and say which is faster.

    Without a SCENARIO it measures a representative selection; `bench list` shows all scenarios. Parameters go in
    brackets: "query[wait_ms=100]". Any request to any app is also a SCENARIO: "POST /orders", or /orders for a GET.
    --header, --json and similar options describe it, or each of several requests; with --sequence, they describe the
    request before them. A SIDE is sync, async, an app (package.module:app, folder/main.py), or the URL of a running
    server. Settings follow it after commas: sync,session_limit=none or main:app,dir=before,python=.venv/bin/python.
    docs/your-app.md lists all settings. An app at a commit of its git repository is main:app@HEAD~1; --a @HEAD~1 --b
    @HEAD compares two commits. All of this can be in a file, bench.toml, which is read if it exists and no side is
    given; a SCENARIO can then be the name of one in the file.
    """
    watch = Stopwatch()
    from loadtests.analysis.sequential import SequentialSchedule
    from loadtests.cli.schedule import asks_for_schedule, resume_and_show, run_schedule
    from loadtests.runner import run

    slowness = watch.slowness()
    if resume is None:
        typed = typed_options(context, options)
        file = found_file(options, typed)
        of_schedule = chosen_options(file, {**typed, "scenarios": scenarios}, options)
        if asks_for_schedule(of_schedule):
            say_what_is_left_out(scenarios)
            run_schedule(of_schedule, _of_schedule(file, typed, options))
            return
        chosen, demands = _asked(file, {**typed, "scenarios": scenarios}, options)
        say_what_is_left_out(scenarios)
        out = measure(chosen, watch.begun_s, slowness)
    else:
        _alone(context, "resume")
        demands = _demands(options)
        before = RunFolder(resume).read_manifest()
        if before.schedule is not None:
            resume_and_show(resume, demands)
            return
        if demands.given:
            thresholds_of(before, demands)
        out = run.resume(resume, partial(SequentialSchedule, slowness=slowness), watch.begun_s)
    show_report(out, demands=demands)


def typed_options(context: click.Context, options: Mapping[str, object]) -> dict[str, object]:
    """Return the options that were typed."""
    return {
        name: value
        for name, value in options.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }


def measure(chosen: RunOptions, begun_s: float, slowness: float, next_rows: "NextRows | None" = None) -> Path:
    """Measure, once the sides' answers have been compared; return the run's folder. Raises as ``run.measure`` does.

    Args:
        chosen: what is asked for.
        begun_s: when the command began, on the monotonic clock, in seconds.
        slowness: how many times as long as on a machine that rests what computes takes; see ``Stopwatch``.
        next_rows: of values files; None to begin with the first ones.
    """
    from loadtests.analysis.same_answers import AnswerComparison
    from loadtests.analysis.sequential import SequentialSchedule
    from loadtests.report.differences import show_differences
    from loadtests.report.wording import printable
    from loadtests.runner import run
    from loadtests.runner.same_answers import AnswersDiffer
    from loadtests.system.terminal import PipeConsole

    schedule = partial(SequentialSchedule, slowness=slowness)
    try:
        return run.measure(chosen, schedule, AnswerComparison, begun_s, next_rows=next_rows)
    except AnswersDiffer as error:
        console = PipeConsole()
        show_differences(console, error.differences, side_names(chosen.a, chosen.b))
        for sentence in error.said:
            console.print(printable(sentence), highlight=False, markup=False, soft_wrap=not console.is_terminal)
        raise


def chosen_options(file: FileOptions | None, typed: Mapping[str, object], options: Mapping[str, object]) -> RunOptions:
    """Return what is asked for, by the file if there is one; raises UsageError. For the arguments see ``_asked``.

    Where side b is told what it is asked, and not which app it is, it is the same app.
    """
    if file is not None:
        return file.run_options(typed)
    typed = with_apps(typed, DEFAULTS.a)
    chosen = RunOptions.model_validate({**options, **typed})
    if "a" in typed and "b" not in typed and any(each.name == OF_SIDE_B for each in chosen.typed):
        chosen = chosen.model_copy(update={"b": chosen.a})
    return chosen


def with_apps(typed: Mapping[str, object], app: str) -> dict[str, object]:
    """Return the options with an app for each side that is a commit alone, ``@HEAD~1``; raises UsageError.

    Where a side at a commit is typed, and no other one, side b is the same app as it is on disk.
    """
    a, b = typed.get("a"), typed.get("b")
    if isinstance(b, str) and a is None and is_commit_alone(b):
        raise UsageError(f"--b {b}: name the other commit with --a, or write sync{b}")
    if isinstance(a, str) and (b is not None or has_commit(a)):
        first, second = of_one_app(a, None if b is None else str(b), app)
        return {**typed, "a": first, "b": second}
    return dict(typed)


def _asked(
    file: FileOptions | None, typed: Mapping[str, object], options: Mapping[str, object]
) -> tuple[RunOptions, ThresholdOptions]:
    """Return what is asked for, and which thresholds; raises UsageError.

    Args:
        file: what the file has.
        typed: what was typed.
        options: the same, and defaults.
    """
    chosen = chosen_options(file, typed, options)
    if file is None:
        demands = _demands(options)
        experiment = chosen.experiment() if demands.given else None
    else:
        experiment = chosen.experiment()
        demands, left_out = file.threshold_options(typed, experiment)
        _say_ignored(left_out)
    if experiment is not None:
        demands.thresholds([each.name for each in experiment.scenarios], experiment.loads)
    return chosen, demands


def _of_schedule(
    file: FileOptions | None, typed: Mapping[str, object], options: Mapping[str, object]
) -> ThresholdOptions:
    """Return the conditions that a run of a schedule would have to refuse. For the arguments see ``_asked``."""
    if file is None:
        return _demands(options)
    demands, left_out = file.schedule_conditions(typed)
    _say_ignored(left_out)
    return demands


def _say_ignored(conditions: Iterable[str]) -> None:
    for condition in conditions:
        click.echo(f"bench: {condition!r} is about something that this run does not measure; ignored", err=True)


def _demands(options: Mapping[str, object]) -> ThresholdOptions:
    return ThresholdOptions.model_validate({name: options[name] for name in ThresholdOptions.model_fields})


def _alone(context: click.Context, name: str) -> None:
    """Raise UsageError if anything is given beside the option of that name, but for what is only judged at the end."""
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if given and parameter.name not in (name, *ThresholdOptions.model_fields):
            what = parameter.opts[0] if isinstance(parameter, click.Option) else "the scenarios"
            raise UsageError(f"--{name} continues a run as it was planned; leave out {what}")
