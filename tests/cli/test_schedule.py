"""A schedule takes what it can of the options of a run, and says of the others why not."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.cli.report import show_report
from loadtests.cli.run import run_, typed_options
from loadtests.cli.schedule import asks_for_schedule, planned, resume_and_show
from loadtests.cli.timeline import show as show_timeline
from loadtests.experiment.bench_toml import parse_bench_toml
from loadtests.experiment.bench_toml_options import file_options
from loadtests.experiment.options import RunOptions
from loadtests.experiment.thresholds import ThresholdOptions
from loadtests.records.run_folder import RunFolder, create_run_folder
from loadtests.records.schedule_record import ScheduleRecord
from loadtests.runner.schedule_run import RAW_BYTES, SchedulePlan
from loadtests.system.errors import RunError, UsageError
from tests.made_up_runs import make_run

RAMP = "--rate '0..400/s in 2m'"


def of_command(line: str) -> tuple[RunOptions, SchedulePlan]:
    given = run_.make_context("run", shlex.split(line)).params
    options = RunOptions.model_validate(given)
    assert asks_for_schedule(options)
    return planned(options, ThresholdOptions.model_validate({n: given[n] for n in ThresholdOptions.model_fields}))


def test_a_schedule_is_played_once_to_both_sides_with_a_limit_of_a_second() -> None:
    plain, plan = of_command(f"get_post {RAMP}")
    assert str(plan.schedule) == "0..400/s in 2m"
    assert (plan.labels, plan.percentile, plan.limit_s, plan.errors) == (("a", "b"), 99.0, 1.0, 0.01)
    record = plan.record(plain.experiment())
    assert [sorted(order) for order in record.orders] == [["a", "b"]]
    assert record.raw_bytes == RAW_BYTES // 2
    assert record.schedule == plan.schedule


def test_which_side_begins_alternates_from_block_to_block() -> None:
    plain, plan = of_command(f"get_post {RAMP} --blocks 4")
    first, *others = plan.record(plain.experiment()).orders
    assert others == [first[::-1], first, first[::-1]]


def test_an_objective_and_a_side_alone_can_be_given() -> None:
    plain, plan = of_command(f"get_post --a async {RAMP} --alone --slo p95=50ms,errors=5% --arrivals constant")
    assert (plan.labels, plan.percentile, plan.limit_s, plan.errors) == (("a",), 95.0, 0.05, 0.05)
    assert (plain.a, plain.b) == ("async", "async")
    assert plan.schedule.arrivals == "constant"
    assert plan.record(plain.experiment()).orders == [["a"]]


def test_a_side_alone_may_want_a_port() -> None:
    plain, _ = of_command(f"get_post --a main:app,port=8001,dir=x {RAMP} --alone")
    experiment = plain.experiment()
    assert experiment.a.server.port == 8001
    assert experiment.b.spec == "main:app,dir=x"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"get_post {RAMP} --budget 4m", "--budget can't be used with a schedule"),
        (f"get_post {RAMP} --users 8", "--users can't be used with a schedule"),
        (f"get_post {RAMP} --time 8", "--time can't be used with a schedule"),
        (f"get_post {RAMP} --observe", "--observe can't be used with a schedule"),
        (f"get_post {RAMP} --fail-if 'p99 > 1s'", "--fail-if can't be used with a schedule"),
        (f"get_post noop {RAMP}", "a schedule in --rate takes one scenario"),
        (RAMP, "a schedule in --rate takes one scenario"),
        (f"get_post {RAMP} --driver locust", "an open loop is driven by httpx only"),
        (f"get_post {RAMP} --slo p99", "'p99' is not an objective"),
        ("get_post --rate '0..400/s for 2m'", "is not a part of a schedule"),
    ],
)
def test_what_does_not_go_with_a_schedule_is_told(line: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        of_command(line)
    assert says in str(raised.value)


FILE = """
rate = "0..400/s in 2m"
arrivals = "constant"
slo = "p95=50ms,errors=5%"
alone = true
[a]
app = "async"
[b]
app = "sync"
[[scenario]]
name = "get_post"
"""


def of_file(text: str, line: str = "") -> tuple[RunOptions, ThresholdOptions, tuple[str, ...]]:
    """Return the options of a file with what is typed, the conditions, and those that are ignored."""
    file = file_options(parse_bench_toml(text.encode()), Path("bench.toml"))
    context = run_.make_context("run", shlex.split(line))
    typed = typed_options(context, context.params)
    return file.run_options(typed), *file.schedule_conditions(typed)


def test_a_schedule_in_a_file_is_what_it_is_on_the_command_line() -> None:
    options, demands, ignored = of_file(FILE)
    line = f"get_post --a async {RAMP} --alone --slo p95=50ms,errors=5% --arrivals constant"
    plain, plan = planned(options, demands)
    assert plan == of_command(line)[1]
    assert plain.experiment() == of_command(line)[0].experiment()
    assert not ignored


@pytest.mark.parametrize("line", ["--users 8", "--rate 100"])
def test_a_typed_load_replaces_the_schedule_of_a_file_and_what_is_about_it(line: str) -> None:
    options, _, _ = of_file(FILE, line)
    assert not asks_for_schedule(options)
    assert options.experiment().b.spec == "sync"


def test_a_typed_schedule_replaces_what_does_not_go_with_it_in_a_file() -> None:
    condition = 'fail_if = ["p99 > 1s"]\n'
    cells = f'users = [1, 8]\nbudget = "4m"\nobserve = true\nmarkdown = "x.md"\n{condition}'
    text = cells + FILE.partition("\n[a]")[1] + FILE.partition("\n[a]")[2]
    options, demands, ignored = of_file(text, RAMP)
    assert str(planned(options, demands)[1].schedule) == "0..400/s in 2m"
    assert ignored == ("p99 > 1s",)


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ('budget = "4m"', "--budget can't be used with a schedule"),
        ("users = 8", "--users can't be used with a schedule"),
        ("explore = true", "--explore can't be used with a schedule"),
        ('fail_if = ["p99 > 1s"]', "--fail-if can't be used with a schedule"),
        ('markdown = "x.md"', "--markdown can't be used with a schedule"),
        ('[[scenario]]\nname = "noop"', "a schedule in --rate takes one scenario; choose one of: get_post, noop"),
    ],
)
def test_what_does_not_go_with_a_schedule_in_one_file_is_told(added: str, says: str) -> None:
    text = FILE + added if added.startswith("[[") else added + FILE
    options, demands, _ = of_file(text)
    with pytest.raises(UsageError) as raised:
        planned(options, demands)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("rate", "says"),
    [
        ('"200,400"', "rate is '200,400'; write rates as numbers, as in rate = [200, 400], or a schedule"),
        ('"0..400/s for 2m"', "'0..400/s for 2m' is not a part of a schedule; write a ramp"),
        ("true", "rate should be"),
    ],
)
def test_a_text_that_is_no_schedule_is_told_with_the_file(rate: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        of_file(FILE.replace('"0..400/s in 2m"', rate))
    assert str(raised.value).startswith("bench.toml: ")
    assert says in str(raised.value)


@pytest.mark.parametrize("line", ["get_post --rate 100 --slo p99=1s", "get_post --alone"])
def test_what_is_about_a_schedule_needs_one(line: str) -> None:
    options = RunOptions.model_validate(run_.make_context("run", shlex.split(line)).params)
    with pytest.raises(UsageError, match="works only with a schedule"):
        options.experiment()


@pytest.fixture
def empty_run(tmp_path: Path) -> RunFolder:
    manifest, _ = make_run(["get_post"], [1])
    plan = ScheduleRecord(
        rate="1/s for 1m", arrivals="poisson", orders=[["a"]], percentile=99.0, limit_s=1.0, errors=0.01, raw_bytes=1
    )
    created = datetime(2026, 1, 1, tzinfo=UTC)
    changes = {"schedule": plan, "blocks": [], "created": created, "complete": False}
    return create_run_folder(tmp_path / "run", manifest.model_copy(update=changes))


def test_a_run_of_a_schedule_that_holds_nothing_says_so(empty_run: RunFolder) -> None:
    with pytest.raises(RunError, match="nothing was measured"):
        show_report(empty_run.path)


def test_a_schedule_has_no_cells_that_conditions_could_be_about(empty_run: RunFolder) -> None:
    with pytest.raises(UsageError, match="a schedule has none"):
        show_report(empty_run.path, demands=ThresholdOptions(fail_if=("p99 > 1s",)))


def test_a_schedule_has_a_course_of_its_own_and_no_timeline(empty_run: RunFolder) -> None:
    with pytest.raises(UsageError, match="a schedule's course over time is in its report"):
        show_timeline(empty_run.path, None, None, 1)


def test_conditions_are_refused_before_a_schedule_is_resumed(empty_run: RunFolder) -> None:
    with pytest.raises(UsageError, match="a schedule has none"):
        resume_and_show(empty_run.path, ThresholdOptions(fail_if=("p99 > 1s",)))
