"""The timeline: both sides on one axis, every request that was sent has a place, and every dip has a name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from loadtests.analysis.model.observed import LoadTimeline, Phase, load_timeline
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import ROW, Recording, Timeline
from loadtests.records.trial_file import TrialKey
from loadtests.report.charts.style import drawing
from loadtests.report.charts.timeline import HEADINGS, draw, draw_one, finding
from loadtests.report.view import RunView, view_of
from tests.made_up_runs import make_run
from tests.made_up_samples import recording

USERS = 8
LOAD = ClosedLoop(USERS)
STEP_S = 0.02


def trial(until_s: float, *windows_s: tuple[float, float], arrives: bool = False, inside: int = 6) -> Recording:
    """Make up a trial of eight users who all start at 0.2 s, or ask once before that; the app has a part of them."""
    spans = [(0.0, 0.1)] * USERS if arrives else []
    spans += [(0.2, until_s)] * USERS
    made = recording(spans, *windows_s)
    times = np.arange(0.0, until_s + STEP_S / 2, STEP_S)
    rows = np.zeros(len(times), ROW)
    rows["time_s"] = times
    begun = times >= 0.2
    rows["in_flight"] = np.where(begun, inside, 1)
    rows["threads"] = np.where(begun, 4, 0)
    return replace(made, timeline=Timeline(rows))


def seen(made: Recording) -> LoadTimeline:
    found = load_timeline(made)
    assert found is not None
    return found


def view() -> RunView:
    return view_of(*make_run(["external_api"], [1, USERS]))


def panels(*, details: bool = False, **trials: Recording) -> list[Axes]:
    sides: dict[SideLabel, LoadTimeline] = {"a": seen(trials["a"]), "b": seen(trials["b"])}
    with drawing():
        return list(draw(view(), "external_api", LOAD, sides, 0, details=details).axes)


SLOW = trial(1.4, (0.6, 1.0), arrives=True)
QUICK = trial(0.9, (0.5, 0.7))


def test_what_the_client_has_sent_and_the_app_has_not_is_outside() -> None:
    found = seen(SLOW)
    at = dict(zip(np.round(found.time_s, 2), zip(found.sent, found.outside, strict=True), strict=True))
    assert at[0.04] == (USERS, USERS - 1)
    assert at[0.16] == (0, 0)
    assert at[0.8] == (USERS, 2)
    assert found.steady_sent == USERS


def test_an_answer_that_never_came_stays_sent() -> None:
    made = trial(1.4, (0.6, 1.0))
    never = replace(made.samples, ended_s=np.full(len(made.samples), np.nan))
    assert seen(replace(made, samples=never)).sent[-1] == USERS


def test_each_part_of_a_trial_has_a_name() -> None:
    assert [(phase.name, round(phase.begin_s, 2), round(phase.end_s, 2)) for phase in seen(SLOW).phases] == [
        ("all ask once", 0, 0.1),
        ("lead-in", 0.1, 0.6),
        ("measured", 0.6, 1.0),
        ("lead-out", 1.0, 1.4),
    ]
    assert [phase.name for phase in seen(QUICK).phases] == ["lead-in", "measured", "lead-out"]
    assert Phase("lead-in", 0.5, 0.75).length_s == 0.25


def test_turns_one_after_another_have_each_their_own() -> None:
    found = seen(trial(1.4, (0.5, 0.6), (0.9, 1.0)))  # drained at 0.9: the second window follows at once
    assert [phase.name for phase in found.phases] == [
        "lead-in",
        "measured",
        "lead-out",
        "lead-in",
        "measured",
        "lead-out",
    ]
    assert all(phase.length_s >= 0 for phase in found.phases)
    assert found.phases[-1].end_s == pytest.approx(1.4)


def test_nothing_that_was_measured_has_no_phases() -> None:
    assert seen(trial(1.0)).phases == []


def test_both_sides_have_one_axis_of_time() -> None:
    slow, quick = panels(a=SLOW, b=QUICK)
    assert slow.get_xlim() == quick.get_xlim()
    assert list(slow.get_xlim()) == pytest.approx([0, 1.4])
    assert slow.get_ylim() == quick.get_ylim()


@pytest.mark.parametrize(("details", "rows"), [(False, 1), (True, len(HEADINGS))])
def test_the_first_row_stands_alone_unless_more_is_wanted(details: bool, rows: int) -> None:
    axes = panels(a=SLOW, b=QUICK, details=details)
    assert len(axes) == 2 * rows
    heads = {text.get_text() for ax in axes for text in ax.texts} & set(HEADINGS)
    assert heads == set(HEADINGS[:rows])
    assert len({ax.get_xlim() for ax in axes}) == 1


def test_dips_are_named_where_they_are() -> None:
    slow, quick = panels(a=SLOW, b=QUICK)
    where = {text.get_text(): text.get_position()[0] for text in slow.texts}
    assert where["all ask\nonce"] == pytest.approx(0.05)
    assert [where["measured"], where["lead-out"]] == pytest.approx([0.8, 1.2])
    assert "lead-in" in {text.get_text() for text in quick.texts}


def test_the_title_tells_where_most_requests_are_though_it_be_outside_the_app() -> None:
    sides: dict[SideLabel, LoadTimeline] = {"a": seen(SLOW), "b": seen(trial(1.4, (0.6, 1.0), inside=1))}
    said = finding(view(), "external_api", LOAD, sides)
    assert said.startswith("external_api, 8 users – sync: 4 of 8 requests in a thread; async: 7 of 8 requests sent but")


def test_the_same_file_is_drawn_with_and_without_details(tmp_path: Path) -> None:
    trials = {TrialKey(0, "external_api", LOAD.slug, "a"): SLOW, TrialKey(0, "external_api", LOAD.slug, "b"): QUICK}
    small = draw_one(view(), trials.get, tmp_path, "external_api", LOAD, 0)
    assert small is not None
    sizes = {path.suffix: path.stat().st_size for path in small.paths}
    large = draw_one(view(), trials.get, tmp_path, "external_api", LOAD, 0, details=True)
    assert large is not None
    assert large.paths == small.paths
    assert all(path.stat().st_size > sizes[path.suffix] for path in large.paths)
