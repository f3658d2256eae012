"""The results of a schedule, in words and as a table: where each side broke, and the worst intervals."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from loadtests.experiment.rate_schedule import clock
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.schedule_record import IntervalFigures, ScheduleOutcome, TrialCourse
from loadtests.report.view import SHORT, short_names
from loadtests.report.wording import listed, milliseconds, number, printable

WORST = 8
"""Intervals that the table shows."""
NOTHING = "–"
MISSED = " ✗"
"""Marks the beginning of an interval that misses the objective."""
HEADINGS = (
    "from", "offered /s", "side", "answered /s", "p50 ms", "p99 ms", "failed", "in flight", "cores", "driver late ms",
    "driver cores", "others’ CPU",
)  # fmt: skip
WIDE = frozenset({"cores", "driver cores", "others’ CPU"})
"""Columns that the terminal leaves out, for lack of room."""
SUSPECTED = {"driver": "the load driver", "machine": "something else on the machine"}
GROWTH_LEAST = 2**20
"""A server's memory must grow by this many bytes an hour to be mentioned."""


@dataclass(frozen=True)
class Row:
    """One side in one interval, as text in the order of HEADINGS, and whether it missed the objective."""

    cells: tuple[str, ...]
    missed: bool


def names_of(manifest: Manifest) -> dict[SideLabel, str]:
    """Return short names of the sides; of one alone, its spec, without settings if they make it long."""
    if manifest.schedule is not None and len(manifest.schedule.labels) == 1:
        spec = manifest.a.spec
        return dict.fromkeys(LABELS, spec if len(spec) <= SHORT else spec.partition(",")[0])
    return dict(zip(LABELS, short_names(manifest.a.spec, manifest.b.spec), strict=True))


def headline(outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> str:
    """Say where each side broke, in one line."""
    said = []
    for label in outcome.intervals:
        trials = _of(outcome, label)
        rates = [trial.broke.rate_rps for trial in trials if trial.broke]
        if not rates:
            far = min(trial.reached_s for trial in trials)
            kept = "did not break" if all(trial.complete for trial in trials) else f"had not broken after {clock(far)}"
            if any(trial.missed_last for trial in trials):
                kept += ", but missed the objective at the end"
            said.append(f"{names[label]} {kept}")
        else:
            some = f" in {len(rates)} of {len(trials)} blocks" if len(trials) > 1 else ""
            doubtful = [trial.broke.suspect for trial in trials if trial.broke and trial.broke.suspect]
            whose = f" (in doubt: {SUSPECTED[doubtful[0]]})" if doubtful else ""
            said.append(f"{names[label]} broke at {_range(rates)}/s{some}{whose}")
    return "; ".join(said) or "nothing was measured"


def sentences(outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> list[str]:
    """Say for each trial where it broke, why, and what was lost; then compare the sides."""
    said = []
    for trial in outcome.trials:
        who = trial_name(trial, outcome, names)
        said.append(f"{who} {_course(trial)}")
        reasons = trial.broke.reasons if trial.broke else []
        said += [each for each in trial.happened if not any(reason in each for reason in reasons)]
        said += [f"{who}: {doubt}" for doubt in _doubts(trial)]
        if not trial.complete:
            said.append(
                f"{who} is incomplete: it came as far as {clock(trial.reached_s)}; {trial.requests:,} requests are"
                f" kept, and {trial.unanswered:,} were unanswered then"
            )
        if trial.raw_until_s is not None:
            said.append(
                f"{who}: its file was full after {clock(trial.raw_until_s)}; from then on requests were only counted,"
                " second by second, and no samples are kept"
            )
        if trial.rss_per_hour is not None and abs(trial.rss_per_hour) >= GROWTH_LEAST:
            grows = "grew" if trial.rss_per_hour > 0 else "fell"
            said.append(
                f"{who}: the server's memory {grows} by {_mib(abs(trial.rss_per_hour))} an hour in the second half"
            )
    said += [_survivors(outcome, label, names[label]) for label in outcome.intervals]
    said.append(_ratio(outcome, names))
    return [sentence for sentence in said if sentence]


def trial_name(trial: TrialCourse, outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> str:
    """Return a trial's side, and its block if there are several."""
    several = len({each.block for each in outcome.trials}) > 1
    return f"{names[trial.label]}, block {trial.block + 1}" if several else names[trial.label]


def worst(outcome: ScheduleOutcome, most: int = WORST) -> list[int]:
    """Return where either side broke, the interval before, and the worst of the others, in the order of time."""
    count = max(map(len, outcome.intervals.values()), default=0)
    begins = [each.begin_s for each in max(outcome.intervals.values(), key=len, default=[])]

    def badness(which: int) -> tuple[float, float]:
        sides = [each[which] for each in outcome.intervals.values() if which < len(each)]
        waits = [math.inf if each.wanted_s is None and each.errors else each.wanted_s or 0.0 for each in sides]
        return max(each.errors for each in sides), max(waits)

    breaks = [begins.index(trial.broke.at_s) for trial in outcome.trials if trial.broke]
    around = [which for at in breaks for which in (at, at - 1) if which >= 0]
    ranked = dict.fromkeys([*around, *sorted(range(count), key=badness, reverse=True)])
    return sorted(list(ranked)[:most])


def rows(outcome: ScheduleOutcome, names: Mapping[SideLabel, str], which: Sequence[int]) -> list[Row]:
    """Return the rows of some intervals, each side's under the other's."""
    found = []
    for number_ in which:
        for label, intervals in outcome.intervals.items():
            if number_ < len(intervals):
                each = intervals[number_]
                found.append(Row(_cells(each, names[label]), bool(each.missed)))
    return found


def schedule_table(outcome: ScheduleOutcome, names: Mapping[SideLabel, str], scenario: str) -> Table:
    """Return the table of the worst intervals for the terminal."""
    title = Text(printable(f"{scenario}, {outcome.rate}: {headline(outcome, names)}"))
    caption = Text(f"where it broke, and the worst intervals; ✗: misses {outcome.objective}")
    table = Table(
        title=title, title_justify="left", title_style="bold", caption=caption, caption_justify="left",
        box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False,
    )  # fmt: skip
    shown = [HEADINGS.index(heading) for heading in HEADINGS if heading not in WIDE]
    for which in shown:
        heading = HEADINGS[which]
        table.add_column(heading.replace(" ", "\n"), justify="left" if heading in ("from", "side") else "right")
    for row in rows(outcome, names, worst(outcome)):
        table.add_row(*(Text(row.cells[which]) for which in shown), style="bold" if row.missed else None)
    return table


def _cells(each: IntervalFigures, name: str) -> tuple[str, ...]:
    return (
        f"{clock(each.begin_s)}{MISSED if each.missed else ''}",
        number(each.rate_rps),
        name,
        number(each.answered_rps),
        *(NOTHING if value is None else milliseconds(value) for value in (each.p50_s, each.p99_s)),
        f"{each.errors:.1%}" if each.failed else "0",
        NOTHING if each.in_flight is None else f"{each.in_flight:,}",
        NOTHING if each.server_cores is None else f"{each.server_cores:.2f}",
        NOTHING if each.lag_p99_s is None else milliseconds(each.lag_p99_s),
        NOTHING if each.driver_cores is None else f"{each.driver_cores:.2f}",
        NOTHING if each.foreign is None else f"{each.foreign:.0%}",
    )


def _course(trial: TrialCourse) -> str:
    if trial.broke is None and trial.missed:
        intervals = "1 interval" if trial.missed == 1 else f"{trial.missed} intervals"
        far = "" if trial.complete else " as long as it was measured"
        end = "; the last one did, too late to tell whether it would have gone on" if trial.missed_last else ""
        return f"did not break{far}, but missed the objective in {intervals}, never in two successive ones{end}"
    if trial.broke is None:
        return "met the objective to the end" if trial.complete else "met the objective as long as it was measured"
    at = trial.broke
    back = f"; from {clock(at.recovered_s)} on it met the objective again" if at.recovered_s is not None else ""
    return f"broke at {number(at.rate_rps)}/s after {clock(at.at_s)}: {listed(at.reasons)}{back}"


def _doubts(trial: TrialCourse) -> Iterator[str]:
    """Say what else may have been the limit, where the side broke and elsewhere."""
    at = trial.broke
    if at is not None and at.suspect is not None:
        yield f"when it broke, {'; '.join(at.doubts)}; so {SUSPECTED[at.suspect]} may have been the limit"
    if trial.driver_late:
        intervals = "1 interval" if trial.driver_late == 1 else f"{trial.driver_late} intervals"
        yield f"in {intervals} more than a tenth of the response time may be the load driver's own delay"
    if trial.disturbed:
        yield f"in its worst seconds {listed(trial.disturbed)}"


def _survivors(outcome: ScheduleOutcome, label: SideLabel, name: str) -> str:
    """Say from when on figures do not cover all blocks: the blocks that go on are the better ones."""
    blocks = len(_of(outcome, label))
    fewer = next((each for each in outcome.intervals[label] if each.blocks < blocks), None)
    if fewer is None:
        return ""
    some = f"{fewer.blocks} of {blocks} blocks"
    return f"{name}: from {clock(fewer.begin_s)} on, figures cover at most {some}: in the others the schedule had ended"


def _ratio(outcome: ScheduleOutcome, names: Mapping[SideLabel, str]) -> str:
    """Compare the rates at which the sides broke, block by block, where both did in every one."""
    by_block: dict[int, dict[SideLabel, float]] = {}
    for trial in outcome.trials:
        if trial.broke and trial.broke.rate_rps:
            by_block.setdefault(trial.block, {})[trial.label] = trial.broke.rate_rps
    both = [rates["b"] / rates["a"] for rates in by_block.values() if len(rates) == 2]
    if not both or len(both) < len({trial.block for trial in outcome.trials}):
        return ""
    mean = math.exp(sum(map(math.log, both)) / len(both))
    blocks = f", {min(both):.2f} to {max(both):.2f} over {len(both)} blocks" if len(both) > 1 else ", from one block"
    return f"rate at which the sides broke, {names['b']} ÷ {names['a']}: {mean:.2f}{blocks}"


def _of(outcome: ScheduleOutcome, label: SideLabel) -> list[TrialCourse]:
    return [trial for trial in outcome.trials if trial.label == label]


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return number(low) if number(low) == number(high) else f"{number(low)} to {number(high)}"


def _mib(size: float) -> str:
    return f"{number(size / 2**20)} MiB"
