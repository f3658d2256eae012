"""The table in the terminal: it says what to do, where, and what it brings, and it fits any terminal."""

import io
from itertools import product

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadtests.check.record import Check
from loadtests.check.table import MOST_CHANGES, table
from tests.check.made_up_checks import (
    ALL,
    async_blog,
    check,
    finding,
    gain,
    long_names,
    nothing,
    only_notes,
    route,
    shop,
    sync_blog,
)

WIDTHS = (60, 80, 100, 140)
IN_ASCII = sorted(set(ALL) - {"other_scripts"})


def printed(found: Check, width: int = 140, *, all_routes: bool = False) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(table(found, all_routes=all_routes))
    return capture.get()


def in_one_line(found: Check, width: int = 140, *, all_routes: bool = False) -> str:
    return " ".join(printed(found, width, all_routes=all_routes).split())


@pytest.mark.parametrize(("name", "width", "all_routes"), [*product(sorted(ALL), WIDTHS, (False, True))])
def test_no_line_is_wider_than_the_terminal(name: str, width: int, all_routes: bool) -> None:
    lines = printed(ALL[name](), width, all_routes=all_routes).splitlines()
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("name", "width"), [*product(IN_ASCII, (80, 140))])
def test_a_terminal_without_unicode_is_sent_none(name: str, width: int) -> None:
    raw = io.BytesIO()
    strict = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    Console(width=width, file=strict, color_system=None).print(table(ALL[name](), all_routes=True))
    strict.flush()
    text = raw.getvalue().decode("ascii")
    assert "?" not in text
    if name == "async_blog":
        assert "12.1 x (10.3 - 13.9)" in text


@pytest.mark.parametrize("width", WIDTHS[1:])
def test_a_change_says_what_it_costs_where_and_what_it_brings(width: int) -> None:
    text = in_one_line(sync_blog(), width)
    assert text.startswith("2 of 9 routes should change sync_app.main:app: 64 users, 40 threads, 15 database")
    for said in (
        "GET /upstream",
        "make it async def",
        "waits in a thread for 51.3 ms",
        "sync_app/upstream.py:31",
        "httpx.Client.get()",
        "2.07 × (1.76 – 2.38)",
        "at 64 users",
        "give it more room",
        "40 threads, 15 connections",
        "Await an async client, httpx.AsyncClient, and write async def.",
    ):
        assert said in text


def test_the_most_worth_changing_is_first() -> None:
    text = printed(async_blog())
    places = [text.index(f"GET /{name} ") for name in ("blocking", "blocking-session", "blocking-client")]
    assert places == sorted(places)


def test_what_was_measured_stands_beside_what_was_predicted() -> None:
    for width in WIDTHS[1:]:
        text = in_one_line(async_blog(), width)
        assert "12.1 × (10.3 – 13.9)" in text
        assert "measured 11.7 × (11.3 – 12.2)" in text
        assert text.count("measured") == 1


def test_a_fault_that_routes_share_is_one_change() -> None:
    text = in_one_line(shop())
    assert text.startswith("15 of 40 routes should change, 2 changes in all")
    assert text.count("move the middleware Timing off the event loop") == 2  # in the table, and above the advice
    assert "and 5 more routes" in text
    assert "up to 5.00 ×" in text


def test_handlers_are_changes_of_their_own() -> None:
    same = finding("blocks-by-waiting", "main.f", 0.02, route="GET /a")
    two = check([route("GET", f"/{name}", "main.f", "make-def", same) for name in "ab"])
    assert in_one_line(two).startswith("2 of 2 routes should change main:app")


def test_other_routes_are_counted_and_listed_if_wanted() -> None:
    briefly, whole = in_one_line(async_blog()), in_one_line(async_blog(), all_routes=True)
    assert "To keep: GET /noop, GET /query and 6 more. Not known: GET /lazy (it answered 409 Conflict" in briefly
    assert "GET /crunch" not in briefly
    assert "To keep: 8 routes" in whole
    assert "GET /query async def, 1.20 ms of CPU time, 0.30 ms of waiting, 0 thread hops, 1 statement" in whole
    assert "Not known: 1 route GET /lazy it answered 409 Conflict to all 3 requests" in whole


def test_reasons_that_routes_share_are_told_once() -> None:
    text = in_one_line(shop())
    assert text.count("it writes, and was not asked") == 1
    assert "DELETE /api/v1/orders/{id} and 14 more (it writes" in text


def test_a_route_to_keep_may_have_a_remark() -> None:
    text = in_one_line(shop(), all_routes=True)
    assert "To keep, with a remark: 3 routes" in text
    assert "takes 4.1 ms of each request (shop/routers/stock.py:60)." in text


def test_a_remark_that_routes_share_is_told_once() -> None:
    same = finding("hop-for-nothing", "main.Timing", 0.0, place="middleware")
    text = in_one_line(check([route("GET", f"/{name}", "main.f", "keep", same) for name in "abc"]), all_routes=True)
    assert "To keep, with a remark: 3 routes" in text
    assert text.count(same.sentence) == 1


def test_a_change_is_told_with_what_limits_what_is_known() -> None:
    judged = route("GET", "/me", "main.f", "make-def", finding("blocks-by-waiting", "main.f", 0.02))
    text = in_one_line(
        check([judged.model_copy(update={"advice": "write it as def", "note": "answers 401: it needs a log-in"})])
    )
    assert "Answers 401: it needs a log-in." in text


def test_what_the_baseline_accepts_is_no_change() -> None:
    found = async_blog()
    first, *others = found.routes
    settled = first.model_copy(update={"accepted": tuple(each.fingerprint for each in first.findings)})
    text = in_one_line(found.model_copy(update={"routes": (settled, *others)}), all_routes=True)
    assert text.startswith("2 of 12 routes should change")
    assert "Accepted by the baseline: 1 route GET /blocking make it def: blocks the loop for 50.2 ms" in text


def test_code_stands_side_by_side_where_there_is_room() -> None:
    wide = printed(async_blog(), 140)
    (line,) = [line for line in wide.splitlines() if "- async def blocking(" in line][:1]
    assert "+ def blocking(" in line
    narrow = printed(async_blog(), 80).splitlines()
    now = next(number for number, line in enumerate(narrow) if "- async def blocking(" in line)
    assert "+ def blocking(" in narrow[now + 1]
    assert "+" not in narrow[now]


def test_long_code_is_shortened_to_what_differs() -> None:
    text = printed(long_names(), 140)
    assert "- " in text
    assert "step_37" in text
    assert "step_3 " not in text


def test_what_differs_far_apart_is_shown_with_what_is_left_out_between() -> None:
    lines = [f"    step_{n}()" for n in range(30)]
    now = "\n".join(["async def f():", *lines, "    return 1"])
    then = "\n".join(["def f():", *lines, "    return 2"])
    one = route("GET", "/", "main.f", "make-def", advice="Write def", code_now=now, code_then=then)
    text = printed(check([one]), 80)
    assert text.count("…") == 1
    assert "step_2()" in text
    assert "step_10()" not in text


def test_the_terminal_is_sent_no_control_characters() -> None:
    text = printed(ALL["other_scripts"](), 80, all_routes=True)
    assert "\x1b" not in text
    assert "[red]évil[/red]" in text
    assert "[bold]/x y#?.py:3" in text


def test_many_changes_are_counted() -> None:
    many = check([route("GET", f"/{n}", "main.f", "make-def", gain=gain(2.0), advice="Write def") for n in range(20)])
    text = in_one_line(many, 80)
    assert f"GET /{MOST_CHANGES - 1} " in text
    assert f"GET /{MOST_CHANGES} " not in text
    assert "… and 5 more changes; --all shows them." in text
    assert "--all shows the code for 12 more changes." in text
    assert "GET /19 " in in_one_line(many, 80, all_routes=True)


def test_there_may_be_nothing_to_say() -> None:
    assert in_one_line(nothing()) == "No routes were found main:app: 64 users, 40 threads."
    assert in_one_line(ALL["all_well"]()).startswith("Nothing to change in 2 routes")
    text = in_one_line(only_notes())
    assert text.startswith("None of 5 routes could be judged")
    assert text.endswith("No route answered, so nothing can be said about the app.")


def test_what_blocks_the_start_is_told() -> None:
    text = in_one_line(shop())
    assert "Before the first request requests.get blocks the start of the app for 2.40 s (shop/main.py:30)." in text
