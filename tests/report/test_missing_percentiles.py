"""Why a percentile is not shown: too few requests behind it, or too many of them failed."""

from dataclasses import replace

from loadtests.experiment.loads import ClosedLoop
from loadtests.report.charts.latency import missing_percentiles
from loadtests.report.html.tables import row_of
from loadtests.report.view import RunView, view_of
from tests.made_up_runs import collapsing, make_run

USERS = 256


def mostly_collapsed() -> RunView:
    """Return a run in which side a answered in one block only: few response times, and many requests that were cut."""
    change = collapsing("a", ["external_api"], [USERS], blocks=range(1, 6))
    return view_of(*make_run(["external_api"], [USERS], slice_s=0.3, change=change))


def test_requests_of_collapsed_blocks_are_not_behind_a_percentile() -> None:
    run = mostly_collapsed()
    cell = run.cells["external_api", ClosedLoop(USERS), "a"]
    assert cell.latency_samples < 368 < cell.requests
    assert missing_percentiles(run, cell) == "no p99: too few requests"
    hints = {figure.hint for figure in row_of(run, cell).figures}
    assert f"p99 needs 368 requests, but there were {cell.latency_samples}" in hints


def test_a_percentile_among_failed_requests_is_said_to_be_there() -> None:
    run = mostly_collapsed()
    cell = replace(run.cells["external_api", ClosedLoop(USERS), "a"], latency_samples=1000)
    assert missing_percentiles(run, cell) == "no p99: failed requests"
    assert "falls among requests that failed" in {figure.hint for figure in row_of(run, cell).figures}


def test_a_side_that_never_answered_was_not_measured() -> None:
    run = view_of(*make_run(["query"], [USERS], change=collapsing("a", ["query"], [USERS])))
    cell = run.cells["query", ClosedLoop(USERS), "a"]
    assert missing_percentiles(run, cell) == "collapsed"
    assert {figure.hint for figure in row_of(run, cell).figures} == {"not measured", ""}
