"""The report in a real browser: it works by mouse and by key, in the dark and on a phone, and fetches nothing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from loadtests.analysis.model.capacity import Demand, Resources, predict
from loadtests.analysis.model.limits import with_limits
from loadtests.check.html import page as check_page
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.records.handler_record import HandlerRecord
from loadtests.report.charts.catalogue import draw
from loadtests.report.html.page import render
from loadtests.servers.handlers import handlers_of
from tests.browser import FAINT, chromium
from tests.check import made_up_checks
from tests.made_up_runs import Run, collapsing, make_run

SCENARIOS = ("get_post", "query", "external_api", "hash", "mixed")
EVIL = "<img src=x onerror=window.owned=1></script><script>window.owned=1</script>"
EVIL_PATH = "GET /<script>window.owned=1</script>"
MEASURED = "#what-if .point"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def usual_run() -> Run:
    """Return a run with everything in it: predictions, handlers, a collapse."""
    manifest, outcome = make_run(SCENARIOS, change=collapsing("a", ["query"], [128]))
    scenarios = tuple(parse_scenario(name) for name in SCENARIOS)
    sides = parse_side("sync"), parse_side("async")
    handlers = handlers_of(Experiment(*sides, scenarios, (ClosedLoop(1),), 1, 0.1, 0.1, 0))
    return manifest.model_copy(update={"handlers": handlers}), with_limits(outcome, manifest)


def written(run: Run, folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(render(*run, draw(*run, folder / "charts")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(usual_run(), tmp_path_factory.mktemp("report"))


class Opened:
    """A page, and all that should not have happened on it."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))  # data: does not count as one
        page.goto(path.as_uri())

    def attribute(self, selector: str, name: str) -> list[str]:
        """Return an attribute of all elements that there are."""
        found: list[str] = self.page.eval_on_selector_all(
            selector, "(all, name) => all.map(each => each.getAttribute(name))", name
        )
        return found


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = Opened(context.new_page(), report)
    yield found
    context.close()
    assert found.wrong == []
    assert found.requests == [report.as_uri()]


def test_the_model_in_the_page_is_the_one_of_the_harness(opened: Opened) -> None:
    grid = list(
        product((0.1, 0.8, 5.0), (0.0, 3.0, 50.0), (1, 2), (None, 1, 40), (None, 15, 40), (1, 2, 15, 16, 41, 300))
    )
    names = ("cpu_ms", "wait_ms", "cores", "threads", "connections")
    cases = [[dict(zip(names, row[:-1], strict=True)), row[-1]] for row in grid]
    found: list[dict[str, Any]] = opened.page.evaluate(
        "cases => cases.map(([side, users]) => predict(side, users))", cases
    )
    for (cpu, wait, cores, threads, connections, users), said in zip(grid, found, strict=True):
        expected = predict(Demand(cpu / 1000, wait / 1000), Resources(cores, threads, connections), users)
        assert said["rate"] == pytest.approx(expected.throughput_rps, rel=1e-9)
        assert said["limit"] == expected.limit


def test_the_panel_begins_with_what_was_measured(opened: Opened) -> None:
    page = opened.page
    assert page.locator("#what-if select").input_value() == "external_api"
    assert page.locator(MEASURED).count() == 2 * 4
    said = page.locator("[data-said]").inner_text()
    assert said.startswith("external_api with 128 users: the model predicts sync ")
    assert "sync is limited by its 40 threads" in said
    assert opened.attribute("[data-said]", "aria-live") == ["polite"]


@pytest.mark.parametrize(
    ("slider", "key", "curves"),
    [
        ("what-if-a-wait", "ArrowRight", {"a", "b"}),
        ("what-if-b-cpu", "PageUp", {"a", "b"}),
        ("what-if-a-threads", "End", {"a"}),
    ],
)
def test_a_slider_moves_the_curves(opened: Opened, slider: str, key: str, curves: set[str]) -> None:
    before = opened.attribute("#what-if .curve", "d")
    said = opened.page.locator("[data-said]").inner_text()
    opened.page.focus(f"#{slider}")
    opened.page.keyboard.press(key)
    after = opened.attribute("#what-if .curve", "d")
    assert {label for label, old, new in zip("ab", before, after, strict=True) if old != new} >= curves
    assert opened.page.locator("[data-said]").inner_text() != said
    opened.page.get_by_role("button", name="Back to what was measured").click()
    assert opened.attribute("#what-if .curve", "d") == before


def test_the_sides_part_where_they_are_not_moved_together(opened: Opened) -> None:
    opened.page.get_by_label("in proportion").uncheck()
    before = opened.page.locator("#what-if-b-wait + .value").inner_text()
    opened.page.focus("#what-if-a-wait")
    opened.page.keyboard.press("End")
    assert opened.page.locator("#what-if-a-wait + .value").inner_text() == "1,000 ms"
    assert opened.page.locator("#what-if-b-wait + .value").inner_text() == before


def test_a_side_can_be_made_to_need_connections(opened: Opened) -> None:
    assert opened.page.locator("#what-if-b-connections").is_disabled()
    opened.page.locator('[data-side="b"][data-none="connections"]').uncheck()
    assert "async by its 15 connections" in opened.page.locator("[data-said]").inner_text()


def test_another_scenario_has_other_points(opened: Opened) -> None:
    before = opened.attribute(MEASURED, "d")
    opened.page.select_option("#what-if select", "hash")
    assert opened.attribute(MEASURED, "d") != before
    assert "async by its core" in opened.page.locator("[data-said]").inner_text()


def test_a_table_is_sorted_by_key_and_put_back(opened: Opened) -> None:
    page = opened.page
    table = page.get_by_role("table", name="Figures of external_api")
    heading = table.locator("thead th").nth(2)
    rates = "rows => rows.map(row => parseFloat(row.cells[2].textContent.replaceAll(',', '')))"

    def column() -> list[float]:
        found: list[float] = table.locator("tbody tr").evaluate_all(rates)
        return found

    as_written = column()
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column() == sorted(as_written)
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "descending"
    assert column() == sorted(as_written, reverse=True)
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "none"
    assert column() == as_written


def test_a_note_stays_with_its_row(opened: Opened) -> None:
    table = opened.page.get_by_role("table", name="Figures of query")
    table.get_by_role("button", name="Side").click()
    rows = table.locator("tbody tr").all_inner_texts()
    [note] = [number for number, row in enumerate(rows) if "collapsed:" in row]
    assert rows[note - 1].split("\t")[:2] == ["128", "sync"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_its_ground(browser: Browser, report: Path, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = Opened(context.new_page(), report).page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    faint: list[str] = page.evaluate(FAINT)
    context.close()
    assert faint == []


def test_a_narrow_page_does_not_scroll_sideways(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = Opened(context.new_page(), report).page
    for details in page.locator("details").all():
        details.evaluate("each => { each.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    columns = page.locator(".twins.two").first.locator(".twin")
    upper, lower = columns.evaluate_all("all => all.map(each => each.getBoundingClientRect().top)")
    assert upper < lower
    context.close()


def test_the_page_can_be_read_without_javascript(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = Opened(context.new_page(), report).page
    text = page.inner_text("body")
    for said in ("Verdicts on throughput", "async def query", "Enable JavaScript for a panel", "What to doubt"):
        assert said in text
    assert not page.locator("#what-if").is_visible()
    assert page.locator("th button").count() == 0
    context.close()


def test_what_to_doubt_is_one_step_away_from_every_section(opened: Opened) -> None:
    page = opened.page
    for section in page.locator("main section[aria-labelledby]").all():
        if section.get_attribute("aria-labelledby") not in ("doubt", "scenarios"):
            assert section.locator("a[href='#doubt']").first.is_visible()
    page.locator("aside a").first.click()
    assert page.locator("#doubt").evaluate("each => each.getBoundingClientRect().top") < 900


def test_what_comes_from_outside_is_text(browser: Browser, tmp_path: Path) -> None:
    b = "async,x=<i>"
    manifest, outcome = make_run([EVIL, EVIL_PATH], [1, 8, 32], b=b)
    # As if it were of the catalogue, so that the panel takes it too.
    scenarios = [
        manifest.scenarios[0].model_copy(update={"kind": "I/O-bound", "title": f"{EVIL}!"}),
        manifest.scenarios[1],
    ]
    handler = HandlerRecord(files=[EVIL], lines=["def f():", f"    {EVIL}"], statements=[EVIL])
    other = handler.model_copy(update={"lines": ["async def f():", f"    await {EVIL}"]})
    manifest = manifest.model_copy(
        update={"scenarios": scenarios, "argv": ["bench", EVIL], "handlers": {EVIL: {"a": handler, "b": other}}}
    )
    cells = [replace(cell, collapsed=[EVIL]) if cell.load.size == 8 else cell for cell in outcome.cells]
    outcome = with_limits(replace(outcome, cells=cells), manifest)
    context = browser.new_context()
    page = Opened(context.new_page(), written((manifest, outcome), tmp_path))
    assert page.wrong == []
    assert len(page.requests) == 1
    assert page.page.evaluate("window.owned") is None
    assert page.page.locator("#what-if select").input_value() == EVIL
    assert f"{b} " in page.page.locator("[data-said]").inner_text()
    text = page.page.inner_text("body")
    for said in (f"{EVIL}: {EVIL}!", f"bench {EVIL}", f"await {EVIL}", f"{EVIL};", EVIL_PATH, f"“{EVIL}”"):
        assert said in text
    context.close()


def test_the_page_is_small_enough_to_send(report: Path) -> None:
    assert report.stat().st_size < 2_000_000


@pytest.mark.parametrize("name", ["async_blog", "shop", "long_names", "other_scripts"])
def test_the_page_of_a_check_can_be_read_in_the_dark_on_a_phone_and_on_paper(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "check.html"
    path.write_text(check_page(made_up_checks.ALL[name]()), encoding="utf-8")
    for scheme, width, medium in (("light", 1280, "screen"), ("dark", 360, "screen"), ("light", 790, "print")):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
        opened = Opened(context.new_page(), path)
        opened.page.emulate_media(media=medium)  # type: ignore[arg-type]
        faint: list[str] = opened.page.evaluate(FAINT)  # opens what is folded, too
        assert faint == []
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.wrong == []
        assert opened.requests == [path.as_uri()]
        context.close()


def test_the_routes_of_a_check_are_sorted_by_a_click(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "check.html"
    path.write_text(check_page(made_up_checks.async_blog()), encoding="utf-8")
    context = browser.new_context()
    page = Opened(context.new_page(), path).page
    table = page.get_by_role("table", name="What to change")
    table.get_by_role("button", name="Predicted at 64 users").click()
    first = [row.partition("\t")[0] for row in table.locator("tbody tr").all_inner_texts()]
    assert first == ["GET /blocking-session", "GET /blocking-client", "GET /blocking"]
    context.close()
