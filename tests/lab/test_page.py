"""The page of the lab in a real browser: its controls, its predictions, what it shows, and to whom it talks."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from loadtests.lab.state import Light, Trust
from loadtests.lab.web import create_app
from tests.browser import FAINT, chromium
from tests.lab.made_up_engine import CONTROLS, PRESETS, MadeUpEngine
from tests.lab.serving import served

TOKEN = "printed-in-the-terminal"  # noqa: S105 (of a server that ends with its test)
FIGURES = (".figures", ".places", "#charts", "#sentence", "#trust")
"""What shows how the lanes do."""
EVIL = "<img src=x onerror=window.owned=1>"
UNNAMED = """() => [...document.querySelectorAll("a, button, input, select, [role], dialog, section, pre")]
  .filter(each => each.checkVisibility({ visibilityProperty: true }) && !each.ariaHidden)
  .filter(each => !(each.ariaLabel || each.getAttribute("aria-labelledby") || each.labels?.length
    || each.matches("[role=status], [role=alert]") || (each.matches("a, button") && each.textContent.trim())))
  .map(each => each.outerHTML.slice(0, 90))"""
"""Returns what has no name for a screen reader."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def engine() -> MadeUpEngine:
    return MadeUpEngine(period_s=0.1)


@pytest.fixture(scope="module")
def app(engine: MadeUpEngine) -> FastAPI:
    return create_app(engine, TOKEN)


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with served(app) as found:
        yield found


@pytest.fixture(scope="module")
def cookie(address: str) -> dict[str, Any]:
    [(name, value)] = httpx.get(address, params={"token": TOKEN}).cookies.items()
    return {"name": name, "value": value, "url": address, "httpOnly": True, "sameSite": "Strict"}


class Opened:
    """The page, and all that should not have happened on it."""

    def __init__(self, browser: Browser, address: str, cookie: Any, **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.context.add_cookies([cookie])
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)
        expect(self.page.locator(".control")).to_have_count(len(CONTROLS))

    def close(self) -> None:
        self.context.close()


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, address: str, cookie: Any, engine: MadeUpEngine) -> Iterator[Open]:
    engine.reset()
    opened: list[Opened] = []

    def found(**options: Any) -> Opened:
        opened.append(Opened(browser, address, cookie, **options))
        return opened[-1]

    yield found
    for each in opened:
        each.close()
    for each in opened:
        assert each.wrong == []
        assert [url for url in each.requests if not url.startswith((f"{address}/", f"blob:{address}/"))] == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page().page


def wait_for(engine: MadeUpEngine, *asked: tuple[str, Any]) -> None:
    until = time.monotonic() + 10
    while engine.asked != [*asked]:
        assert time.monotonic() < until, engine.asked
        time.sleep(0.02)


def control(page: Page, name: str) -> Locator:
    return page.locator(f".control[data-name={name}]")


def test_a_typed_number_is_sent_and_kept(page: Page, engine: MadeUpEngine) -> None:
    sent = []
    for label, name, value in (
        ("Users", "users", 41),
        ("Wait ms", "wait_ms", 20),
        ("Threads", "threads", 80),
        ("Connections", "connections", 60),
        ("Session limit", "session_limit", 14),
    ):
        field = page.get_by_role("spinbutton", name=label)
        field.fill(str(value))
        field.press("Enter")
        sent.append(("change", {name: value}))
        wait_for(engine, *sent)
        expect(field).to_have_value(str(value))


def test_a_slider_is_moved_by_key(page: Page, engine: MadeUpEngine) -> None:
    sent = []
    for label, key, name, value in (
        ("Users", "ArrowRight", "users", 21),
        ("Users", "End", "users", 300),
        ("Wait", "End", "wait_ms", 3000),
        ("Wait", "Home", "wait_ms", 0),
        ("Threads", "ArrowLeft", "threads", 39),
        ("Connections", "Home", "connections", 1),
        ("Session limit", "End", "session_limit", 300),
    ):
        page.get_by_role("slider", name=f"{label}, slider").press(key)
        sent.append(("change", {name: value}))
        wait_for(engine, *sent)
        expect(page.get_by_role("spinbutton", name=label)).to_have_value(str(value))


def test_a_scenario_is_chosen_and_brings_its_own_controls_and_code(page: Page, engine: MadeUpEngine) -> None:
    computing = page.get_by_role("spinbutton", name="CPU per request")
    expect(computing).to_be_disabled()
    expect(control(page, "cpu_ms")).to_contain_text("external_api does not use it.")
    expect(page.locator(".handler.a .lit")).to_have_text('    answer = upstream.get(f"/slow?ms={wait_ms}")')
    page.get_by_role("combobox", name="Scenario").select_option("mixed")
    wait_for(engine, ("change", {"scenario": "mixed"}))
    expect(computing).to_be_enabled()
    expect(page.locator(".handler.a .lit")).to_have_text("    sleep()")
    expect(page.locator(".handler.b .lit")).to_have_count(0)
    expect(page.locator(".handler.b")).to_contain_text("await sleep()")
    computing.fill("1.5")
    computing.press("Enter")
    wait_for(engine, ("change", {"scenario": "mixed"}), ("change", {"cpu_ms": 1.5}))


def test_a_session_limit_is_taken_away_and_given_back(page: Page, engine: MadeUpEngine) -> None:
    none = page.get_by_role("checkbox", name="no limit")
    none.check()
    wait_for(engine, ("change", {"session_limit": None}))
    expect(page.get_by_role("spinbutton", name="Session limit")).to_be_disabled()
    expect(none).to_be_checked()
    none.uncheck()
    wait_for(engine, ("change", {"session_limit": None}), ("change", {"session_limit": 15}))
    expect(page.get_by_role("spinbutton", name="Session limit")).to_be_enabled()


def test_what_restarts_a_server_says_so_and_waits_until_the_slider_is_let_go(page: Page, engine: MadeUpEngine) -> None:
    expect(control(page, "threads")).to_contain_text("sync only; a change restarts sync")
    expect(control(page, "connections")).to_contain_text("a change restarts both servers")
    expect(control(page, "users")).not_to_contain_text("restarts")
    slider = page.get_by_role("slider", name="Threads")
    for value in (50, 60, 70):
        slider.evaluate("(each, value) => { each.value = value; each.dispatchEvent(new Event('input')) }", value)
    expect(page.get_by_role("spinbutton", name="Threads")).to_have_value("70")
    page.wait_for_timeout(400)
    assert engine.asked == []
    slider.evaluate("each => each.dispatchEvent(new Event('change'))")
    wait_for(engine, ("change", {"threads": 70}))


def test_a_slider_that_is_dragged_sends_a_few_changes_and_the_last_one(page: Page, engine: MadeUpEngine) -> None:
    slider = page.get_by_role("slider", name="Users")
    slider.evaluate(
        "each => { for (let value = 21; value <= 120; value += 1) {"
        " each.value = value; each.dispatchEvent(new Event('input')) } }"
    )
    wait_for(engine, ("change", {"users": 120}))


def test_a_refused_setting_is_explained_and_put_back(open_page: Open, engine: MadeUpEngine) -> None:
    opened = open_page()
    field = opened.page.get_by_role("spinbutton", name="Users")
    field.fill("999")
    field.press("Enter")
    refused = opened.page.locator("#refused")
    expect(refused).to_have_text("users: input should be less than or equal to 300 (it was 999).")
    assert refused.get_attribute("role") == "alert"
    expect(field).to_have_value("20")
    field.fill("30")
    field.press("Enter")
    expect(refused).to_be_hidden()
    assert engine.asked == [("change", {"users": 30})]
    [said] = opened.wrong  # the browser itself reports the status
    assert "422" in said
    opened.wrong.clear()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_class_guesses_before_it_sees(page: Page, engine: MadeUpEngine, preset: Any) -> None:
    for figures in FIGURES:
        expect(page.locator(figures).first).to_be_visible()
    page.get_by_role("button", name=preset.title).click()
    expect(page.locator("#question")).to_be_visible()
    assert (
        f"{page.locator('#setting').inner_text()} {page.locator('#question').inner_text()}".strip() == preset.question
    )
    assert engine.asked == [("choose", preset.name)]
    for figures in FIGURES:
        expect(page.locator(figures).first).to_be_hidden()
    assert not re.search(r"\d/s|requests/s|\d ms", page.locator("main").inner_text())
    expect(page.locator(".handler.a")).to_be_visible()  # to guess, one needs the code
    engine.down["a"] = "sync has stopped answering."
    page.wait_for_timeout(500)
    assert "stopped" not in page.locator("main").inner_text()
    engine.down.clear()
    expect(page.get_by_role("button", name="Freeze")).to_be_disabled()
    expect(page.get_by_role("spinbutton", name="Users")).to_be_disabled()
    reveal = page.get_by_role("button", name="Reveal")
    expect(reveal).to_be_disabled()
    page.get_by_role("button", name="Neither").click()
    page.get_by_role("button", name="async bends").click()
    assert page.locator("#options [aria-pressed=true]").all_inner_texts() == ["async bends"]
    for figures in FIGURES:
        expect(page.locator(figures).first).to_be_hidden()
    reveal.click()
    wait_for(engine, ("choose", preset.name), ("reveal", "b"))
    expect(page.locator("#outcome-guess")).to_have_text("async bends ✘ (measured: sync bends)")
    expect(page.locator("#outcome-text")).to_have_text("sync stays at 800 requests/s, async goes on.")
    expect(page.locator("#outcome-lesson")).to_contain_text(f"bench lesson {preset.lesson}")
    for figures in FIGURES:
        expect(page.locator(figures).first).to_be_visible()
    expect(page.get_by_role("button", name="Freeze")).to_be_enabled()
    expect(page.get_by_role("spinbutton", name="Users")).to_have_value(str(engine.settings.users))
    assert page.locator("#presets [aria-current]").all_inner_texts() == [preset.title]


def test_all_viewers_see_one_state(open_page: Open, engine: MadeUpEngine) -> None:
    teacher, pupil = open_page().page, open_page().page
    teacher.get_by_role("button", name="41 users").click()
    expect(pupil.locator("#question")).to_be_visible()
    expect(pupil.locator("#charts")).to_be_hidden()
    teacher.get_by_role("button", name="sync bends", exact=True).click()
    teacher.get_by_role("button", name="Reveal").click()
    expect(pupil.locator("#outcome-guess")).to_have_text("sync bends ✔")
    field = pupil.get_by_role("spinbutton", name="Users")
    field.fill("64")
    field.press("Enter")
    expect(teacher.get_by_role("spinbutton", name="Users")).to_have_value("64")
    expect(teacher.locator("#outcome")).to_be_hidden()
    late = open_page().page
    expect(late.get_by_role("spinbutton", name="Users")).to_have_value("64")
    assert engine.watching == 3


def test_it_can_be_used_by_key_alone(page: Page, engine: MadeUpEngine) -> None:
    focused = "document.activeElement.textContent"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to what is going on"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_visible()
    visited = []
    for _ in range(7):
        page.keyboard.press("Tab")
        visited.append(page.evaluate(focused))
    assert visited == ["The blocked loop", "Dark", "sync bends", "async bends", "Neither", *visited[5:]]
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="async bends")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Reveal"
    page.keyboard.press("Enter")
    wait_for(engine, ("choose", "users_41"), ("reveal", "b"))


def test_a_screen_reader_finds_names_figures_and_one_sentence(page: Page, engine: MadeUpEngine) -> None:
    assert page.evaluate(UNNAMED) == []
    expect(page.get_by_role("status").filter(has_text="sync answers")).to_have_attribute("aria-live", "polite")
    spoken = page.locator("#spoken").inner_text()
    shown = page.locator("#sentence").inner_text()
    expect(page.locator("#sentence")).not_to_have_text(shown)
    assert page.locator("#spoken").inner_text() == spoken  # figures that move are not read out each time
    chart = page.get_by_role("img", name="Throughput over the last minute")
    assert "at most 784 by the model (40 threads ÷ 51 ms per request)" in str(chart.get_attribute("aria-label"))
    engine.settings = engine.settings.model_copy(update={"users": 41})
    places = page.locator(".lane.a .place")
    expect(places.filter(has_text="waiting for a thread")).to_contain_text("1")
    expect(places.filter(has_text="in a thread")).to_contain_text("40/40")
    assert page.locator("canvas:not([aria-hidden])").count() == page.locator("[role=img] canvas").count() == 2
    page.get_by_role("button", name="41 users").click()
    expect(page.locator("#question")).to_be_visible()
    assert page.evaluate(UNNAMED) == []


def test_trust_is_told_by_words_and_shape(page: Page, engine: MadeUpEngine) -> None:
    lights: list[tuple[Light, str]] = [
        ("good", "Figures are steady"),
        ("caution", "Read with caution"),
        ("poor", "Do not trust the figures now"),
    ]
    for path, (light, words) in enumerate(lights):
        engine.trust = Trust(light=light, reasons=["the load has just changed", EVIL])
        expect(page.locator("#light")).to_have_text(words)
        shapes = page.locator("#trust path").evaluate_all("all => all.map(each => getComputedStyle(each).display)")
        assert [shape != "none" for shape in shapes] == [number == path for number in range(3)]
    expect(page.locator("#reasons li")).to_have_text(["the load has just changed", EVIL])
    assert page.evaluate("window.owned") is None


def test_figures_are_live_and_no_verdict(page: Page) -> None:
    for lane in ("a", "b"):
        expect(page.locator(f".lane.{lane} .live")).to_have_text("live, not a verdict")
    assert 380 < float(page.locator(".lane.a .rate dd").inner_text()) < 410


def test_the_lane_that_has_its_turn_is_marked(page: Page) -> None:
    for lane in "aba":  # one after the other
        expect(page.locator(f".lane.{lane} .turn")).to_be_visible()
        expect(page.locator(".turn:visible")).to_have_count(1)


def test_the_charts_are_drawn(page: Page) -> None:
    coloured = """each => { const { width, height } = each; const { data } = each.getContext("2d").getImageData(0, 0, width, height);
      const seen = new Set(); for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
      return [...seen] }"""  # noqa: E501
    for chart in ("#throughput", "#latency"):
        canvas = page.locator(f"{chart} canvas")
        expect(canvas).to_be_visible()
        seen = canvas.evaluate(coloured)
        assert {"0,90,148", "138,88,0"} <= {*seen}  # the colours of both lanes


def test_dots_move_while_requests_are_answered_unless_motion_is_not_wanted(open_page: Open) -> None:
    picture = "document.querySelector('.lane.b canvas').toDataURL()"
    for motion in ("no-preference", "reduce"):
        page = open_page(reduced_motion=motion).page
        expect(page.locator(".lane.b .place.on_loop dd")).to_have_text("20")
        page.wait_for_timeout(300)
        seen = set()
        for _ in range(6):
            seen.add(page.evaluate(picture))
            page.wait_for_timeout(90)
        assert (len(seen) > 1) is (motion == "no-preference")


def test_each_request_in_flight_is_one_dot(page: Page) -> None:
    whole = "where => import('/page/dots.js').then(dots => dots.whole(where))"
    names = ("other", "waiting_for_thread", "waiting_for_connection", "on_loop", "in_thread")
    for values in ((0, 0.6, 0, 0.4, 40), (0.5, 0.5, 0.5, 0.5, 299), (0, 0, 0, 0, 0), (0.2, 0.2, 0.2, 0.2, 0.2)):
        counts = page.evaluate(whole, dict(zip(names, values, strict=True)))
        assert sum(counts.values()) == int(sum(values) + 0.5)
        assert all(abs(counts[name] - value) < 1 for name, value in zip(names, values, strict=True))


def test_a_server_that_nobody_can_look_into_says_so(page: Page, engine: MadeUpEngine) -> None:
    engine.sees_inside = False
    expect(page.locator(".lane.a .blind")).to_be_visible()
    expect(page.locator(".lane.a .places")).to_be_hidden()


def test_a_lane_that_died_says_why_and_is_restarted(page: Page, engine: MadeUpEngine) -> None:
    expect(page.get_by_role("button", name="Restart sync")).to_be_hidden()
    engine.down["a"] = f"The server of sync was killed by SIGKILL. {EVIL}"
    alert = page.get_by_role("alert").filter(has_text="was killed by SIGKILL")
    expect(alert).to_contain_text(EVIL)
    expect(page.locator(".lane.a .status")).to_have_text("stopped")
    expect(page.locator(".lane.b .figures")).to_be_visible()
    page.get_by_role("button", name="Restart sync").click()
    wait_for(engine, ("restart", "a"))
    expect(alert).to_have_count(0)


def test_what_is_being_applied_is_said(page: Page, engine: MadeUpEngine) -> None:
    expect(page.locator("#applying")).to_be_hidden()
    engine.applying = "Restarting sync with 80 threads."
    expect(page.locator("#applying")).to_have_text("Restarting sync with 80 threads.")


def test_the_command_is_copied(open_page: Open, address: str) -> None:
    opened = open_page()
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    opened.page.get_by_role("button", name="Copy the command").click()
    expect(opened.page.locator("#copied")).to_have_text("Copied.")
    assert opened.page.evaluate("navigator.clipboard.readText()") == "bench run 'external_api[wait_ms=50]' --users 20"


def test_a_command_that_may_not_be_copied_is_selected(page: Page) -> None:
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')) }")
    page.get_by_role("button", name="Copy the command").click()
    expect(page.locator("#copied")).to_contain_text("Ctrl+C")
    assert page.evaluate("getSelection().toString()") == "bench run 'external_api[wait_ms=50]' --users 20"


def test_the_last_minute_is_saved_as_image_and_data(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Freeze").click()
    dialog = page.get_by_role("dialog", name="The last minute, frozen")
    expect(dialog.get_by_role("img")).to_be_visible()
    saved = {}
    for words in ("Save the image", "Save the data"):
        with page.expect_download() as download:
            dialog.get_by_role("link", name=words).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        saved[path.suffix] = path
    assert saved[".png"].stem == saved[".json"].stem
    assert saved[".png"].read_bytes().startswith(b"\x89PNG")
    assert saved[".png"].stat().st_size > 20_000
    data = json.loads(saved[".json"].read_text(encoding="utf-8"))
    assert data["note"] == "live, not a verdict"
    assert data["states"][-1]["lanes"]["a"]["now"]["rps"] > 0
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_its_ground(open_page: Open, engine: MadeUpEngine, scheme: str) -> None:
    page = open_page(color_scheme=scheme).page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(251, 250, 248)") is (scheme == "light")
    engine.trust = Trust(light="poor", reasons=["the client is busy"])
    engine.applying = "Restarting."
    engine.down["b"] = "It was killed."
    expect(page.locator(".lane.b .down")).to_be_visible()
    expect(page.locator("#light")).to_contain_text("not trust")
    assert page.evaluate(FAINT) == []
    page.get_by_role("button", name="41 users").click()
    expect(page.locator("#question")).to_be_visible()
    assert page.evaluate(FAINT) == []


def test_the_colours_are_changed_by_a_button_and_kept(page: Page) -> None:
    page.get_by_role("button", name="Dark colours").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    page.reload()
    expect(page.get_by_role("button", name="Light colours")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"


@pytest.mark.parametrize("width", [390, 760, 1000])
def test_a_narrow_page_does_not_scroll_sideways(open_page: Open, engine: MadeUpEngine, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800}).page
    sideways = "document.documentElement.scrollWidth"
    upper, lower = page.locator(".lane").evaluate_all("all => all.map(each => each.getBoundingClientRect().top)")
    assert (upper < lower) is (width <= 760)
    engine.down["a"] = f"The server of sync was killed: {'x' * 90}"
    expect(page.locator(".lane.a .down")).to_be_visible()
    assert page.evaluate(sideways) == width
    page.get_by_role("button", name="41 users").click()
    expect(page.locator("#question")).to_be_visible()
    assert page.evaluate(sideways) == width


def test_another_viewer_gets_an_address(page: Page, browser: Browser) -> None:
    page.get_by_role("button", name="Add a viewer").click()
    expect(page.locator("#invited")).to_contain_text("works once")
    context = browser.new_context()
    other = context.new_page()
    other.goto(page.locator("#invited").inner_text().split()[0])
    expect(other.locator(".lane.a .figures")).to_be_visible()
    assert "token" not in other.url
    context.close()


def test_a_lost_connection_is_said_and_found_again(browser: Browser, engine: MadeUpEngine) -> None:
    engine.reset()
    app = create_app(engine, TOKEN)
    with served(app) as address:
        [(name, value)] = httpx.get(address, params={"token": TOKEN}).cookies.items()
        opened = Opened(browser, address, {"name": name, "value": value, "url": address})
        banner = opened.page.locator("#connection")
        expect(opened.page.locator(".lane.a .figures")).to_be_visible()
        expect(banner).to_be_hidden()
    expect(banner).to_contain_text("The connection to bench lab is lost.")
    assert banner.get_attribute("role") == "alert"
    opened.page.get_by_role("button", name="41 users").click()
    expect(opened.page.locator("#refused")).to_contain_text("is lost")
    port = urlsplit(address).port or 0
    with served(app, port):
        expect(banner).to_be_hidden(timeout=15_000)
        expect(opened.page.locator("#throughput canvas")).to_be_visible()
    with served(create_app(engine, "another"), port):
        expect(banner).to_contain_text("a lab that has ended", timeout=15_000)
    opened.close()


def test_a_server_that_says_nothing_is_noticed(open_page: Open, engine: MadeUpEngine) -> None:
    page = open_page().page
    engine.stopped = True
    expect(page.locator("#connection")).to_contain_text("has sent nothing", timeout=10_000)
    engine.stopped = False
    expect(page.locator("#connection")).to_be_hidden()
