"""What is said of thresholds: in the terminal, in JUnit XML and in Markdown."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from loadtests.analysis.thresholds import Judgement, judge_thresholds
from loadtests.experiment.thresholds import parse_threshold
from loadtests.records.summary import Outcome
from loadtests.report.junit import junit
from loadtests.report.markdown import markdown
from loadtests.report.thresholds import line, summary
from loadtests.report.view import RunView, view_of
from tests.made_up_runs import Trial, as_measured, collapsing, driver_bound, failing, make_run

ODD = "GET /a|b`c<d"


def judged(*conditions: str, scenario: str = "get_post", change: Trial = as_measured) -> tuple[RunView, Judgement]:
    manifest, outcome = make_run([scenario, "hash"], [8, 32], noise=0.001, slice_s=1.0, change=change)
    return view_of(manifest, outcome), judge_thresholds([parse_threshold(each) for each in conditions], outcome)


def said(condition: str, change: Trial = as_measured) -> str:
    view, judgement = judged(condition, change=change)
    (each,) = judgement.judged
    return line(each, view)


@pytest.mark.parametrize(
    ("condition", "figure"),
    [
        ("get_post@8.throughput.ratio < 0.97", r"0\.63 \(0\.63 to 0\.63\)"),
        ("get_post@8.b.throughput < 2000/s", r"6\d\d/s \(6\d\d/s to 6\d\d/s\) in async"),
        ("get_post@8.a.p50 > 1ms", r"7\.\d\d ms \(7\.\d\d ms to 7\.\d\d ms\) in sync"),
        ("get_post@8.a.cpu > 1s", r"0\.98 ms \(0\.98 ms to 0\.98 ms\) in sync"),
        ("get_post@8.a.memory > 1MB", r"96\.5 MB \(96\.5 MB to 96\.5 MB\) in sync"),
        ("get_post@8.b.errors > 1%", r"0 % \(0 % to 0\.\d+ %\) in async, 0 of \d,\d\d\d requests"),
    ],
)
def test_a_figure_is_told_with_its_interval_and_unit(condition: str, figure: str) -> None:
    text = said(condition)
    assert text.startswith(f"{condition}: ")
    assert re.fullmatch(figure, text.removeprefix(f"{condition}: ")), text


@pytest.mark.parametrize(
    ("condition", "change", "why"),
    [
        (
            "hash@32.b.p50 > 1s",
            collapsing("b", ["hash"], [32], [2]),
            "async collapsed in 1 of 6 blocks (“gave no answer for 5 s with 32 requests waiting”)",
        ),
        ("hash@32.b.p99 > 1s", failing(0.05, "b"), "it falls among the failed requests"),
        ("hash@32.p99.ratio > 9", failing(0.05, "b", [1]), "it falls among the failed requests"),
        (
            "hash@32.b.throughput < 1/s",
            driver_bound(["hash"], [32]),
            "but that is doubtful; async: the load driver may have been the limit",
        ),
    ],
)
def test_why_there_is_no_decision_is_told(condition: str, change: Trial, why: str) -> None:
    assert why in said(condition, change)


def test_all_are_summed_up_with_how_sure_that_is() -> None:
    _, judgement = judged("throughput.ratio < 0.97", "get_post@8.b.errors > 0")
    text = summary(judgement, undecided_fails=False)
    assert text.startswith("Thresholds: ✓ 2 met, ✗ 2 missed, ? 1 not decided, which passes")
    assert "Holm’s correction makes all 5 comparisons together as reliable as a single one at 95%." in text
    assert "not decided, which fails." in summary(judgement, undecided_fails=True)
    _, single = judged("get_post@8.throughput.ratio < 0.97")
    assert summary(single, undecided_fails=False) == "Thresholds: ✗ 1 missed."


def test_junit_has_a_test_case_for_each_condition_cell_and_side() -> None:
    view, judgement = judged("throughput.ratio < 0.97", "get_post@8.b.errors > 0")
    suites = ElementTree.fromstring(junit(view, judgement, undecided_fails=False))  # noqa: S314 - our own
    (suite,) = suites
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped"), suite.get("errors")) == (
        "5",
        "2",
        "1",
        "0",
    )
    cases = {str(case.get("name")): case for case in suite}
    assert next(iter(cases)) == "get_post@8.throughput.ratio < 0.97"
    assert cases["get_post@8.throughput.ratio < 0.97"].get("classname") == "get_post at 8 users"
    failure = cases["get_post@8.throughput.ratio < 0.97"].find("failure")
    assert failure is not None
    assert failure.get("message") == f"missed: {line(judgement.judged[0], view)}"
    assert cases["get_post@8.b.errors > 0"].find("skipped") is not None
    assert cases["hash@8.throughput.ratio < 0.97"].find("failure") is None
    assert "(" in (cases["hash@8.throughput.ratio < 0.97"].findtext("system-out") or "")


def test_what_was_not_decided_is_a_failure_if_the_user_wants_it_so() -> None:
    view, judgement = judged("get_post@8.b.errors > 0")
    suites = ElementTree.fromstring(junit(view, judgement, undecided_fails=True))  # noqa: S314 - our own
    (suite,) = suites
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "0")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("not decided: get_post@8.b.errors > 0: ")


def test_what_xml_forbids_is_replaced() -> None:
    def dies(*trial: object) -> object:
        made = collapsing("b", ["hash"], [8])(*trial)  # type: ignore[arg-type]
        return replace(made, collapsed="\x1b[31mdied\x00 & <gone>") if made and made.collapsed else made

    view, judgement = judged("hash@8.b.errors > 1%", change=dies)  # type: ignore[arg-type]
    suites = ElementTree.fromstring(junit(view, judgement, undecided_fails=False))  # noqa: S314 - our own
    failure = suites.find("testsuite/testcase/failure")
    assert failure is not None
    assert "�[31mdied� & <gone>" in str(failure.get("message"))


def outcome_of(view: RunView) -> Outcome:
    return Outcome(
        run="r", complete=True, comparisons=[*view.comparisons.values()], cells=[*view.cells.values()], control=None
    )


def test_markdown_has_the_verdicts_and_the_conditions() -> None:
    view, judgement = judged("throughput.ratio < 0.97", "get_post@8.b.errors > 0")
    text = markdown(view, outcome_of(view), judgement, undecided_fails=False)
    lines = text.splitlines()
    assert lines[0] == "### async against sync"
    assert lines[2] == "| scenario | 8 users | 32 users |"
    assert "| get_post: one post as JSON: a fast read | **sync better** 0.63 (0.63 to 0.63) |" in text
    assert "| ✗ | `get_post@8.throughput.ratio < 0.97` | 0.63 (0.63 to 0.63) |" in lines
    assert any(each.startswith("| ? | `get_post@8.b.errors > 0` | 0 % (0 % to ") for each in lines)
    assert lines[-1].startswith("Thresholds: ✓ 2 met, ✗ 2 missed")


def test_markdown_without_conditions_is_the_table_of_verdicts() -> None:
    view, judgement = judged()
    text = markdown(view, replace(outcome_of(view), complete=False), judgement, undecided_fails=False)
    assert "Thresholds" not in text
    assert "must not be" not in text
    assert text.startswith("### async against sync (incomplete run)\n")


def test_a_path_with_signs_of_markdown_leaves_the_table_whole() -> None:
    view, judgement = judged(f"'{ODD}'@8.throughput.ratio < 0.97", scenario=ODD)
    text = markdown(view, outcome_of(view), judgement, undecided_fails=False)
    rows = [each for each in text.splitlines() if "GET /a" in each]
    assert len(rows) == 2
    assert rows[0].startswith("| GET /a\\|b\\`c\\<d | ")
    assert rows[1].startswith("| ✗ | ``'GET /a\\|b`c<d'@8.throughput.ratio < 0.97`` |")
