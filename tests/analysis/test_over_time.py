"""Where a side broke is said by the rule, and every figure comes from the file that the driver wrote."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from loadtests.analysis.over_time import RUN, Course, analyse_schedule, broke, missed, read_course
from loadtests.experiment.rate_schedule import parse_schedule
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import Event, MachineRecord, Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_stream import UNKNOWN, End, Reading, StreamWriter
from loadtests.records.samples import Failure, Samples
from loadtests.records.schedule_record import ScheduleOutcome, ScheduleRecord, stream_path
from loadtests.records.second_counts import buckets_of
from loadtests.report.charts.over_time import heights, lone
from loadtests.report.html.schedule_page import render, write_schedule
from loadtests.report.over_time import headline, names_of, schedule_table, sentences, worst
from loadtests.report.schedule_doubts import schedule_doubts
from tests.made_up_runs import make_run

RAMP = "0..400/s in 2m"
Took = Callable[[float], float]
"""How long an answer takes that is due at an instant, in seconds; NaN if it fails."""


def prompt(_: float) -> float:
    return 0.01


def plan_of(rate: str, orders: list[list[SideLabel]]) -> ScheduleRecord:
    return ScheduleRecord(
        rate=rate, arrivals="poisson", orders=orders, percentile=99.0, limit_s=0.2, errors=0.01, raw_bytes=10**9
    )


def write(
    path: Path,
    rate: str,
    took: Took,
    *,
    run: str = "",
    lag_s: float = 0.0,
    until_s: float = math.inf,
    ends: bool = True,
    stopped: str | None = None,
    grows: float = 0.0,
    raw_bytes: int = 10**9,
) -> None:
    """Write what a driver would have: a frame a second, until it is killed or gives up."""
    schedule = parse_schedule(rate, "poisson")
    due = np.array(list(schedule.schedule(1)))
    times = np.array([took(at) for at in due])
    ended = due + times
    answered = np.where(np.isnan(ended), due, ended)
    failure = np.where(np.isnan(times), Failure.STATUS, Failure.NONE).astype(np.uint8)
    last = min(until_s, float(schedule.seconds))
    count = len(due)
    status = np.full(count, 200, np.uint16)
    whole = Samples(due, due + lag_s, ended, answered, status, failure, np.zeros(count, np.uint16))
    with StreamWriter(path, {"run": run, "label": "a"}, raw_bytes) as writer:
        for second in range(math.ceil(last) + (60 if ends else 0)):
            to = min(second + 1.0, last) if second < last else second + 1.0
            these = (answered >= second) & (answered < second + 1.0) & (due < last)
            part = Samples(**{name: column[these] for name, column in vars(whole).items()})
            in_flight = int(((due < min(to, last)) & (answered >= to)).sum())
            sent = int((due < min(to, last)).sum())
            rss = int(80e6 + grows * to / 3600) if second % 10 == 0 else UNKNOWN
            writer.write(part, Reading(to, sent, sent - in_flight, in_flight, 0.1 * to, 60_000_000, 0.5 * to, rss))
        if ends:
            writer.end(End(last, None, stopped, 0, writer.raw_until_s))


def course_of(tmp_path: Path, took: Took = prompt, rate: str = RAMP, **more: object) -> Course:
    path = tmp_path / "a.stream"
    write(path, rate, took, **more)  # type: ignore[arg-type]
    return read_course(path, parse_schedule(rate, "poisson"))


def outcome_of(
    tmp_path: Path, took: dict[SideLabel, Took], rate: str = RAMP, blocks: int = 1, **more: object
) -> tuple[Manifest, ScheduleOutcome]:
    labels = sorted(took)
    plan = plan_of(rate, [labels] * blocks)
    manifest, _ = make_run(["get_post"], [1])
    manifest = manifest.model_copy(update={"schedule": plan, "blocks": [], "created": datetime(2026, 1, 1, tzinfo=UTC)})
    folder = RunFolder(tmp_path / "run")
    folder.trials.mkdir(parents=True)
    folder.write_manifest(manifest)
    for block in range(blocks):
        for label in labels:
            path = stream_path(folder.trials, block, label)
            write(path, rate, took[label], run=folder.run_id, **more)  # type: ignore[arg-type]
    return folder.read_manifest(), analyse_schedule(folder, folder.read_manifest(), plan)


def test_a_side_that_keeps_up_does_not_break(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": prompt})
    [trial] = outcome.trials
    assert trial.broke is None
    assert outcome.complete
    assert trial.requests == len(list(parse_schedule(RAMP, "poisson").schedule(1)))
    assert headline(outcome, names_of(manifest)) == "sync did not break"
    assert sentences(outcome, names_of(manifest)) == ["sync met the objective to the end"]
    for each in outcome.intervals["a"]:
        assert each.p50_s == pytest.approx(0.01, rel=outcome.relative_error * 1.01)
        assert each.answered_rps == pytest.approx(each.rate_rps, abs=6 * math.sqrt(each.rate_rps) + 5)
        assert not each.missed


def test_it_broke_where_the_percentile_began_to_miss_its_limit(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": lambda at: 0.01 if at < 90 else 0.4})
    [trial] = outcome.trials
    assert trial.broke is not None
    assert 88 <= trial.broke.at_s <= 90
    assert trial.broke.rate_rps == pytest.approx(300, abs=5)
    assert trial.broke.reasons[0] in ("p99 was 399 ms", "p99 was 400 ms", "p99 was 401 ms")
    assert trial.broke.recovered_s is None
    assert "sync broke at" in headline(outcome, names_of(manifest))


def test_it_broke_where_too_many_failed(tmp_path: Path) -> None:
    _, outcome = outcome_of(tmp_path, {"a": lambda at: 0.01 if at < 60 or at % 0.1 > 0.005 else math.nan})
    broke = outcome.trials[0].broke
    assert broke is not None
    assert 57 <= broke.at_s <= 61
    assert "of requests failed" in broke.reasons[0]


def test_a_single_bad_interval_is_no_break(tmp_path: Path) -> None:
    """As a pause of the machine: one second is slow."""
    slow = next(each for each in parse_schedule(RAMP, "poisson").intervals() if each.begin_s >= 100)
    manifest, outcome = outcome_of(tmp_path, {"a": lambda at: 0.4 if slow.begin_s <= at < slow.end_s else 0.01})
    missed = [each for each in outcome.intervals["a"] if each.missed]
    assert [(each.begin_s, each.end_s) for each in missed] == [(slow.begin_s, slow.end_s)]
    assert outcome.trials[0].broke is None
    assert sentences(outcome, names_of(manifest)) == [
        "sync did not break, but missed the objective in 1 interval, never in two successive ones"
    ]
    assert RUN == 2


def test_a_schedule_of_one_interval_breaks_in_it(tmp_path: Path) -> None:
    """With 20 requests, all of which fail, there is no second interval that could confirm it."""
    manifest, outcome = outcome_of(tmp_path, {"a": lambda _: math.nan}, "20/s for 3s")
    assert len(outcome.intervals["a"]) == 1
    assert headline(outcome, names_of(manifest)) == "sync broke at 20.0/s"
    assert outcome.trials[0].broke is not None
    assert outcome.trials[0].broke.reasons == ["100.0% of requests failed"]


def test_an_objective_that_is_missed_at_the_very_end_is_said_to_be(tmp_path: Path) -> None:
    last = parse_schedule(RAMP, "poisson").intervals()[-1]
    manifest, outcome = outcome_of(tmp_path, {"a": lambda at: 0.01 if at < last.begin_s else math.nan})
    assert outcome.trials[0].broke is None
    names = names_of(manifest)
    assert headline(outcome, names) == "sync did not break, but missed the objective at the end"
    assert any("the last one did, too late to tell" in said for said in sentences(outcome, names))


def test_after_a_spike_it_is_said_when_it_recovered(tmp_path: Path) -> None:
    rate = "100/s for 1m, 800/s for 10s, 100/s for 1m"
    _, outcome = outcome_of(tmp_path, {"a": lambda at: 0.01 if at < 60 else max(0.01, 75 - at)}, rate)
    broke = outcome.trials[0].broke
    assert broke is not None
    assert broke.at_s == 60
    assert broke.rate_rps == 800
    assert broke.recovered_s in range(74, 85)


def test_a_backlog_that_grows_is_a_break_even_where_no_percentile_can_be_given(tmp_path: Path) -> None:
    """With 3 arrivals a second no interval has enough requests for p99."""
    rate = "3/s for 1m, 3/s for 1m, 3/s for 1m"
    _, outcome = outcome_of(tmp_path, {"a": lambda at: 0.5 * at}, rate)
    assert all(each.p99_s is None for each in outcome.intervals["a"])
    broke = outcome.trials[0].broke
    assert broke is not None
    assert broke.at_s == 0
    assert "requests were unanswered, and the number grew" in broke.reasons[-1]


@pytest.mark.parametrize(("slow", "says"), [(4, []), (6, ["6 of 100 answers took longer than 200 ms"])])
def test_with_few_requests_slow_answers_are_counted(tmp_path: Path, slow: int, says: list[str]) -> None:
    """Of 100 answers one may be slow, and three standard deviations more: four in all."""
    course = course_of(tmp_path, rate="10/s for 10s")
    course.response[:] = course.outcome[:] = 0
    course.outcome[0, Failure.NONE] = 100
    course.response[0, buckets_of(np.array([0.01]))[0]] = 100 - slow
    course.response[0, buckets_of(np.array([0.3]))[0]] = slow
    assert missed(course, 0, plan_of("10/s for 10s", [["a"]])) == says


def test_answers_within_the_limit_are_no_backlog_at_the_end_of_a_ramp(tmp_path: Path) -> None:
    """Each takes 190 of the 200 ms that it may, and on a ramp more of them come in the end than on average."""
    _, outcome = outcome_of(tmp_path, {"a": lambda _: 0.19}, "0..400/s in 20s")
    assert outcome.trials[0].broke is None
    assert not any(each.missed for each in outcome.intervals["a"])


def test_chance_is_no_backlog(tmp_path: Path) -> None:
    """One request a second that may take 2 s: two are expected to be unanswered at a time, and six are no rarity."""
    course = course_of(tmp_path, lambda _: 1.5, "1/s for 2m")
    plan = plan_of("1/s for 2m", [["a"]]).model_copy(update={"limit_s": 2.0})
    [interval] = course.intervals
    course.readings = [Reading(float(interval.end_s), 120, 114, 6, 0.0, 0, 0.0, 0)]
    assert missed(course, 0, plan) == []  # at most 2 + 3 × √2 = 6.2
    course.readings = [Reading(float(interval.end_s), 120, 113, 7, 0.0, 0, 0.0, 0)]
    assert missed(course, 0, plan) == ["7 requests were unanswered, and the number grew"]


def test_where_the_driver_gave_up_it_broke(tmp_path: Path) -> None:
    course = course_of(tmp_path, until_s=71.0, stopped="5,000 requests were unanswered, and no more were sent")
    assert course.intervals[course.reached - 1].begin_s <= 71
    _, outcome = outcome_of(tmp_path, {"a": prompt}, until_s=71.0, stopped="5,000 requests were unanswered")
    broke = outcome.trials[0].broke
    assert broke is not None
    assert broke.reasons == ["5,000 requests were unanswered"]
    assert outcome.intervals["a"][-1].end_s <= 73


def test_figures_of_those_blocks_alone_that_came_so_far_are_said_to_be(tmp_path: Path) -> None:
    manifest, _ = outcome_of(tmp_path, {"a": prompt}, blocks=2)
    folder = RunFolder(tmp_path / "run")
    path = stream_path(folder.trials, 1, "a")
    path.unlink()
    write(path, RAMP, prompt, run=folder.run_id, until_s=71.0, stopped="5,000 requests were unanswered")
    assert manifest.schedule is not None
    outcome = analyse_schedule(folder, manifest, manifest.schedule)
    first = next(each for each in outcome.intervals["a"] if each.blocks == 1)
    assert 70 <= first.begin_s <= 73
    [said] = [each for each in sentences(outcome, names_of(manifest)) if "figures cover" in each]
    assert said.endswith("figures cover at most 1 of 2 blocks: in the others the schedule had ended")


def test_what_is_left_of_a_killed_run_is_read_and_called_incomplete(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": prompt}, until_s=80.0, ends=False)
    [trial] = outcome.trials
    assert not outcome.complete
    assert not trial.complete
    assert trial.broke is None
    assert trial.reached_s == 80
    assert trial.requests == pytest.approx(400 / 120 * 80**2 / 2, rel=0.05)
    assert outcome.intervals["a"][-1].end_s <= 80
    names = names_of(manifest)
    assert headline(outcome, names) == "sync had not broken after 1:20"
    assert any(
        f"came as far as 1:20; {trial.requests:,} requests are kept" in each for each in sentences(outcome, names)
    )


def test_figures_are_the_same_when_requests_were_only_counted(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "counted").mkdir()
    took: dict[SideLabel, Took] = {"a": lambda at: 0.01 + 0.001 * (at % 1)}
    _, kept = outcome_of(tmp_path / "kept", took)
    manifest, counted = outcome_of(tmp_path / "counted", took, raw_bytes=20_000)
    assert counted.trials[0].raw_until_s is not None
    assert counted.trials[0].requests == kept.trials[0].requests
    for each, other in zip(counted.intervals["a"], kept.intervals["a"], strict=True):
        assert each.requests == other.requests
        assert each.p99_s == pytest.approx(other.p99_s, rel=2 * counted.relative_error)
    assert any("its file was full after" in each for each in sentences(counted, names_of(manifest)))


def slow_from_90_s(at: float) -> float:
    return 0.01 if at < 90 else 0.4


def on(folder: RunFolder, manifest: Manifest, *machine: MachineRecord, ceiling_rps: float = 9e3) -> ScheduleOutcome:
    """Return the outcome of the same trials on a machine of which more is known."""
    changed = manifest.model_copy(update={"machine": list(machine), "driver_ceiling_rps": ceiling_rps})
    assert manifest.schedule is not None
    return analyse_schedule(folder, changed, manifest.schedule)


def span(
    begin_s: float, foreign: float | None = 0.0, steal: float | None = 0.0, label: SideLabel = "a"
) -> MachineRecord:
    return MachineRecord(block=0, seconds=5.0, steal=steal, foreign=foreign, label=label, begin_s=begin_s)


def test_a_late_driver_is_in_doubt_where_a_side_broke(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": slow_from_90_s}, lag_s=0.1)
    broke, names = outcome.trials[0].broke, names_of(manifest)
    assert broke is not None
    assert broke.suspect == "driver"
    assert "(in doubt: the load driver)" in headline(outcome, names)
    said = " ".join(sentences(outcome, names))
    assert re.search(r"when it broke, p99 of the delay with which the load driver sent was (99|100|101) ms; so", said)
    assert outcome.trials[0].driver_late == sum(each.p99_s is not None for each in outcome.intervals["a"])


def test_a_rate_near_the_ceiling_of_the_driver_is_in_doubt(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": slow_from_90_s})
    folder = RunFolder(tmp_path / "run")
    at = outcome.trials[0].broke
    assert at is not None
    assert (at.suspect, at.doubts) == (None, [])
    at = on(folder, manifest, ceiling_rps=360.0).trials[0].broke
    assert at is not None
    assert at.suspect == "driver"
    assert at.doubts == [f"the rate was {at.rate_rps:.0f}/s, and the load driver reached 360/s by itself"]
    assert on(folder, manifest, ceiling_rps=400.0).trials[0].broke == outcome.trials[0].broke


def test_other_programs_are_in_doubt_if_they_were_busy_when_a_side_broke(tmp_path: Path) -> None:
    manifest, _ = outcome_of(tmp_path, {"a": slow_from_90_s})
    folder, names = RunFolder(tmp_path / "run"), names_of(manifest)
    quiet = [span(at, 0.01) for at in (0.0, 85.0, 90.0)]
    at = on(folder, manifest, *quiet, span(90.0, 0.9, label="b")).trials[0].broke
    assert at is not None
    assert at.suspect is None
    outcome = on(folder, manifest, span(0.0), span(87.0, 0.23, 0.04))
    at = outcome.trials[0].broke
    assert at is not None
    assert at.suspect == "machine"
    assert at.doubts == ["the hypervisor took 4% of the cores' time", "other programs used 23% of the cores' time"]
    assert "(in doubt: something else on the machine)" in headline(outcome, names)
    figures = outcome.intervals["a"]
    assert max(each.foreign or 0.0 for each in figures if each.end_s <= 85) == 0.0
    assert {each.foreign for each in figures if each.begin_s >= 92} == {None}
    assert all(each.driver_cores == pytest.approx(0.1) for each in figures)


def test_requests_that_a_driver_never_sent_are_missed_and_its_fault(tmp_path: Path) -> None:
    """It gives up after 80 s; from 60 s on it had sent nothing of what was due."""
    manifest, _ = outcome_of(tmp_path, {"a": prompt}, until_s=60.0, ends=False)
    folder = RunFolder(tmp_path / "run")
    path = stream_path(folder.trials, 0, "a")
    course = read_course(path, parse_schedule(RAMP, "poisson"))
    course.readings.append(replace(course.readings[-1], time_s=80.0))
    assert manifest.schedule is not None
    course.end = End(80.0, None, "5,000 requests were unanswered, and no more were sent", 0, None)
    broken = broke(course, manifest.schedule)
    assert broken is not None
    assert 57 <= broken.at_s <= 61
    assert broken.suspect == "driver"
    assert re.match(r"the load driver sent only [\d,]+ of about [\d,]+ requests", broken.reasons[0])


def test_failures_are_not_put_down_to_a_busy_machine(tmp_path: Path) -> None:
    manifest, _ = outcome_of(tmp_path, {"a": lambda at: math.nan if at > 90 else 0.01})
    gone = Event(block=0, label="a", kind="collapsed", message="sync exited with status 3 while it was measured")
    manifest = manifest.model_copy(update={"events": [gone]})
    outcome = on(RunFolder(tmp_path / "run"), manifest, *(span(at, 0.9) for at in range(0, 120, 5)))
    at = outcome.trials[0].broke
    assert at is not None
    assert (at.suspect, at.doubts) == (None, [])
    assert gone.message in sentences(outcome, names_of(manifest))


def test_what_disturbed_a_trial_elsewhere_is_said_and_puts_no_break_in_doubt(tmp_path: Path) -> None:
    manifest, _ = outcome_of(tmp_path, {"a": slow_from_90_s})
    outcome = on(RunFolder(tmp_path / "run"), manifest, span(10.0, 0.5, None))
    names = names_of(manifest)
    assert "in doubt" not in headline(outcome, names)
    assert "sync: in its worst seconds other programs used 50% of the cores' time" in sentences(outcome, names)
    titles = {doubt.title: doubt for doubt in schedule_doubts(manifest, outcome, names)}
    assert titles["Something else used the machine"].serious
    assert not titles["The load driver kept up"].serious


def test_memory_that_grows_is_told_by_the_hour(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": prompt}, "1/s for 10m", grows=50 * 2**20)
    assert outcome.trials[0].rss_per_hour == pytest.approx(50 * 2**20, rel=0.01)
    assert any("memory grew by 50" in each for each in sentences(outcome, names_of(manifest)))


def test_both_sides_are_compared_block_by_block_by_where_they_broke(tmp_path: Path) -> None:
    took: dict[SideLabel, Took] = {
        "a": lambda at: 0.01 if at < 60 else 0.4,
        "b": lambda at: 0.01 if at < 90 else 0.4,
    }
    manifest, outcome = outcome_of(tmp_path, took, blocks=2)
    names = names_of(manifest)
    assert [trial.label for trial in outcome.trials] == ["a", "b", "a", "b"]
    said = sentences(outcome, names)
    assert said[0].startswith("sync, block 1 broke at")
    assert any(each.startswith("rate at which the sides broke, async ÷ sync: 1.5") for each in said)
    figures = outcome.intervals["b"][-1]
    assert (figures.blocks, figures.missed_blocks) == (2, 2)
    shown = worst(outcome)
    assert shown == sorted(shown)
    at = {trial.broke.at_s for trial in outcome.trials if trial.broke}
    assert at <= {outcome.intervals["a"][which].begin_s for which in shown}
    assert schedule_table(outcome, names, "get_post").row_count == 2 * len(shown)


def test_summary_chart_and_page_are_written_and_nothing_on_the_page_is_fetched(tmp_path: Path) -> None:
    manifest, outcome = outcome_of(tmp_path, {"a": prompt, "b": lambda at: 0.01 if at < 90 else 0.4})
    folder = RunFolder(tmp_path / "run")
    write_schedule(folder, manifest, outcome, png=True)
    assert ScheduleOutcome.model_validate_json((folder.path / "summary.json").read_bytes()) == outcome
    assert sorted(path.name for path in folder.charts.iterdir()) == ["over-time.png", "over-time.svg"]
    html = folder.report.read_text(encoding="utf-8")
    assert "async broke at" in html
    assert re.findall(r'(?:src|href)="(?!data:|#)', html) == []
    hostile = manifest.scenarios[0].model_copy(update={"name": "GET /<script>alert(1)</script>"})
    assert manifest.schedule is not None
    page = render(manifest.model_copy(update={"scenarios": [hostile]}), outcome, manifest.schedule, None)
    assert "<script>alert" not in page


def test_a_line_of_the_chart_has_a_gap_where_the_percentile_is_among_failures(tmp_path: Path) -> None:
    """From 60 to 90 s one request in ten fails: a line through p99 before and after would hide that."""
    _, outcome = outcome_of(tmp_path, {"a": lambda at: math.nan if 60 <= at < 90 and at % 0.1 < 0.01 else 0.01})
    intervals = outcome.intervals["a"]
    values = heights(intervals, lambda each: each.p99_s)
    assert len(values) == len(intervals)
    inside = [v for v, each in zip(values, intervals, strict=True) if each.begin_s >= 60 and each.end_s <= 90]
    assert inside
    assert all(map(math.isnan, inside))
    assert values[0] == pytest.approx(0.01, rel=0.01)
    assert [str(each) for each in lone([1.0, math.nan, 2.0, math.nan, 3.0, 4.0])] == [
        "1.0", "nan", "2.0", "nan", "nan", "nan",
    ]  # fmt: skip


def test_a_file_of_another_run_is_left_out(tmp_path: Path) -> None:
    manifest, _ = outcome_of(tmp_path, {"a": prompt}, "20/s for 5s")
    folder = RunFolder(tmp_path / "run")
    path = stream_path(folder.trials, 0, "a")
    path.unlink()
    write(path, "20/s for 5s", prompt, run="another")
    assert manifest.schedule is not None
    outcome = analyse_schedule(folder, manifest, manifest.schedule)
    assert outcome.trials == []
    assert not outcome.complete
