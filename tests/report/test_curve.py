"""A curve shows what was measured, the ceilings that hold it, and the model's line; its title says which one binds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from loadtests.analysis.model.curve import Ceiling
from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.report.charts.catalogue import draw as draw_catalogue
from loadtests.report.charts.curve import HEIGHT, LABEL_AWAY, LABEL_GAP, draw, draw_all, spread
from loadtests.report.charts.style import LOOKS, drawing
from loadtests.report.curves import Curve, about, ceiling_words, curves, finding, reading
from loadtests.report.html.page import render
from loadtests.report.view import RunView, view_of
from tests.made_up_runs import Run, Trial, collapsing, driver_bound, make_run

USERS = (1, 20, 40, 57, 100, 200)
NEEDS: dict[SideLabel, tuple[float, int | None, float]] = {"a": (1.0, 40, 1.0), "b": (0.7, None, 1.0)}
"""Milliseconds of CPU, threads, and which share of what its limits allow a side answers."""


def held_by(wait_ms: float, needs: dict[SideLabel, tuple[float, int | None, float]] = NEEDS) -> Trial:
    """Return a change that makes throughput what the limits allow: users, threads, and one core."""

    def change(summary: Summary, _scenario: str, users: int, label: SideLabel, block: int) -> Summary:
        cpu_ms, threads, share = needs[label]
        inside = users if threads is None else min(users, threads)
        rate = min(1000 / cpu_ms, 1000 * inside / (wait_ms + cpu_ms)) * (1 + 0.002 * (block % 3))
        rate *= share if users > 1 else 1
        return replace(summary, throughput_rps=rate, cpu_per_request_s=cpu_ms / 1000)

    return change


def waiting(users: Sequence[int] = USERS) -> Run:
    return make_run(["external_api"], users, change=held_by(50))


def only(run: Run) -> tuple[RunView, Curve]:
    view = view_of(*run)
    [curve] = curves(view)
    return view, curve


def drawn(run: Run) -> Axes:
    with drawing():
        [ax] = draw(*only(run)).axes
    return ax


def title(run: Run) -> str:
    return finding(*only(run))


def test_the_title_says_which_limit_holds_the_slower_side_and_how_far_the_other_goes() -> None:
    assert title(waiting()) == (
        "external_api: above 40 users sync stays near 790/s because all 40 threads are taken; async reaches 1,400/s"
    )


def test_a_limit_that_both_sides_share_is_said_once() -> None:
    needs: dict[SideLabel, tuple[float, int | None, float]] = {"a": (1.0, 15, 1.0), "b": (1.0, 15, 0.99)}
    run = make_run(["query"], (1, 8, 15, 30, 60), change=held_by(20, needs))
    assert title(run) == "query: above 15 users both sides stay near 710/s because all 15 connections are taken"


def test_without_a_limit_in_reach_there_is_no_difference_to_explain() -> None:
    assert title(waiting((1, 10, 20))) == (
        "external_api: no meaningful difference up to 20 users, where neither side has reached a limit"
    )


def test_where_a_single_user_fills_the_core_there_is_no_bend_to_tell_of() -> None:
    needs: dict[SideLabel, tuple[float, int | None, float]] = {"a": (2.0, None, 1.0), "b": (4.0, None, 1.0)}
    run = make_run(["hash"], (1, 8, 32), change=held_by(0, needs))
    assert title(run) == "hash: with 32 users async answers 250 requests/s, sync 501"


def test_a_limit_that_is_far_away_explains_nothing() -> None:
    """It answers half of what 40 threads allow: something else holds it, and the title does not guess."""
    far: dict[SideLabel, tuple[float, int | None, float]] = {"a": (1.0, 40, 0.5), "b": (0.7, None, 1.0)}
    run = make_run(["external_api"], USERS, change=held_by(50, far))
    assert "thread" not in title(run)
    assert title(run).startswith("external_api: with 200 users async answers 1,4")


def test_what_is_no_verdict_is_not_told_as_one() -> None:
    few = make_run(["external_api"], USERS, change=held_by(50), blocks=2)
    assert title(few).endswith("; the difference is not decided")
    bound = make_run(["external_api"], USERS, change=driver_bound(["external_api"], [200]))
    assert title(bound).endswith("; there is no verdict")


def test_a_collapse_comes_first() -> None:
    run = make_run(["external_api"], (1, 40, 200), change=collapsing("a", ["external_api"], [200]))
    assert title(run).startswith("external_api: sync collapses at 200 users; with 200 users async answers ")


def test_a_run_of_many_scenarios_has_a_curve_for_each_that_waits() -> None:
    view = view_of(*make_run(["get_post", "query", "external_api", "hash", "mixed"]))
    assert [curve.scenario.name for curve in curves(view)] == ["query", "external_api", "mixed"]


@pytest.mark.parametrize(
    "run",
    [
        lambda: make_run(["external_api"], [1, 64]),
        lambda: make_run(["external_api"], rates=[50, 100, 200], slice_s=2),
        lambda: make_run(["hash", "noop"], [1, 8, 32]),
        lambda: make_run(["hash"], [1, 8, 32], change=lambda *_: None),
    ],
    ids=["two loads", "arrivals", "nothing waits", "nothing was measured"],
)
def test_else_there_is_none(run: Callable[[], Run]) -> None:
    assert curves(view_of(*run())) == []


def test_a_run_of_one_scenario_has_a_curve_whatever_it_asks_and_no_second_chart_of_the_same(tmp_path: Path) -> None:
    names = {path.stem for path in draw_catalogue(*make_run(["hash"], [1, 8, 32]), tmp_path)}
    assert "throughput" not in names
    both = {path.stem for path in draw_catalogue(*make_run(["hash", "noop"], [1, 8, 32]), tmp_path)}
    assert "throughput" in both


def values(data: object) -> list[float]:
    """Return a line's coordinates as numbers."""
    return [float(value) for value in np.atleast_1d(np.asarray(data))]


def test_marks_are_the_measured_throughput_and_the_model_alone_is_drawn_between_them() -> None:
    run = waiting()
    view, curve = only(run)
    lines = drawn(run).get_lines()
    long = [line for line in lines if len(values(line.get_xdata())) == 200]
    assert [line.get_color() for line in long] == [LOOKS["a"].colour, LOOKS["b"].colour]
    assert [values(line.get_ydata()) for line in long] == [list(curve.sides[label].model) for label in LABELS]
    assert {line.get_linestyle() for line in long} == {"--"}
    marks = [line for line in lines if line.get_marker() in (LOOKS["a"].marker, LOOKS["b"].marker)]
    measured = [
        [cell.throughput.value for (_, _, of), cell in view.cells.items() if of == label and cell.throughput]
        for label in LABELS
    ]
    assert [values(line.get_ydata()) for line in marks if values(line.get_ydata())] == measured
    assert all(line.get_linestyle() == "None" for line in marks)
    assert not drawn(run).patches  # no band pretends to know what lies between two loads


def test_every_point_has_its_interval() -> None:
    run = waiting()
    view, _ = only(run)
    drawn_ends = {
        (round(float(low), 6), round(float(high), 6))
        for collection in drawn(run).collections
        for (_, low), (_, high) in collection.get_segments()  # type: ignore[attr-defined]
    }
    known = [cell.throughput.interval for cell in view.cells.values() if cell.throughput]
    assert drawn_ends == {(round(low, 6), round(high, 6)) for low, high in filter(None, known)}


def test_ceilings_and_bends_stand_where_they_are_and_say_how_they_follow() -> None:
    ax = drawn(waiting())
    lines = [(values(line.get_xdata()), values(line.get_ydata())) for line in ax.get_lines()]
    assert sorted(ys[0] for xs, ys in lines if xs == [0, 1]) == pytest.approx([800, 1000, 1000 / 0.7], rel=0.01)
    assert [xs[0] for xs, ys in lines if len(ys) == 2 and ys[0] == 0 and ys[1] > 1] == [72, 40]
    words = {text.get_text().replace("\u00a0", " ") for text in ax.texts}
    assert {
        "sync: 40 threads ÷ 50 ms ≈ 800/s",
        "async: 1 core ÷ 0.70 ms of CPU ≈ 1,400/s",
        "sync: 40 users, all 40 threads taken",
        "async: 72 users, the core is always busy",
    } <= words


def test_labels_of_bends_stand_above_the_panel_where_they_hide_no_mark() -> None:
    ax = drawn(waiting())
    above = [text for text in ax.texts if isinstance(text, Annotation) and " users, " in text.get_text()]
    assert len(above) == 2
    assert all(text.xy[1] > 1 for text in above)


def test_a_ceiling_of_both_sides_is_drawn_once() -> None:
    needs: dict[SideLabel, tuple[float, int | None, float]] = {"a": (1.0, 15, 1.0), "b": (1.0, 15, 0.99)}
    ax = drawn(make_run(["query"], (1, 8, 15, 30, 60), change=held_by(20, needs)))
    words = [text.get_text().replace("\u00a0", " ") for text in ax.texts]
    assert [said for said in words if "connections" in said] == [
        "15 users, all 15 connections taken",
        "both: 15 connections ÷ 20 ms ≈ 750/s",
    ]


def own_apps(needs: dict[SideLabel, tuple[float, int | None, float]] = NEEDS) -> Run:
    return make_run(["GET /x"], USERS, a="main:app", b="other:app", change=held_by(50, needs))


def test_of_other_apps_there_are_the_marks_and_what_the_core_and_def_routes_could_do_but_no_model() -> None:
    run = own_apps()
    view, curve = only(run)
    assert {label: len(curve.points[label]) for label in curve.points} == {"a": 6, "b": 6}
    assert [side.model for side in curve.sides.values()] == [(), ()]
    assert [[each.limit for each in side.ceilings] for side in curve.sides.values()] == [["cpu"], ["cpu"]]
    assert "model" not in reading(view, curve)
    words = {text.get_text().replace("\u00a0", " ") for text in drawn(run).texts}
    assert {"def routes: 40 threads ÷ 50 ms ≈ 800/s", "40 users, all 40 threads taken by def routes"} <= words
    assert not [said for said in words if "main:app" in said and "always busy" in said]  # its threads end before


def test_an_app_that_stays_where_def_routes_would_is_said_to_do_so() -> None:
    view, curve = only(own_apps())
    a, b = view.names["a"], view.names["b"]
    assert finding(view, curve) == (
        f"GET /x: above 40 users {a} stays near 790/s, as def routes do with 40 threads; {b} reaches 1,400/s"
    )
    assert [curve.held_by_threads(label) for label in LABELS] == [True, False]
    lower = only(own_apps({"a": (1.0, 20, 1.0), "b": (0.7, None, 1.0)}))
    assert "def routes" not in finding(*lower)


def test_a_very_wide_interval_does_not_press_the_points_down() -> None:
    loud = make_run(["external_api"], USERS, noise=1.5, blocks=3)
    _, curve = only(loud)
    top = drawn(loud).get_ylim()[1]
    highest = max(point.value for points in curve.points.values() for point in points)
    assert max(point.high for points in curve.points.values() for point in points) > 3 * highest
    assert top < 3 * highest


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([1.0], [1.0]),
        ([1.0, 5.0], [1.0, 5.0]),
        ([1.0, 1.0], [0.5, 1.5]),
        ([0.0, 1.5, 1.6, 1.7], [-0.3, 0.7, 1.7, 2.7]),
        ([1.0, 1.2, 9.0, 9.0, 9.0], [0.6, 1.6, 8.0, 9.0, 10.0]),
    ],
)
def test_labels_are_moved_apart_about_their_middle(values: list[float], expected: list[float]) -> None:
    assert spread(values, 1.0) == pytest.approx(expected)
    assert all(high - low >= 1 - 1e-9 for low, high in pairwise(spread(values, 1.0)))


def test_labels_beside_the_panel_do_not_touch() -> None:
    ax = drawn(waiting())
    beside = [text for text in ax.texts if isinstance(text, Annotation) and text.xyann[0] == 1 + LABEL_AWAY]
    heights = sorted(text.xyann[1] for text in beside)
    assert len(heights) == 5
    assert min(high - low for low, high in pairwise(heights)) >= 0.99 * LABEL_GAP / HEIGHT * ax.get_ylim()[1]


def test_figures_of_ceilings_are_rounded_to_what_is_known() -> None:
    assert [about(value) for value in (0, 0.0123, 19.64, 801.3, 1382.0, 96_000)] == [
        "0", "0.012", "20", "800", "1,400", "96,000",
    ]  # fmt: skip
    said = [ceiling_words(Ceiling("cpu", 2, 0.00138, 1)), ceiling_words(Ceiling("connections", 15, 0.0198, 15))]
    assert [each.replace("\u00a0", " ") for each in said] == [
        "2 cores ÷ 1.38 ms of CPU ≈ 1,400/s",
        "15 connections ÷ 20 ms ≈ 760/s",
    ]


def test_a_page_shows_each_curve_in_its_scenario_s_section_or_first_where_it_is_the_run(tmp_path: Path) -> None:
    several = make_run(["get_post", "external_api"])
    html = render(*several, [], curves=draw_all(view_of(*several), tmp_path))
    assert html.count('aria-label="Throughput of external_api against users, with its ceilings"') == 1
    assert html.index('id="s1"') < html.index("with its ceilings")
    alone = waiting()
    html = render(*alone, [], curves=draw_all(view_of(*alone), tmp_path))
    assert html.count('aria-label="Throughput of external_api against users, with its ceilings"') == 1
    assert html.index("with its ceilings") < html.index('id="verdicts"')
    assert '<a href="#charts">' in html


def test_older_curves_are_removed(tmp_path: Path) -> None:
    [one] = draw_all(view_of(*waiting((1, 40, 200))), tmp_path, png=True)
    assert {path.suffix for path in one.paths} == {".svg", ".png"}
    draw_all(view_of(*make_run(["hash", "noop"])), tmp_path)
    assert list(tmp_path.iterdir()) == []
