"""The table in the terminal: what it says, and that it fits."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from rich.console import Console

from loadtests.report.doubts import control
from loadtests.report.html.page import render
from loadtests.report.verdict_table import verdict_table
from tests.made_up_runs import Run, driver_bound, make_run


def printed(run: Run, width: int = 80) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(verdict_table(*run))
    return capture.get()


def in_one_line(run: Run) -> str:
    return " ".join(printed(run).split())


def test_a_closed_loop_is_about_throughput() -> None:
    text = in_one_line(make_run(["external_api", "hash"], [1, 128]))
    assert text.startswith("Throughput, async ÷ sync")
    assert "The named side answers more requests per second" in text


def test_an_open_loop_is_about_the_slowest_answers() -> None:
    text = in_one_line(make_run(["external_api", "hash"], rates=[50, 600], slice_s=2))
    assert text.startswith("Response time of the slowest 1 % (p99), async ÷ sync")
    assert "below 1, async is better" in text
    assert "requests per second" not in text


def test_words_are_explained_where_they_occur() -> None:
    quiet, bound = (
        make_run(["noop"], [8], noise=0, change=c) for c in (driver_bound([], []), driver_bound(["noop"], [8]))
    )
    assert "driver-bound" not in in_one_line(quiet)
    meaning = "“driver-bound”: no verdict, the load driver may have been the limit, not the server."
    assert meaning in in_one_line(bound)


def test_a_flag_of_both_sides_is_explained_once() -> None:
    text = in_one_line(make_run(["noop"], [8], change=driver_bound(["noop"], [8])))
    assert "[1] sync: the load driver may have been the limit" in text
    assert "[2] async: as [1]." in text


def test_four_loads_fit_into_eighty_columns() -> None:
    run = make_run(["external_api", "noop"], change=driver_bound(["noop"], [1, 8, 32, 128]))
    text = printed(run)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_many_loads_have_a_row_each() -> None:
    users = [1, 20, 28, 32, 40, 46, 57, 71, 91, 118, 146, 200]
    text = printed(make_run(["external_api", "get_post"], users, noise=0.001))
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    rows = [line[1:].rstrip(" │").split("│") for line in text.splitlines() if line.startswith("│")]
    lines = [[cell.strip() for cell in row] for row in rows]
    leads = {"".join(line).replace("\N{NO-BREAK SPACE}", " ") for line in lines if not line[1]}
    assert leads == {"async +2 %", "async +6 %", "async +9 %", "sync +6 %"}
    cells = [line for line in lines if line[1]]
    assert [cell[1] for cell in cells] == ["1 user", *(f"{count} users" for count in users[1:])] * 2
    assert [cell[0] for cell in cells] == [*["external_api", *[""] * 11], *["get_post", *[""] * 11]]
    by_load = {(number // 12, cell[1]): cell[2:] for number, cell in enumerate(cells)}
    assert by_load[0, "200 users"][0].startswith("async")
    assert by_load[1, "200 users"][0].startswith("sync")
    ratio, interval = by_load[0, "200 users"][1:]
    low, high = map(float, interval.split(" – "))
    assert low <= float(ratio) <= high
    assert "is beside it." in " ".join(text.split())


def test_what_was_not_confirmed_is_told_from_what_was_not_decided() -> None:
    manifest, outcome = make_run(["get_post"], [8], noise=0)
    vetoed = [replace(c, verdict="inconclusive", flags=["sign-flip"]) for c in outcome.comparisons]
    text = in_one_line((manifest, replace(outcome, comparisons=vetoed)))
    assert "not confirmed [1]" in text
    assert "a stricter test does not agree" in text


def test_long_specs_are_shortened_and_spelt_out_below() -> None:
    text = in_one_line(make_run(["noop"], [8], noise=0, a="some.package.module:base", b="some.package.module:more"))
    assert text.startswith("Throughput, more ÷ base")
    assert "base is some.package.module:base. more is some.package.module:more." in text


def test_side_a_against_itself_is_told_and_where_it_differs_doubts_the_run() -> None:
    manifest, outcome = make_run(["get_post"], [8])
    (found, *_) = outcome.comparisons
    level = replace(outcome, control=replace(found, ratio=1.01, interval=(0.99, 1.03)))
    assert "sync against itself (get_post at 8 users): 1.01 × (0.99 – 1.03), as expected." in in_one_line(
        (manifest, level)
    )
    tilted = replace(outcome, control=replace(found, ratio=1.05, interval=(1.02, 1.08)))
    assert tilted.doubted
    assert "the setup is biased" in in_one_line((manifest, tilted))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ratio": 1.18, "interval": (0.63, 2.22)}, "1.18 × (0.63 – 2.22): it is not known"),
        (
            {"ratio": 1.18, "interval": (0.63, 2.22)},
            "because the interval reaches beyond ± 10 %; use a longer --budget",
        ),
        (
            {"ratio": 1.01, "interval": (0.92, 1.09), "blocks": 2, "flags": ["too-few-blocks"]},
            "because 2 blocks are too",
        ),
        ({"ratio": 1.01, "interval": None, "blocks": 1, "flags": ["too-few-blocks"]}, "1.01 ×: it is not known"),
        ({"ratio": None, "interval": None}, "get_post at 8 users) could not be compared"),
    ],
)
def test_a_control_that_shows_nothing_is_not_as_expected(change: dict[str, Any], why: str) -> None:
    """An interval that includes 1 and much else is no evidence of a fair setup: page and doubts say so."""
    manifest, outcome = make_run(["get_post"], [8])
    unknown = replace(outcome, control=replace(outcome.comparisons[0], **change))
    assert not unknown.doubted
    page = re.sub(r"\s+", " ", unescape(render(manifest, unknown, [])))
    for text in (in_one_line((manifest, unknown)), page):
        assert why in text
        assert "as expected" not in text
    [doubt] = control(unknown)
    assert "not known whether the setup is biased" in doubt.title
    assert not doubt.serious
