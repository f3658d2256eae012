"""A run from its options to the last sample: new, or resumed after an interruption.

Before anything is written it is checked that the sides can be started, and that their certificates are trusted.
While it goes on, a progress bar shows what is measured, in which block, and how long it still takes.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLCertVerificationError, SSLError

from rich.console import Console
from rich.progress import TextColumn

from loadtests.experiment.exploration import Exploration
from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import Experiment, Pairing, Plan
from loadtests.experiment.sides import LABELS, Side
from loadtests.records.answer_differences import CompareAnswers
from loadtests.records.manifest import Event, Manifest
from loadtests.records.run_folder import (
    RunFolder,
    check_free,
    create_run_folder,
    locked,
    new_folder,
    saying_what_is_kept,
)
from loadtests.runner.commits import with_checkouts
from loadtests.runner.explore import explore
from loadtests.runner.next_rows import NextRows
from loadtests.runner.resume import check_same, experiment_of, missing_trials, next_rows_of, plan_of, resumed
from loadtests.runner.run_log import new_manifest
from loadtests.runner.runner import FixedSchedule, Listener, Runner, Schedule, trial_key
from loadtests.runner.runner import Progress as Standing
from loadtests.runner.same_answers import ComparedAnswers, Explore, Explored, check_answers
from loadtests.servers.app_check import CheckedSides, check_sides
from loadtests.servers.databases import check_database, check_reachable, open_databases
from loadtests.servers.endpoints import requests_of
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.connections import Trust, why_not_trusted
from loadtests.system.cores import Cores, assign_cores, pinned
from loadtests.system.errors import UsageError
from loadtests.system.git import Checkouts
from loadtests.system.resources import most_open_files
from loadtests.system.terminal import PipeConsole, progress_bar

CONNECT_LIMIT_S = 5.0
SIDES = 2
OWN_FILES = 40
"""Files that a load generator opens beside its connections, one for each user to both sides."""


NOT_PINNED = Cores((), ())
"""Where neither servers nor load are on this machine."""
MakeSchedule = Callable[[Experiment, Sequence[tuple[int, tuple[Pairing, ...]]]], Schedule]
"""Makes what says where the time of an experiment with a budget goes; of an interrupted run it takes the blocks that
are to be completed first, with their numbers."""


MakeComparison = Callable[[Collection[str], Collection[str]], CompareAnswers]
"""Makes what compares the sides' answers, of places that may differ and of lists whose order does not matter."""


def measure(
    options: RunOptions,
    make_schedule: MakeSchedule | None = None,
    make_comparison: MakeComparison | None = None,
    begun_s: float | None = None,
    *,
    next_rows: NextRows | None = None,
    for_good: bool = True,
) -> Path:
    """Make a run and carry it out; return its folder.

    Args:
        options: as typed.
        make_schedule: for a run with a budget; a fixed design needs none.
        make_comparison: for the sides' answers, which are compared before anything is measured; None to do without.
        begun_s: when the command began, on the monotonic clock, in seconds: all that it does counts in its budget;
            None for now.
        next_rows: of values files; None to begin with the first ones.
        for_good: whether the run's folder is to stay, so that what ends the run early should say where it is.

    Raises:
        AnswersDiffer: the sides do not answer alike; nothing was written.
        RunError: a side can't be started; nothing was written.
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted: by a signal; what was measured is kept.
        RunError: the run could not be completed; what was measured is kept.
    """
    now, begun_s = datetime.now(UTC), time.monotonic() if begun_s is None else begun_s
    out = options.out or new_folder()
    check_free(out)
    exploration, wanted = options.exploration(), options.experiment()
    with Checkouts() as checkouts:
        experiment, of_commits = with_checkouts(wanted, checkouts)
        say(of_commits)
        _measure(
            experiment,
            of_commits,
            exploration,
            out,
            now,
            make_schedule,
            make_comparison,
            begun_s,
            next_rows or NextRows(),
            for_good=for_good,
        )
    return out


def _measure(
    experiment: Experiment,
    of_commits: Sequence[str],
    exploration: Exploration | None,
    out: Path,
    now: datetime,
    make_schedule: MakeSchedule | None,
    make_comparison: MakeComparison | None,
    begun_s: float,
    next_rows: NextRows,
    *,
    for_good: bool,
) -> None:
    """Check that the run can be made, and carry it out; for arguments and errors see ``measure``."""
    experiment, checked = checked_experiment(experiment)
    check_database(experiment.database)
    check_reachable(experiment.database)
    cores = assign_cores() if experiment.machines is None else NOT_PINNED
    answers = ComparedAnswers()
    if make_comparison is not None:
        compare = make_comparison(experiment.ignored, experiment.unordered)
        more = None if exploration is None else _exploring(exploration, experiment, compare)
        answers = check_answers(experiment, cores, compare, next_rows, more)
    say(answers.said)
    manifest = new_manifest(experiment, out.name, now, cores, checked, answers)
    events = [Event(block=0, label=None, kind="commit", message=sentence) for sentence in of_commits]
    events += [Event(block=0, label=None, kind="explored", message=sentence) for sentence in answers.said]
    manifest = manifest.model_copy(update={"events": events})
    with saying_what_is_kept(out) if for_good else nullcontext():
        folder = create_run_folder(out, manifest)
        with locked(folder):
            schedule = _schedule(experiment, experiment.plan(), make_schedule)
            _carry_out(experiment, folder, manifest, cores, schedule, begun_s, next_rows)


def say(sentences: Sequence[str]) -> None:
    """Print what was found before anything is measured, a line each."""
    console = PipeConsole()
    for sentence in sentences:
        console.print(sentence, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def _exploring(exploration: Exploration, experiment: Experiment, compare: CompareAnswers) -> Explore:
    """Return what explores the servers of both sides, and says so: it may take long."""

    def explore_both(servers: Sequence[Server], work: Path) -> Explored:
        PipeConsole().print(
            f"asking both sides what their OpenAPI documents allow, for {exploration.seconds:g} s at the most",
            highlight=False,
        )
        return explore(exploration, servers, compare, scenarios=experiment.scenarios, work=work)

    return explore_both


def resume(out: Path, make_schedule: MakeSchedule | None = None, begun_s: float | None = None) -> Path:
    """Measure what an interrupted run lacks; return its folder.

    Args:
        out: the run's folder.
        make_schedule: for a run with a budget; a fixed design needs none.
        begun_s: see ``measure``.

    Raises:
        UsageError: it lacks nothing, is still going on, or would go on under other conditions than it began.
        UnreadableRun: a file of it is no good; the message names it.
        Interrupted, RunError: as for ``measure``.
    """
    folder, begun_s = RunFolder(out), time.monotonic() if begun_s is None else begun_s
    before = folder.read_manifest()
    known = {label: commit for label in LABELS if (commit := getattr(before, label).commit) is not None}
    with Checkouts() as checkouts:
        _resume(folder, before, with_checkouts(experiment_of(before), checkouts, known)[0], make_schedule, begun_s)
    return out


def _resume(
    folder: RunFolder, before: Manifest, experiment: Experiment, make_schedule: MakeSchedule | None, begun_s: float
) -> None:
    """Carry out what is missing; for arguments and errors see ``resume``."""
    out = folder.path
    experiment, checked = checked_experiment(experiment)
    check_database(experiment.database)
    cores = assign_cores() if experiment.machines is None else NOT_PINNED
    now = datetime.now(UTC)
    check_same(before, new_manifest(experiment, before.name, now, cores, checked))
    with saying_what_is_kept(out), locked(folder):
        begun = plan_of(before, experiment)
        trials = dict(folder.read_trials())
        plan = missing_trials(begun, trials.keys())
        if before.complete and not any(plan):
            raise UsageError(f"--resume {out}: the run is complete; bench report {out} shows its results")
        schedule = _schedule(experiment, plan, make_schedule)
        for number, block in enumerate(begun):
            for pairing in block:
                keys = {label: trial_key(number, pairing, label) for label in pairing.order}
                if pairing not in plan[number]:
                    schedule.saw(number, pairing, {label: trials[key] for label, key in keys.items()}, None)
        next_rows = next_rows_of(before, trials)
        del trials
        _carry_out(experiment, folder, resumed(before, plan, now), cores, schedule, begun_s, next_rows)


def _schedule(experiment: Experiment, plan: Plan, make_schedule: MakeSchedule | None) -> Schedule:
    if experiment.budget_s is None:
        return FixedSchedule(plan)
    if make_schedule is None:
        raise UsageError("this run has a budget, and nothing that spends it; give it --blocks")
    return make_schedule(experiment, [(number, block) for number, block in enumerate(plan) if block])


def _carry_out(
    experiment: Experiment,
    folder: RunFolder,
    manifest: Manifest,
    cores: Cores,
    schedule: Schedule,
    begun_s: float,
    next_rows: NextRows,
) -> None:
    with (
        pinned(cores.driver),
        display(PipeConsole(), experiment) as listener,
        open_databases(experiment.database, folder.work, cores) as databases,
    ):
        Runner(experiment, folder, manifest, cores, listener, schedule, databases, begun_s, next_rows).run()


def checked_experiment(experiment: Experiment) -> tuple[Experiment, CheckedSides]:
    """Return an experiment whose sides can be started, and what was found out about them; raises UsageError."""
    check_open_files(experiment.loads, most_open_files())
    sides = experiment.a, experiment.b
    checked = check_sides(sides, experiment.start_limit_s, requests_of(experiment))
    a, b = checked.sides
    check_certificates(experiment.trust, a, b)
    return replace(experiment, a=a, b=b), checked


def check_open_files(loads: Sequence[Load], most: float) -> None:
    """Raise UsageError if a load generator may not open as many files as the users of a closed loop take.

    Args:
        loads: those of the run.
        most: how many files a process may open.
    """
    users = max((load.users for load in loads if isinstance(load, ClosedLoop)), default=1)
    needed = SIDES * users + OWN_FILES
    if most < needed:
        fewer = int(most - OWN_FILES) // SIDES
        instead = f", or use at most {fewer} users" if fewer > 0 else ""
        raise UsageError(
            f"--users {users}: that needs {needed:,} open files, but the system allows {most:,.0f}; raise the limit"
            f" with ulimit -n {needed}{instead}"
        )


def check_certificates(trust: Trust, *sides: Side) -> None:
    """Connect to the sides that are https URLs; raises UsageError if a certificate, or the file of them, is no good.

    Whether a side is there at all is a question for its start.
    """
    urls = {side.url: side for side in sides if side.url is not None and side.url.startswith("https:")}
    try:
        connections = [(side, ProbeConnection(url, CONNECT_LIMIT_S, trust)) for url, side in urls.items()]
    except OSError as error:
        why = "holds no certificate in PEM" if isinstance(error, SSLError) else f"can't be read ({error.strerror})"
        raise UsageError(f"--cafile {trust.cafile}: {why}; name a file with the certificates to trust") from None
    for side, connection in connections:
        with closing(connection), suppress(OSError):
            try:
                connection.connect()
            except SSLCertVerificationError as error:
                raise UsageError(f"side {side.spec!r}: {why_not_trusted(error)}") from None


@contextmanager
def display(console: Console, experiment: Experiment) -> Iterator[Listener]:
    """Show a run's progress, and each cell as it is settled; yields what to tell it. In a pipe it prints lines."""
    if not console.is_terminal:
        yield _lines(console, experiment)
        return
    cells, blocks, budget_s = len(experiment.cells), experiment.blocks, experiment.budget_s
    fields = "block {task.fields[block]}" + ("" if budget_s else f"/{blocks}")
    if budget_s:
        fields += ", {task.fields[settled]}" + f" of {cells} cells settled"
    pairings = cells + experiment.has_control
    with progress_bar(console, TextColumn(fields)) as bar:
        task = bar.add_task("", total=budget_s or 2 * pairings * blocks, block=1, settled=0, now="starting")

        def tell(at: Standing) -> None:
            for sentence in at.news:
                bar.console.print(sentence, highlight=False, markup=False)
            completed = at.seconds if budget_s else at.done
            bar.update(task, completed=completed, block=at.block + 1, settled=at.settled, now=at.now)

        yield tell


def _lines(console: Console, experiment: Experiment) -> Listener:
    seen: set[int] = set()

    def tell(at: Standing) -> None:
        for sentence in at.news:
            console.print(sentence, highlight=False, markup=False)
        if at.block not in seen:
            seen.add(at.block)
            console.print(f"block {at.block + 1}" + ("" if experiment.budget_s else f" of {experiment.blocks}"))

    return tell
