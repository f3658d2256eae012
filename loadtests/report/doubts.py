"""Threats to validity: everything that a run itself gives reason to doubt, the serious first (pure).

Here are the doubts about single cells (missing, collapsed, left without a verdict, flagged, in a deadlock) and about
what happened while the run went on; those about its conditions are in ``conditions``.
"""

from collections import Counter
from collections.abc import Iterator

from loadtests.analysis.control import control_in_words, is_level
from loadtests.analysis.flags import MEANING, written
from loadtests.analysis.verdict_kinds import no_verdict
from loadtests.experiment import blog
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import LABELS
from loadtests.records.summary import Outcome
from loadtests.report import answers, differences, doubts_on_conditions, highlights
from loadtests.report.doubts_on_conditions import OF_ALL_CELLS, Doubt, flag_words
from loadtests.report.view import RunView
from loadtests.report.wording import listed, named

TOLD_APART = frozenset(
    {"answers-differ", "collapsed", "small", "too-few-blocks", "too-few-samples", "driver-bound", *OF_ALL_CELLS}
)
"""Flags that have a doubt of their own, or are none."""
SIGN = "nothing was answered"
"""How a trial says that its side hung."""
FAIL_ON_BOTH = "both sides fail: "
MOST_LOGS = 6


def doubts(run: RunView, outcome: Outcome) -> list[Doubt]:
    """Return every doubt that the run itself gives rise to, the serious ones first."""
    found = [
        *control(outcome),
        *different_answers(run),
        *incomplete(run, outcome),
        *collapses(run),
        *deadlock(run),
        *failures(run),
        *unlike(run),
        *commits(run),
        *explored(run),
        *logs(run),
        *taken_out(run),
        *flagged(run),
        *doubts_on_conditions.blocks(run),
        *doubts_on_conditions.driver(run),
        *doubts_on_conditions.ceiling(run),
        *doubts_on_conditions.locust(run),
        *doubts_on_conditions.load_machines(run),
        *doubts_on_conditions.cores(run),
        *doubts_on_conditions.quota(run),
        *doubts_on_conditions.machine(run),
        *doubts_on_conditions.database(run),
        *doubts_on_conditions.provenance(run),
        *doubts_on_conditions.certificates(run),
        *restarts(run),
        *warm_up(run),
        *values(run),
        *agents(run),
        *interruptions(run),
        *clock(run),
        *doubts_on_conditions.always(run),
        *doubts_on_conditions.loop(run),
        *doubts_on_conditions.rare(run),
    ]
    return sorted(found, key=lambda doubt: not doubt.serious)


def control(outcome: Outcome) -> Iterator[Doubt]:
    """Say that a side differs from itself, if it does, or that this can't be told."""
    found = outcome.control
    if found is not None and not outcome.doubted and not is_level(found):
        yield Doubt(
            "It is not known whether the setup is biased",
            f"{control_in_words(found, 'Side a')} A bias within its interval may be part of every ratio.",
        )
    if outcome.doubted and found is not None and found.interval is not None:
        low, high = found.interval
        yield Doubt(
            "The setup is biased: side a differs from itself",
            f"Side a was compared with itself, in a second process, on {found.scenario} at {named([found.load])}:"
            f" {written(found.ratio or 1)} ({written(low)} to {written(high)}), which excludes 1. By chance that"
            " happens in one run in 20. Run it again before you rely on any of its figures.",
            serious=True,
        )


def different_answers(run: RunView) -> Iterator[Doubt]:
    """Say how the sides' answers, and the SQL behind them, differed before the run."""
    if said := differences.in_answers(run):
        yield Doubt(
            "The sides do not answer alike",
            f"Their answers were compared before the run, which used --unequal: {'; '.join(said)}. The ratios therefore"
            " compare different work.",
            serious=True,
        )
    if said := differences.in_statements(run):
        yield Doubt(
            "The sides execute different SQL",
            f"{'; '.join(said)}. Such a ratio reflects how many statements a request takes, not async.",
            serious=True,
        )


def incomplete(run: RunView, outcome: Outcome) -> Iterator[Doubt]:
    """Say what is missing of a run that ended early."""
    if run.manifest.complete and outcome.complete:
        return
    planned, measured = len(run.manifest.cells()), run.headlines()
    fewest = min((c.blocks for c in measured), default=0)
    yield Doubt(
        "The run is incomplete",
        f"It ended early: {planned - len(measured)} of {planned} cells were not measured at all, and the others rest on"
        f" {fewest} to {max((c.blocks for c in measured), default=0)} of {run.blocks} blocks. If someone stopped it"
        " because of what it showed, its verdicts mean little.",
        serious=True,
    )


def collapses(run: RunView) -> Iterator[Doubt]:
    """Say which side could not be measured, and why."""
    for label in LABELS:
        cells = [cell for (_, _, side), cell in run.cells.items() if side == label and cell.collapsed]
        if not cells:
            continue
        said = [
            f"{cell.scenario} at {named([cell.load])}, in {len(cell.collapsed)} of"
            f" {run.blocks_of(cell.scenario, cell.load)} blocks: “{Counter(cell.collapsed).most_common(1)[0][0]}”"
            for cell in cells
        ]
        yield Doubt(
            f"{run.names[label]} collapsed",
            f"{'; '.join(said)}. Its figures come from the remaining blocks, if there are any.",
            serious=True,
        )


def failures(run: RunView) -> Iterator[Doubt]:
    """Say what came instead of good answers."""
    if said := answers.failures(run):
        more = f"; and {len(said) - answers.MOST_LINES} more" if len(said) > answers.MOST_LINES else ""
        yield Doubt(
            "Requests failed",
            f"{'; '.join(said[: answers.MOST_LINES])}{more}. They do not count as throughput.",
            serious=any(flag.startswith("failures") for c in run.headlines() for flag in c.flags),
        )


def unlike(run: RunView) -> Iterator[Doubt]:
    """Say where the good answers of the sides differ."""
    if said := answers.unlike(run):
        yield Doubt(
            "The sides do not answer alike",
            f"{_sentence(MEANING['answers-differ'])}. {'; '.join(said)}. Sizes are average body sizes.",
            serious=True,
        )


def taken_out(run: RunView) -> Iterator[Doubt]:
    """Say which cells have no verdict because they are driver-bound."""
    out = [c for c in highlights.taken_out(run) if no_verdict(c) == "driver-bound"]
    if out:
        count = f"{len(out)} cell{'s were' if len(out) > 1 else ' was'}"
        yield Doubt(
            f"{count} excluded: driver-bound",
            f"{_sentence(MEANING['driver-bound'])}. This affects {listed(highlights.places(out))}. The evidence is in"
            " words beside their figures.",
            serious=True,
        )


def flagged(run: RunView) -> Iterator[Doubt]:
    """Say which cells are flagged, a doubt a flag."""
    found: dict[str, list[str]] = {}
    for c in run.headlines():
        for flag in c.flags:
            if flag.partition(":")[0] not in TOLD_APART:
                found.setdefault(flag, []).append(f"{c.scenario} at {named([c.load])}")
    for flag, where in found.items():
        words, meaning = flag_words(run, flag)
        count = f"{len(where)} cell{'s' if len(where) > 1 else ''}"
        yield Doubt(f"Flagged {words}: {count}", f"{_sentence(meaning)}: {listed(where)}.", serious=True)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def deadlock(run: RunView) -> Iterator[Doubt]:
    """Say who waits for whom, where a side hung whose threads and connections can wait for each other."""
    for label, side in zip(LABELS, (run.manifest.a, run.manifest.b), strict=True):
        known = blog.resources_of(side.settings)
        if known is None or not known.can_deadlock:
            continue
        threads, connections = known.threads, known.connections
        hung = [
            f"{cell.scenario} at {named([load])}"
            for (_, load, whose), cell in run.cells.items()
            if whose == label
            and isinstance(load, ClosedLoop)
            and load.users > connections
            and any(SIGN in sentence for sentence in cell.collapsed)
        ]
        if hung:
            yield Doubt(
                f"{run.names[label]}: a deadlock of threads and connections",
                f"All {threads} worker threads wait for one of the {connections} database connections. The"
                f" {connections} requests that hold a connection wait for a thread, because FastAPI needs one to"
                " serialise their result and to return the connection. Nothing moves until the pool times out after"
                f" {blog.POOL_TIMEOUT_S} s: “QueuePool limit … reached”. A larger pool only moves the point at which"
                " this happens. The fix is to start no more requests than there are connections:"
                f" Db = Annotated[Session, Depends(get_db, max_concurrency={connections})], one alias that all routes"
                f" share. The build does this unless session_limit=none is set. Seen in {listed(hung)}.",
                serious=True,
            )


def restarts(run: RunView) -> Iterator[Doubt]:
    """Say what of the harness was replaced, and that something was measured again."""
    if said := _event_messages(run, "restarted"):
        yield Doubt("Part of the run was repeated", "; ".join(said) + ".")


def warm_up(run: RunView) -> Iterator[Doubt]:
    """Say which sides were not warm when the warm-up ended."""
    if said := list(dict.fromkeys(_event_messages(run, "warm-up"))):
        yield Doubt("A side was not warmed up", "; ".join(said[:MOST_LOGS]) + ".")


def values(run: RunView) -> Iterator[Doubt]:
    """Say that rows of a values file were used more than once: a server may know them from before."""
    if said := _event_messages(run, "values"):
        yield Doubt("Values were reused", "; ".join(said) + ". The server may have cached what belongs to a row.")


def agents(run: RunView) -> Iterator[Doubt]:
    """Say of which trials an agent could not tell what the server used."""
    if said := _event_messages(run, "agent"):
        more = f"; and {len(said) - MOST_LOGS} more trials" if len(said) > MOST_LOGS else ""
        yield Doubt(
            "Some figures of a server are not known",
            "; ".join(said[:MOST_LOGS]) + more + ". CPU per request and memory come from the remaining blocks, if there"
            " are any.",
        )


def explored(run: RunView) -> Iterator[Doubt]:
    """Say which requests fail on both sides, of those that were asked beside the run's own."""
    if said := [each for each in _event_messages(run, "explored") if each.startswith(FAIL_ON_BOTH)]:
        more = f"; and {len(said) - MOST_LOGS} more" if len(said) > MOST_LOGS else ""
        yield Doubt(
            "Some requests that the OpenAPI documents allow fail on both sides",
            "; ".join(each.removeprefix(FAIL_ON_BOTH) for each in said[:MOST_LOGS]) + more + ".",
        )


def commits(run: RunView) -> Iterator[Doubt]:
    """Say which commits the sides are, and which differences between them the ratios do not show."""
    if said := _event_messages(run, "commit"):
        yield Doubt("The sides are commits", _sentence("; ".join(said)) + ".")


def logs(run: RunView) -> Iterator[Doubt]:
    """Quote the log of a side that gave no good answer to a cell, each line of it once."""
    if said := list(dict.fromkeys(_event_messages(run, "log"))):
        more = f"; and {len(said) - MOST_LOGS} more" if len(said) > MOST_LOGS else ""
        yield Doubt(
            "The log of a side that failed every request", "; ".join(said[:MOST_LOGS]) + more + ".", serious=True
        )


def interruptions(run: RunView) -> Iterator[Doubt]:
    """Say that the run was not made in one sitting."""
    if said := _event_messages(run, "resumed"):
        yield Doubt(
            "The run was interrupted",
            f"It was {', and '.join(said)}. In between, the machine may have changed in ways that can't be checked;"
            " sides were only compared within one session.",
        )


def clock(run: RunView) -> Iterator[Doubt]:
    """Say that the wall clock was set."""
    if said := _event_messages(run, "clock"):
        text = "; ".join(said)
        yield Doubt(
            "The wall clock was set",
            f"{text[:1].upper()}{text[1:]}. No measurement uses it; only the times of day in logs and run.json jump.",
        )


def _event_messages(run: RunView, kind: str) -> list[str]:
    return [event.message for event in run.manifest.events if event.kind == kind]
