"""What limits apps that are not the blog is said on the page and in the terminal, with what is assumed or not known."""

import re
from dataclasses import replace
from html import unescape

import pytest

from loadtests.records.handler_record import ExecutedRecord
from loadtests.report.html.page import render
from loadtests.report.html.what_if import panel
from loadtests.report.limits import lines, sentences
from loadtests.report.view import view_of
from tests.made_up_apps import ASKED, CPU_S, RATES, TOLD, manifest_of, measured
from tests.made_up_runs import Run, make_run


def run_of(told: ExecutedRecord | None = TOLD) -> Run:
    made = manifest_of(told=told)
    return made[0], measured(made)


def page(run: Run) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", render(*run, []))))


def test_what_a_request_needs_and_what_that_allows_is_said_of_each_side() -> None:
    a, b = (re.sub(r"\s", " ", each) for each in sentences(view_of(*run_of()), ASKED))
    assert a == (
        "A request to before needs 0.70 ms of CPU time and waits 51.3 ms (measured with 1 user). That allows at most"
        " 769/s for its 40 threads and 1,429/s for its core, however many users there are."
    )
    assert b.endswith("That allows at most 1,429/s for its core, however many users there are.")
    assert a in re.sub(r"\s", " ", page(run_of()))


def test_what_is_assumed_is_said() -> None:
    *_, a, b = sentences(view_of(*run_of(None)), ASKED)
    assert a.startswith(
        "For before the model assumes that it has 40 threads, AnyIO's default, because its limit was not read and"
    )
    assert b == (
        "For after the model assumes that requests never queue for a database connection, because its SQL was not seen."
    )


def test_what_is_not_known_is_said_once_for_all_loads_and_shown_in_the_table() -> None:
    made = manifest_of(settings={"url": "http://127.0.0.1:8000"})
    outcome = measured(made)
    run = made[0], outcome
    said = sentences(view_of(*run), ASKED)
    assert any(
        each.startswith("It is not known what limits before at 1, 32 and 128 users: its CPU time was") for each in said
    )
    assert "not known" in re.sub("<[^>]+>", "", render(*run, []))
    assert "its core" in page(run)


def test_the_terminal_says_it_of_the_heaviest_load_for_apps_that_are_not_the_blog() -> None:
    [line] = lines(view_of(*run_of()))
    assert re.fullmatch(
        rf"{ASKED} at 128 users: before is limited by its 40 threads \(the model predicts 7\d\d/s\);"
        r" after is limited by its core \(the model predicts 1,\d\d\d/s\)\.",
        line,
    )
    made = manifest_of()
    slow = measured(made, {**RATES, (128, "a"): 200})
    assert "it is not known what limits before: the model predicts 7" in lines(view_of(made[0], slow))[0]
    assert lines(view_of(*make_run(["external_api"]))) == []


def test_the_terminal_says_once_what_is_not_known_of_either_side() -> None:
    made = manifest_of()
    view = view_of(made[0], measured(made))
    cells = {
        key: replace(cell, limit=None, limit_unknown="its CPU time was not read") for key, cell in view.cells.items()
    }
    assert lines(replace(view, cells=cells)) == [
        f"{ASKED} at 128 users: it is not known what limits either side: its CPU time was not read."
    ]


def test_from_where_on_the_sides_part_is_said_where_the_model_can_be_asked() -> None:
    assert "The model predicts that after handles" in page(run_of())
    made = manifest_of()
    assert "The model predicts that" not in page((made[0], measured(made, {**RATES, (128, "a"): 200})))


def test_what_if_begins_with_what_an_app_needs_and_has() -> None:
    found = panel(view_of(*run_of()))
    assert found is not None
    [choice] = found.choices
    assert (choice.a.threads, choice.b.threads) == (40, None)
    assert choice.a.cpu_ms == pytest.approx(1000 * CPU_S)
    assert choice.a.wait_ms == pytest.approx(51.3, abs=0.1)
