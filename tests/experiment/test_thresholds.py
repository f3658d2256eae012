"""What a condition may be, and what is said of one that is none."""

from pathlib import Path

import pytest

from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.thresholds import EXAMPLES, Threshold, ThresholdOptions, parse_threshold
from loadtests.system.errors import UsageError

SCENARIOS = ("get_post", "external_api", "query[wait_ms=100]", "GET /a/b?x=1 /c")
LOADS = (ClosedLoop(8), ClosedLoop(32))


def of_run(*conditions: str) -> tuple[Threshold, ...]:
    return ThresholdOptions(fail_if=conditions).thresholds(SCENARIOS, LOADS)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("p99 > 200ms", Threshold("p99", ">", 0.2, "200ms")),
        ("p50>=1.5s", Threshold("p50", ">=", 1.5, "1.5s")),
        ("errors > 0.1%", Threshold("errors", ">", 0.001, "0.1%")),
        ("errors > 0", Threshold("errors", ">", 0.0, "0")),
        ("throughput < 500", Threshold("throughput", "<", 500.0, "500")),
        ("throughput <= 500/s", Threshold("throughput", "<=", 500.0, "500/s")),
        ("b.cpu > 2 ms", Threshold("cpu", ">", 0.002, "2ms", label="b")),
        ("a.memory > 300MB", Threshold("memory", ">", 3e8, "300MB", label="a")),
        ("p99.ratio > 1.1", Threshold("p99", ">", 1.1, "1.1", is_ratio=True)),
        ("get_post.p95 > .5s", Threshold("p95", ">", 0.5, ".5s", scenario="get_post")),
        (
            "external_api@32.throughput.ratio < 1.5",
            Threshold("throughput", "<", 1.5, "1.5", is_ratio=True, scenario="external_api", load=32.0),
        ),
        (
            "get_post@0.5/s.b.p99 > 1s",
            Threshold("p99", ">", 1.0, "1s", label="b", scenario="get_post", load=0.5),
        ),
        (
            "query[wait_ms=1.5,x=2]@8.a.p50 > 1s",
            Threshold("p50", ">", 1.0, "1s", label="a", scenario="query[wait_ms=1.5,x=2]", load=8.0),
        ),
        (
            " 'GET /a.b?x>1 /c'@8.errors > 1% ",
            Threshold("errors", ">", 0.01, "1%", scenario="GET /a.b?x>1 /c", load=8.0),
        ),
    ],
)
def test_a_condition_says_what_must_not_be(text: str, threshold: Threshold) -> None:
    assert parse_threshold(text) == threshold


@pytest.mark.parametrize(
    "text",
    [
        "p99 > 200ms",
        "throughput.ratio < 0.95",
        "get_post@32.b.p99 > 200ms",
        "'GET /a/b?x=1 /c'@8.throughput.ratio < 1",
        "query[wait_ms=100].a.errors > 0.1%",
    ],
)
def test_a_threshold_is_written_as_it_could_be_typed(text: str) -> None:
    assert str(parse_threshold(text)) == text


@pytest.mark.parametrize("example", EXAMPLES.values())
def test_examples_are_conditions(example: str) -> None:
    assert str(parse_threshold(example)) == example


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("", "write [SCENARIO[@USERS].]"),
        ("p99", "write [SCENARIO[@USERS].]"),
        ("p99 = 200ms", "write [SCENARIO[@USERS].]"),
        ("p99 > -1ms", "write [SCENARIO[@USERS].]"),
        ("GET /path.p99 > 200ms", "single quotes"),
        ("get_post@many.p99 > 1s", "write [SCENARIO[@USERS].]"),
        ("p98 > 200ms", "unknown metric 'p98'; did you mean 'p9"),
        ("thoughput < 3", "unknown metric 'thoughput'; did you mean 'throughput'?"),
        ("latency > 3", "unknown metric 'latency'; choose one of: throughput, p50"),
        ("p99 > 200", "a value without a unit; choose one of: ms, s; write it as in 'p99 > 200ms'"),
        ("p99 > 200msec", "unknown unit 'msec'; did you mean 'ms'?"),
        ("p99 > 20%", "unknown unit '%'; choose one of: ms, s"),
        ("memory > 20mb", "unknown unit 'mb'; did you mean 'MB'?"),
        ("errors > 0.1", "a value without a unit; choose one of: %"),
        ("errors > 100%", "less than 100%"),
        ("p99 > 0ms", "must be above 0"),
        ("p99.ratio > 0", "must be above 0"),
        ("p99.ratio > 1.1ms", "unknown unit 'ms'; write it as in 'p99.ratio > 1.1'"),
        ("b.p99.ratio > 1.1", "leave out b."),
        ("errors.ratio > 1.1", "errors have no ratio"),
        ("get_pots.p99 > 1s", "this run has no scenario 'get_pots'; did you mean 'get_post'?"),
        ("hash.p99 > 1s", "this run has no scenario 'hash'; choose one of: get_post, external_api"),
        ("get_post@33.p99 > 1s", "this run has no load of 33; choose one of: 8, 32"),
    ],
)
def test_what_is_no_condition_of_the_run_is_told_with_the_mend(text: str, mend: str) -> None:
    with pytest.raises(UsageError) as told:
        of_run(text)
    assert mend in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_a_scenario_is_called_what_the_run_calls_it() -> None:
    (threshold,) = of_run("query[wait_ms=100.0].p99 > 1s")
    assert threshold.scenario == "query[wait_ms=100]"


def test_a_condition_that_was_given_twice_counts_once() -> None:
    assert len(of_run("p99 > 1s", "p99 > 1s", "p99>1s")) == 1


def test_what_a_condition_leaves_open_it_says_of_every_cell_and_side() -> None:
    cells = [("get_post", load) for load in LOADS] + [("hash", load) for load in LOADS]
    (open_, ratio, of_load) = of_run("p99 > 1s", "p99.ratio > 2", "get_post@8.b.p99 > 1s")
    assert [str(each) for each, _ in open_.each(cells)][:3] == [
        "get_post@8.a.p99 > 1s",
        "get_post@8.b.p99 > 1s",
        "get_post@32.a.p99 > 1s",
    ]
    assert len(list(open_.each(cells))) == 8
    assert [str(each) for each, _ in ratio.each(cells)][-1] == "hash@32.p99.ratio > 2"
    assert [each for each, _ in of_load.each(cells)] == [of_load]


def test_rates_are_loads_too() -> None:
    loads = (OpenLoop(200), OpenLoop(400))
    (threshold,) = ThresholdOptions(fail_if=("get_post@400/s.b.p99 > 1s",)).thresholds(["get_post"], loads)
    assert [load for _, (_, load) in threshold.each([("get_post", load) for load in loads])] == [OpenLoop(400)]


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"junit": Path("junit.xml")}, "--junit is about conditions; add --fail-if"),
        ({"not_decided": "fail"}, "--not-decided is about conditions; add --fail-if"),
        ({"markdown": Path("nowhere/at/all.md")}, "there is no folder nowhere/at"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options: dict[str, object], mend: str) -> None:
    with pytest.raises(UsageError, match=mend):
        ThresholdOptions.model_validate(options).thresholds(SCENARIOS, LOADS)


def test_a_table_can_be_had_without_conditions(tmp_path: Path) -> None:
    assert ThresholdOptions(markdown=tmp_path / "summary.md").thresholds(SCENARIOS, LOADS) == ()
