"""What was answered, as a reader sees it: on the terminal, in the report's tables, and among the doubts."""

from dataclasses import replace

import pytest

from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.sides import SideLabel
from loadtests.records.answer_differences import Difference
from loadtests.records.manifest import Event
from loadtests.records.samples import Failure
from loadtests.records.summary import AnswerSize, FailedRequests
from loadtests.report import answers
from loadtests.report.differences import show_differences
from loadtests.report.doubts import doubts
from loadtests.report.view import view_of
from loadtests.system.terminal import PipeConsole
from tests.made_up_runs import Run, Trial, make_run
from tests.report.test_html import page
from tests.report.test_verdict_table import in_one_line

SHELF = FailedRequests("GET /shelf", "status", 307, 188, location="/shelf/")
MEMBERS = FailedRequests("GET /members", "status", 401, 751, body='{"detail":"sign in first"}')


def failing(side: str, *failed: FailedRequests) -> Trial:
    """Return a change that lets a side, or both, fail so in every block."""

    def change(summary: Summary, _scenario: str, _load: int, label: SideLabel, _block: int) -> Summary:
        if label not in side:
            return summary
        count = sum(each.count for each in failed)
        return replace(
            summary, requests=count, failures={Failure.STATUS: count}, failed=failed, collapsed="not one good answer"
        )

    return change


def of_size(a: float, b: float) -> Trial:
    """Return a change that gives each side's answers a size."""

    def change(summary: Summary, scenario: str, _load: int, label: SideLabel, _block: int) -> Summary:
        return replace(summary, answer_sizes=(AnswerSize(scenario, 100, a if label == "a" else b),))

    return change


def lines(run: Run) -> list[str]:
    return answers.failures(view_of(*run))


def titles(run: Run) -> dict[str, tuple[str, bool]]:
    return {doubt.title: (doubt.text, doubt.serious) for doubt in doubts(view_of(*run), run[1])}


def test_each_side_has_a_line_that_names_the_status_and_what_came() -> None:
    run = make_run(["GET /shelf"], [2], blocks=2, change=failing("ab", SHELF))
    assert lines(run) == [
        "GET /shelf at 2 users, sync, of 376 requests: 376 × 307 Temporary Redirect to /shelf/",
        "GET /shelf at 2 users, async, of 376 requests: 376 × 307 Temporary Redirect to /shelf/",
    ]


def test_loads_at_which_the_same_came_are_one_line() -> None:
    run = make_run(["GET /members"], [1, 8], blocks=1, change=failing("b", MEMBERS))
    assert lines(run) == [
        'GET /members at 1 and 8 users, async, of 1,502 requests: 1,502 × 401 Unauthorized “{"detail":"sign in first"}”'
    ]


def test_several_kinds_come_by_how_many_they_are() -> None:
    errors, nothing = (
        replace(MEMBERS, status=status, count=count, body="") for status, count in ((500, 700), (404, 51))
    )
    run = make_run(["GET /members"], [1], blocks=1, change=failing("b", nothing, errors))
    [line] = lines(run)
    assert line.endswith("of 751 requests: 700 × 500 Internal Server Error, 51 × 404 Not Found")


def test_which_request_it_was_is_told_where_a_scenario_has_several() -> None:
    one = make_run(["GET /shelf /members"], [1], blocks=1, change=failing("b", SHELF, MEMBERS))
    assert "307 Temporary Redirect to /shelf/ (GET /shelf)" in lines(one)[0]
    alike = [replace(MEMBERS, asked=f"GET /posts/{number}", count=10, body="") for number in range(20)]
    many = make_run(["get_post"], [1], blocks=1, change=failing("b", *alike))
    assert lines(many)[0].endswith("of 200 requests: 200 × 401 Unauthorized (GET /posts/0 and 19 more)")


def test_the_terminal_has_a_line_for_each_up_to_a_dozen() -> None:
    assert '751 × 401 Unauthorized “{"detail":"sign in first"}”' in in_one_line(
        make_run(["GET /members"], [1], blocks=1, change=failing("b", MEMBERS))
    )
    many = make_run([f"GET /{number}" for number in range(9)], [1], blocks=1, change=failing("ab", MEMBERS))
    assert "… and 6 more in the report." in in_one_line(many)


def test_the_report_has_them_beside_the_figures_and_among_the_doubts() -> None:
    run = make_run(["GET /members"], [1], blocks=1, change=failing("b", MEMBERS))
    text = page(run).text
    said = '751 × 401 Unauthorized “{"detail":"sign in first"}”'
    assert f"async, failed requests: {said}" in text
    doubt, serious = titles(run)["Requests failed"]
    assert said in doubt
    assert serious


def test_markup_in_an_answer_stays_text() -> None:
    evil = replace(MEMBERS, body="<script>alert(1)</script>", location="")
    html = page(make_run(["GET /members"], [1], blocks=1, change=failing("b", evil)))
    assert "“<script>alert(1)</script>”" in html.text


def test_a_run_in_which_nothing_failed_says_nothing_of_it() -> None:
    run = make_run(["hash"], [1], change=of_size(100, 100))
    assert lines(run) == []
    assert not {"Requests failed", "The sides do not answer alike"} & titles(run).keys()
    assert "do not answer alike" not in in_one_line(run)
    assert "do not answer alike" not in page(run).text


@pytest.mark.parametrize(("other", "words"), [(2.0, "2 bytes"), (40.0, "40 bytes")])
def test_sides_that_do_not_answer_alike_are_told_wherever_their_verdict_is(other: float, words: str) -> None:
    run = make_run(["GET /rows"], [8, 32], change=of_size(56_391.0, other), a="app:full", b="app:empty")
    said = f"GET /rows at 8 and 32 users: the sides do not answer alike: 56.4 kB from app:full, {words} from app:empty"
    assert answers.unlike(view_of(*run)) == [said]
    assert said in in_one_line(run)
    assert page(run).text.index(said) < page(run).text.index("Verdicts on")
    text, serious = titles(run)["The sides do not answer alike"]
    assert said in text
    assert serious
    assert all("answers-differ" in c.flags for c in run[1].comparisons)


def test_a_run_without_one_good_answer_is_told_from_one_in_which_nothing_was_asked() -> None:
    _, nothing_good = make_run(["GET /members"], [1], blocks=1, change=failing("ab", MEMBERS))
    assert nothing_good.unanswered
    assert answers.nothing_good(nothing_good) == ("neither side gave a good answer: 1,502 × 401 Unauthorized")
    _, one_side = make_run(["GET /members"], [1], blocks=1, change=failing("a", MEMBERS))
    _, nothing = make_run(["GET /members"], [1], change=lambda *_: None)
    assert not one_side.unanswered
    assert not nothing.unanswered


def test_sides_that_could_not_be_measured_are_quoted() -> None:
    def dead(summary: Summary, *_: object) -> Summary:
        return replace(summary, requests=0, collapsed="it died")

    _, outcome = make_run(["hash"], [1], blocks=1, change=dead)
    assert outcome.unanswered
    assert answers.nothing_good(outcome) == "neither side gave a good answer: it died"


def test_why_a_side_was_given_up_says_more_than_how_many_requests_were_cut_off() -> None:
    def endless(summary: Summary, *_: object) -> Summary:
        cut_off = (FailedRequests("GET /x", "cut_off", 0, 2),)
        return replace(summary, throughput_rps=0.0, failed=cut_off, collapsed="an answer took more than 60 s")

    _, outcome = make_run(["hash"], [1], blocks=1, change=endless)
    assert answers.nothing_good(outcome) == ("neither side gave a good answer: an answer took more than 60 s")


def test_the_terminal_says_why_one_side_could_not_be_measured() -> None:
    def dead(summary: Summary, _scenario: str, _load: int, label: SideLabel, _block: int) -> Summary:
        return replace(summary, requests=0, collapsed="it died") if label == "b" else summary

    run = make_run(["hash"], [1, 8], blocks=1, change=dead)
    assert answers.unmeasured(view_of(*run)) == ["hash at 1 and 8 users, async: it died"]
    assert "hash at 1 and 8 users, async: it died" in in_one_line(run)
    failing_alone = make_run(["GET /members"], [1], blocks=1, change=failing("b", MEMBERS))
    assert answers.unmeasured(view_of(*failing_alone)) == []


def test_what_fails_on_both_sides_of_what_was_explored_is_a_doubt() -> None:
    manifest, outcome = make_run(["GET /x"], [1])
    said = ["explored 3 requests of 2 routes", "both sides fail: GET /y answers 500: curl http://127.0.0.1:8000/y"]
    events = [Event(block=0, label=None, kind="explored", message=each) for each in said]
    manifest = manifest.model_copy(update={"events": [*manifest.events, *events]})
    found = [doubt for doubt in doubts(view_of(manifest, outcome), outcome) if "allow" in doubt.title]
    assert [doubt.text for doubt in found] == ["GET /y answers 500: curl http://127.0.0.1:8000/y."]


def test_a_request_that_is_none_of_the_run_is_shown_as_a_curl_command(capsys: pytest.CaptureFixture[str]) -> None:
    curl = "curl 'http://127.0.0.1:8000/x?ids[]=[red]'"
    difference = Difference(request="GET /x?ids[]=[red]", what="$[0]", a='"[red]"', b="2", curl=curl)
    show_differences(PipeConsole(), [difference], ("old:app", "new:app"))
    printed = capsys.readouterr().out
    for shown in ("GET /x?ids[]=[red]", "$[0]", '"[red]"', curl):
        assert shown in printed
