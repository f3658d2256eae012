"""Charts: they exist where there is something to show, and their titles say what the data says."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from loadtests.analysis.model.limits import with_limits
from loadtests.analysis.trial_summary import Summary
from loadtests.analysis.verdict_kinds import kind_of
from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.sides import SideLabel
from loadtests.records.summary import Interval, Outcome, Verdict
from loadtests.report.charts.catalogue import CHARTS, draw
from loadtests.report.charts.marks import MARKS, mark_kind
from loadtests.report.charts.predicted import finding, predictions, scatter
from loadtests.report.charts.ratio import against_loads
from loadtests.report.charts.style import LOOKS, MUTED, drawing, fit, width_in, wrap
from loadtests.report.highlights import tally
from loadtests.report.html.sections import answer
from loadtests.report.titles import loads_title, ratio_title
from loadtests.report.view import RunView, view_of
from loadtests.report.wording import listed, named, number, ratio, word
from tests.made_up_runs import Run, collapsing, driver_bound, make_run

LONG = "sync,session_limit=none,thread_limit=100"
HOSTILE = "GET /<script>alert('$x$')</script>"
RATES = (50, 200, 600, 900)
SPECIAL = {"dial", "predicted"}
"""Drawn of a grid of ``mixed`` alone, and of what the model knows."""
THROUGHPUT = next(chart for chart in CHARTS if chart.name == "throughput")
EVERY = {chart.name for chart in CHARTS} - SPECIAL


def only_some_was_measured(summary: Summary, scenario: str, load: int, label: SideLabel, block: int) -> Summary | None:
    if scenario == "hash" or block == 5 or (scenario == "query" and load == 128 and label == "b"):
        return None
    return summary


def both_collapse(summary: Summary, scenario: str, load: int, label: SideLabel, block: int) -> Summary | None:
    return collapsing(label, [scenario], [load])(summary, scenario, load, label, block)


def predicted(run: Run, off: float = 1.0) -> Run:
    """Add the model's predictions, all of them off by a factor."""
    manifest, outcome = run
    known = with_limits(outcome, manifest)
    cells = [replace(cell, predicted_rps=cell.predicted_rps and off * cell.predicted_rps) for cell in known.cells]
    return manifest, replace(known, cells=cells)


CASES: dict[str, tuple[Callable[[], Run], set[str]]] = {
    "a usual run": (lambda: make_run(["get_post", "external_api", "hash", "mixed"]), EVERY),
    "one scenario and one load": (lambda: make_run(["external_api"], [64]), EVERY - {"ratio"}),
    "one load": (lambda: make_run(["external_api", "get_post"], [64]), EVERY - {"ratio"}),
    "one block, so no interval": (lambda: make_run(["get_post", "hash"], [1, 8], blocks=1), EVERY),
    "eleven scenarios": (
        lambda: make_run([f"query[wait_ms={ms}]" for ms in range(11)], [1, 64], blocks=2),
        EVERY,
    ),
    "a side that collapses": (
        lambda: make_run(["get_post", "query"], [1, 64], a=LONG, change=collapsing("a", ["query"], [64])),
        EVERY,
    ),
    "a side that always collapses": (
        lambda: make_run(["query"], [32, 64], change=collapsing("a", ["query"], [32, 64])),
        EVERY,
    ),
    "both sides collapse, so there are no figures": (
        lambda: make_run(["query"], [32, 64], change=both_collapse),
        {"verdicts", "ratio", "throughput"},
    ),
    "an interrupted run": (
        lambda: make_run(["get_post", "query", "hash"], complete=False, change=only_some_was_measured),
        EVERY,
    ),
    "arrivals at several rates": (
        lambda: make_run(
            ["get_post", "external_api", "hash", "noop"], rates=RATES, change=driver_bound(["noop"], [900])
        ),
        EVERY,
    ),
    "arrivals at one rate": (lambda: make_run(["get_post", "external_api"], rates=[200]), EVERY - {"ratio"}),
    "arrivals that one side never answers": (
        lambda: make_run(["query"], rates=[50, 200], change=collapsing("a", ["query"], [50, 200])),
        EVERY,
    ),
    "arrivals too few for a 99th percentile": (lambda: make_run(["hash"], rates=[5, 10]), EVERY),
    "a client that was the limit everywhere": (
        lambda: make_run(["hash", "noop"], [1, 8], change=driver_bound(["hash", "noop"], [1, 8])),
        EVERY,
    ),
    "names that are markup": (lambda: make_run([HOSTILE, "get_post"], [1, 8], b='async,x="$1$<b>"'), EVERY),
    "two running servers": (
        lambda: make_run(["get_post"], [1, 8], a="http://127.0.0.1:8000", b="http://127.0.0.1:8001"),
        EVERY,
    ),
    "what the model predicted": (lambda: predicted(make_run(["query", "hash"])), EVERY | {"predicted"}),
    "what it predicted badly": (
        lambda: predicted(make_run(["external_api", "hash"], noise=0.6), off=1.5),
        EVERY | {"predicted"},
    ),
    "characters that no font has": (lambda: make_run(["\U000e0001\x07漢"], [1, 8]), EVERY),
}


# Further shapes of the same: each takes seconds to draw.
LARGE = {
    "eleven scenarios",
    "one scenario and one load",
    "a side that always collapses",
    "arrivals at one rate",
    "arrivals that one side never answers",
    "arrivals too few for a 99th percentile",
    "a client that was the limit everywhere",
    "two running servers",
    "what it predicted badly",
}


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case in LARGE)) for case in CASES])
def test_every_chart_that_has_something_to_show_is_written_twice(case: str, tmp_path: Path) -> None:
    make, expected = CASES[case]
    paths = draw(*make(), tmp_path / "charts", png=True)
    assert {path.name for path in paths} == {f"{name}.{kind}" for name in expected for kind in ("svg", "png")}
    for path in paths:
        if path.suffix == ".svg":
            root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - we wrote it
            assert root.tag.endswith("svg")
            assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        else:
            assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
            assert struct.unpack(">I", path.read_bytes()[16:20])[0] > 800


def test_a_png_is_written_only_if_it_is_wanted_and_an_old_one_removed(tmp_path: Path) -> None:
    run = make_run(["get_post"], [1])
    names = {path.stem for path in draw(*run, tmp_path, png=True)}
    vector = {path: path.read_bytes() for path in tmp_path.glob("*.svg")}
    assert {path.name for path in draw(*run, tmp_path)} == {f"{name}.svg" for name in names}
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == vector


@pytest.mark.slow
def test_the_same_run_gives_the_same_svg(tmp_path: Path) -> None:
    run = make_run(["get_post"], [1, 64])
    first, second = (draw(*run, tmp_path / name) for name in "xy")
    assert [p.read_bytes() for p in first if p.suffix == ".svg"] == [
        p.read_bytes() for p in second if p.suffix == ".svg"
    ]


def test_nothing_measured_gives_no_chart_and_removes_old_ones(tmp_path: Path) -> None:
    manifest, outcome = make_run(["get_post"], [1])
    draw(manifest, outcome, tmp_path)
    assert draw(manifest, Outcome("x", complete=False, comparisons=[], cells=[]), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    draw(*make_run(["get_post"], [1]), tmp_path)
    assert dict(mpl.rcParams) == before


def test_titles_state_the_finding() -> None:
    run = view_of(*make_run(noise=0))
    said = {chart.name: chart.finding(run) for chart in CHARTS}
    read, call = (run.comparisons[name, ClosedLoop(128), "throughput"] for name in ("get_post", "external_api"))
    assert said["verdicts"] == (
        f"At 128 users, async handles {call.ratio:.2f} times as many external_api requests as sync,"
        f" but {read.ratio:.2f} times as many get_post requests"
    )
    assert "async is ahead in external_api and mixed" in said["ratio"]
    assert "sync is ahead in get_post" in said["ratio"]
    answered = f"async answers {call.b.value:,.0f} external_api requests per second, sync {call.a.value:,.0f}"
    assert answered in said["throughput"]
    assert "the median external_api request takes" in said["latency"]
    assert "one external_api request costs 0.55\xa0ms of server CPU with async, 1.30\xa0ms with sync" in said["cpu"]


def test_titles_of_an_open_loop_speak_of_waiting() -> None:
    run = view_of(*make_run(["external_api", "get_post"], rates=[50, 620], noise=0.01, slice_s=2))
    said = {chart.name: chart.finding(run) for chart in CHARTS}
    call, read = (run.comparisons[name, OpenLoop(620), "p99"] for name in ("external_api", "get_post"))
    assert (call.verdict, read.verdict) == ("b", "a")
    assert call.ratio
    assert read.ratio
    assert said["verdicts"] == (
        f"At 620/s, the slowest 1 % of external_api requests wait {number(1 / call.ratio)} times as long with sync"
        f" as with async, but those of get_post {number(read.ratio)} times as long with async"
    )
    assert "async’s slowest 1 % wait less in external_api at 620/s" in said["ratio"]
    assert said["throughput"] == "async and sync both keep up with every rate"
    assert said["latency"].startswith("At 620/s, 1 in 100 external_api requests takes longer than ")
    for chart in CHARTS:
        assert "users" not in chart.topic(run) + chart.finding(run) + chart.reading(run)


def test_in_an_open_loop_more_is_worse() -> None:
    run = view_of(*make_run(["external_api"], rates=[50, 620]))
    assert run.above == "a"
    reading = next(chart.reading(run) for chart in CHARTS if chart.name == "verdicts")
    assert reading.startswith("Right of the grey zone the slowest requests wait longer with async, so sync is better;")


def test_a_side_that_falls_behind_is_named_and_the_ratio_of_its_waits_is_not() -> None:
    run = view_of(*make_run(["external_api"], rates=[50, 900], slice_s=2))
    assert ratio_title(run) == "sync falls behind in external_api at 900/s"
    assert "Of 900 external_api requests per second, sync answers 7" in THROUGHPUT.finding(run)
    assert answer(run, "external_api").endswith(
        "; no verdict on the slowest 1 % at 900/s, because response times grow for as long as the load lasts"
        " (sync can't keep up at 900/s)."
    )
    assert [word(c, run.names) for c in run.headlines()] == ["no meaningful difference", "sync overloaded"]


def test_few_blocks_do_not_say_who_falls_behind() -> None:
    run = view_of(*make_run(["external_api"], rates=[50, 900], slice_s=2, blocks=2))
    assert ratio_title(run) == "Undecided: too few blocks for a verdict on async and sync"
    assert THROUGHPUT.finding(run) == "sync may fall behind in external_api at 900/s, but that is not certain"
    assert "(sync may not keep up at 900/s)" in answer(run, "external_api")


def test_a_flag_alone_does_not_say_that_a_side_falls_behind() -> None:
    """Its answers' interval reaches up to what was offered: one slow moment of the machine is enough for the flag."""
    manifest, outcome = make_run(["external_api"], rates=[900], slice_s=2)
    wide = [replace(cell, throughput=Interval(850, (790, 915))) for cell in outcome.cells]
    run = view_of(manifest, replace(outcome, cells=wide))
    assert "overloaded:a" in run.headlines()[0].flags
    assert "falls behind" not in " ".join(chart.finding(run) for chart in CHARTS)


def test_predictions_are_judged_one_by_one() -> None:
    manifest, outcome = make_run(["external_api"], [1, 8, 32])
    told = {(8, "a"): 1.0, (8, "b"): 1.04, (32, "a"): 1.2, (32, "b"): 0.97}
    cells = [
        replace(cell, predicted_rps=cell.throughput.value * told[int(cell.load.size), cell.label])
        if cell.load.size > 1 and cell.throughput
        else cell
        for cell in outcome.cells
    ]
    run = view_of(manifest, replace(outcome, cells=cells))
    assert [round(each.off, 3) for each in predictions(run)] == [0, 0.04, 0.2, -0.03]
    assert [each.missed for each in predictions(run)] == [False, False, True, False]
    assert finding(run) == "The model’s median error is 4\xa0%; 3 of 4 predictions are within 10\xa0%"
    bound = [replace(cell, bound_rps=cell.throughput.value * 1.05 if cell.throughput else None) for cell in cells]
    said = finding(view_of(manifest, replace(outcome, cells=bound)))
    assert said.startswith("The model’s median error is 4\xa0% (simple bounds: 5\xa0%); 3 of 4")


def test_every_miss_has_a_number_beside_its_mark_and_a_line_that_says_which_cell_it_is() -> None:
    run = view_of(*predicted(make_run(["external_api", "hash"], [1, 8, 32], noise=0.6), off=1.5))
    missed = [each for each in predictions(run) if each.missed]
    with drawing():
        figure = scatter(run)
    assert figure is not None
    texts = [text.get_text().replace("\u00a0", " ") for text in figure.axes[0].texts]
    listed = dict(text.split("  ") for text in texts if "  " in text)
    beside = [number for text in texts if "  " not in text for number in text.split(", ")]
    assert sorted(beside) == sorted(listed)
    assert sorted(listed.values()) == sorted(
        f"{each.scenario} at {each.load}: {100 * each.off:+.0f} %".replace("-", "−") for each in missed
    )


def test_where_the_client_was_the_limit_the_model_is_not_judged() -> None:
    run = view_of(*predicted(make_run(["hash"], [1, 8, 128], change=driver_bound(["hash"], [128])), off=2))
    assert [each.driver_bound for each in predictions(run)] == [False, False, True, True]
    assert finding(run).endswith("0 of 2 predictions are within 10\xa0%")


def test_what_the_client_limits_is_not_sold() -> None:
    manifest, outcome = make_run(["noop", "get_post"], [8, 128], noise=0, change=driver_bound(["noop"], [8, 128]))
    run = view_of(manifest, outcome)
    for chart in CHARTS:
        assert "noop" not in chart.finding(run)
    assert "noop no verdict at any load" in f"noop {answer(run, 'noop')}"
    assert tally(run).endswith(
        "2 were excluded. Excluded because the load driver may have been the limit, not the server:"
        " noop at 8 and 128 users."
    )
    out = [c for c in outcome.comparisons if c.scenario == "noop"]
    assert {kind_of(c) for c in out} == {"driver-bound"}
    assert {word(c, run.names) for c in out} == {"driver-bound"}


def test_a_lead_is_not_said_to_hold_where_the_client_was_the_limit() -> None:
    run = view_of(*make_run(["get_post"], [8, 64, 128], noise=0, change=driver_bound(["get_post"], [128])))
    assert loads_title(run) == "sync is ahead in get_post up to 64 users"


def judged(run: Run, found: Mapping[str, str]) -> RunView:
    """Give cells the verdicts of a picture: ``b``, ``a``, ``=``, ``~`` (sure, but small) and ``?`` for each load."""
    manifest, outcome = run
    verdicts: dict[str, tuple[Verdict, list[str]]] = {
        "b": ("b", []), "a": ("a", []), "=": ("equivalent", []), "~": ("b", ["small"]), "?": ("inconclusive", []),
    }  # fmt: skip
    loads = sorted({c.load.size for c in outcome.comparisons})
    changed = []
    for c in outcome.comparisons:
        verdict, flags = verdicts[found[c.scenario][loads.index(c.load.size)]]
        changed.append(replace(c, verdict=verdict, flags=flags))
    return view_of(manifest, replace(outcome, comparisons=changed))


def marks(ax: Axes) -> list[Line2D]:
    """Return the verdicts' marks of a panel, without the ends of whiskers."""
    return [line for line in ax.get_lines() if line.get_marker() not in ("None", "_")]


def test_the_title_tells_of_every_scenario_that_is_decided() -> None:
    names = ["noop", "hash", "mixed", "query", "file", "crunch", "thumbnail", "get_post", "list_posts"]
    pictures = ["bbbb", "==bb", "~~~b", "==~?", "====", "b~==", "aaa?", "????", "aa~="]
    run = judged(make_run(names), dict(zip(names, pictures, strict=True)))
    assert loads_title(run) == (
        "async is ahead in noop at every load, in hash from 32 users on, in mixed at 128 users;"
        " sync is ahead in thumbnail up to 32 users;"
        " no meaningful difference in query up to 32 users, in file at every load, in crunch from 8 users on,"
        " in list_posts from 32 users on"
    )


def test_a_title_of_many_scenarios_leaves_none_out() -> None:
    names = [f"query[wait_ms={ms}]" for ms in range(9)]
    title = loads_title(judged(make_run(names, [1, 8]), dict.fromkeys(names, "bb")))
    assert all(name in title for name in names)
    assert "more" not in title


def test_a_picture_of_ratios_shows_each_scenario_alone_and_a_win_only_beyond_the_margin() -> None:
    run = judged(make_run(["hash", "noop"]), {"hash": "~=b?", "noop": "aaaa"})
    with drawing():
        figure = against_loads(run)
    assert figure is not None
    hash_, noop = figure.axes
    for ax, expected in ((hash_, ["s", "s", "D", "o"]), (noop, ["o"] * 4)):
        assert [line.get_marker() for line in marks(ax)] == expected
        assert len([line for line in ax.get_lines() if line.get_linestyle() == ":"]) == 1  # its own guide, no other's
        assert not [each for each in ax.collections if isinstance(each, PolyCollection)]
    assert [line.get_markerfacecolor() for line in marks(hash_)] == [MUTED, MUTED, LOOKS["b"].colour, "white"]


def test_a_mark_is_filled_where_there_is_a_verdict_and_only_there() -> None:
    run = judged(make_run(["hash"], [1, 2, 3, 4, 5]), {"hash": "b~a=?"})
    kinds = [mark_kind(c) for c in run.headlines()]
    unsure = replace(run.headlines()[-1], flags=["many-comparisons"])
    assert (kind_of(unsure), mark_kind(unsure)) == ("unconfirmed", "inconclusive")
    assert kinds == ["b", "equivalent", "a", "equivalent", "inconclusive"]
    assert [MARKS[kind].face == "white" for kind in kinds] == [False, False, False, False, True]


def test_a_title_says_how_much_is_open() -> None:
    run = view_of(*make_run(["get_post", "hash"], [1, 8, 128], noise=0.02, change=driver_bound(["hash"], [1, 8, 128])))
    assert ratio_title(run).startswith("At 128 users, async handles only ")
    few = view_of(*make_run(["get_post", "hash", "noop"], [8], noise=0, change=driver_bound(["hash", "noop"], [8])))
    assert ratio_title(few).endswith("; no verdict in 2 of 3 cells")


def test_an_interval_that_excludes_1_and_is_no_verdict_has_a_mark_of_its_own() -> None:
    manifest, outcome = make_run(["get_post"], [1, 8], noise=0)
    vetoed = [replace(c, verdict="inconclusive", flags=["many-comparisons"]) for c in outcome.comparisons]
    kinds = {kind_of(c) for c in vetoed}
    assert kinds == {"unconfirmed"}
    assert len({MARKS[kind].symbol for kind in MARKS}) == len(MARKS)
    assert "In 2 of the undecided cells the interval excludes 1" in tally(
        view_of(manifest, replace(outcome, comparisons=vetoed))
    )


def test_titles_turn_round_with_the_data() -> None:
    manifest, outcome = make_run(["external_api"], [1, 128], a="async", b="sync", noise=0)
    swapped = [
        replace(c, a=replace(c.b, side="async"), b=replace(c.a, side="sync"), ratio=1 / c.ratio, verdict="a")
        if c.ratio and c.verdict == "b"
        else c
        for c in outcome.comparisons
    ]
    text = ratio_title(view_of(manifest, replace(outcome, comparisons=swapped)))
    assert text == "At 128 users, sync handles only 0.43 times as many external_api requests as async"


@pytest.mark.parametrize(
    ("run", "title"),
    [
        (
            lambda: make_run(["hash"], [1, 8], alike=True, noise=0.01),
            "No meaningful difference: async and sync are within 10 % of each other everywhere",
        ),
        (
            lambda: make_run(["hash"], [1, 8], alike=True, noise=0.5),
            "Undecided: this run cannot distinguish async from sync",
        ),
        (
            lambda: make_run(["external_api"], [128], blocks=3),
            "Undecided: too few blocks for a verdict on async and sync",
        ),
    ],
)
def test_a_run_that_decides_nothing_says_so(run: Callable[[], Run], title: str) -> None:
    assert loads_title(view_of(*run())) == title


def test_a_collapse_comes_first() -> None:
    run = view_of(*make_run(["query", "external_api"], [1, 64], change=collapsing("a", ["query"], [64])))
    assert ratio_title(run).startswith("sync collapses in query at 64 users; ")
    assert answer(run, "query").startswith("sync collapses at 64 users, async does not; ")


def test_answers_name_every_planned_load() -> None:
    run = view_of(*make_run(["get_post"], [1, 8, 128], change=lambda s, _n, users_, *_: None if users_ == 8 else s))
    said = answer(run, "get_post")
    assert "at 128 users" in said
    assert said.endswith("not measured at 8 users.")


def test_the_tally_counts_every_cell() -> None:
    assert tally(view_of(*make_run(["external_api"], [1, 128], noise=0.001))).startswith(
        "Of 2 cells (a scenario under a load), async is better in"
    )


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        ("sync", "async", ("sync", "async")),
        ("sync", "sync", ("side A", "side B")),
        ("sync", "sync,session_limit=none", ("sync", "session_limit=none")),
        ("sync", LONG, ("sync", "side B")),
        (LONG, "async,loop=asyncio,http=h11", ("sync…", "async…")),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001/v1", ("127.0.0.1:8000", "127.0.0.1:8001")),
        ("http://127.0.0.1:8000", "main:app,dir=after", ("127.0.0.1:8000", "after")),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v2", ("side A", "side B")),
        ("some.package.module:base", "some.package.module:more", ("base", "more")),
        ("some.package.module:app", "other.package.module:app", ("side A", "side B")),
        ("before/main.py", "after/main.py", ("before", "after")),
        ("main:app,dir=before", "main:app,dir=after", ("dir=before", "dir=after")),
        ("main:app,dir=/srv/shop/before", "main:app,dir=/srv/shop/after", ("before", "after")),
        ("projects/shop_before/main.py", "projects/shop_after/main.py", ("shop_before", "shop_after")),
    ],
)
def test_sides_have_short_names_that_differ(a: str, b: str, names: tuple[str, str]) -> None:
    run = view_of(*make_run(["hash"], [1], a=a, b=b, blocks=1))
    assert (run.names["a"], run.names["b"]) == names
    assert set(run.abbreviations.values()) <= {a, b}


def test_text_is_fitted_by_its_real_width() -> None:
    assert width_in("WWWW", 10) > width_in("iiii", 10)
    assert fit("short", 5, 10) == "short"
    assert width_in(fit("a name much too long for its place", 1, 10), 10) <= 1
    assert all(width_in(line, 10) <= 1 for line in wrap("words that go on, averylongwordindeedwithoutend", 1, 10))


@pytest.mark.parametrize(
    "text", ["one", "AV To fi ffi “x” ± 10 % " * 12, "short, averylongwordindeedwithoutend then on " * 3]
)
@pytest.mark.parametrize("inches", [0.3, 1.0, 3.0, 9.9])
def test_each_line_takes_as_many_words_as_it_has_room_for(text: str, inches: float) -> None:
    lines = wrap(text, inches, 10)
    assert " ".join(lines).count(" ") == text.count(" ")
    for line, following in pairwise(lines):
        assert width_in(f"{line} {following.split(' ')[0]}", 10) > inches


def test_sides_differ_in_grey_in_marker_and_in_line() -> None:
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    a, b = LOOKS["a"], LOOKS["b"]
    assert abs(grey(a.colour) - grey(b.colour)) > 60
    assert a.marker != b.marker
    assert a.line != b.line
    assert a.hatch != b.hatch


def test_figures_are_written_as_people_write_them() -> None:
    assert [number(v) for v in (0, 1790.4, 43.21, 1.3, 0.0551)] == ["0", "1,790", "43.2", "1.30", "0.055"]
    assert [ratio(v) for v in (2.456, 0.9, 0.0123, 1234.5)] == ["2.46", "0.90", "0.012", "1,234"]
    assert named([ClosedLoop(1)]) == "1 user"
    assert named([ClosedLoop(1), ClosedLoop(8), ClosedLoop(1024)]) == "1, 8 and 1024 users"
    assert named([OpenLoop(0.5), OpenLoop(200)]) == "0.5 and 200/s"
    assert (listed([]), listed(["x"]), listed(["x", "y"])) == ("", "x", "x and y")


def test_titles_speak_of_the_highest_load_that_was_measured() -> None:
    run = view_of(*make_run(["external_api"], [64, 128], change=lambda s, _n, load, *_: None if load == 128 else s))
    for chart in CHARTS:
        assert "128 users" not in chart.finding(run)
        assert "No difference" not in chart.finding(run)


def test_blocks_that_agree_exactly_can_be_drawn(tmp_path: Path) -> None:
    assert draw(*make_run(["get_post"], [1, 8], noise=0), tmp_path)
