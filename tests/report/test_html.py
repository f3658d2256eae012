"""The report: everything that was derived is in it, nothing from outside is, and markup stays text."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtests.analysis.flags import MEANING
from loadtests.analysis.model.limits import with_limits
from loadtests.analysis.thresholds import judge_thresholds
from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.sides import SideLabel
from loadtests.experiment.thresholds import ThresholdOptions
from loadtests.records.handler_record import ExecutedRecord, HandlerRecord
from loadtests.records.manifest import AgentRecord, Event, MachineRecord, SideRecord
from loadtests.records.samples import Failure
from loadtests.records.scenario_record import RequestRecord, ScenarioRecord, ValuesRecord
from loadtests.records.summary import headline_of
from loadtests.report import doubts_on_conditions
from loadtests.report.charts.catalogue import draw
from loadtests.report.doubts import doubts
from loadtests.report.html.page import render
from loadtests.report.thresholds import threshold_table
from loadtests.report.view import view_of
from loadtests.report.wording import ratio
from tests.made_up_runs import Run, collapsing, driver_bound, make_run

SVG = "data:image/svg+xml,"
HOSTILE = "GET /<script>alert('x')</script>"


class Page(HTMLParser):
    """What a browser would make of a page: its text, its tags, its balance."""

    VOID = frozenset({"meta", "img", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def page(run: Run) -> Page:
    return Page(render(*run, []))


@pytest.fixture(scope="module")
def usual() -> Run:
    return make_run()


@pytest.fixture(scope="module")
def html(usual: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(*usual, draw(*usual, tmp_path_factory.mktemp("charts")))


def test_every_verdict_is_printed_as_derived(usual: Run) -> None:
    text = page(usual).text
    for c in usual[1].comparisons:
        if c.ratio is not None and c.interval is not None:
            assert f"{ratio(c.ratio)} ({ratio(c.interval[0])} to {ratio(c.interval[1])})" in text
        if c.metric == headline_of(c.load):
            assert c.explanation in text


def test_every_side_s_figures_are_printed(usual: Run) -> None:
    text = page(usual).text
    for cell in usual[1].cells:
        assert cell.throughput is not None
        assert f"{cell.requests:,}" in text


def test_an_open_loop_is_described_as_it_was() -> None:
    run = make_run(["external_api", "hash"], rates=[50, 600], slice_s=2)
    text = page(run).text
    for said in (
        "Verdicts on the slowest answers (p99)",
        "how many times as long the slowest 1 % of requests wait with async as with sync",
        "Arrivals are Poisson",
        "From the moment a request was due",
        "10 s after the last arrival are cut off",
        "An open loop",
    ):
        assert said in text
    for heading in ("Rate", "Offered/s", "Answered/s", "p99 lag, ms"):
        assert f" {heading} " in text
    for unsaid in (" Users ", "think time", "requests a second async handles"):
        assert unsaid not in text


def test_every_side_s_figures_add_up_in_public(usual: Run) -> None:
    text = page(usual).text
    assert text.count("Does it add up?") == len(usual[0].scenarios)
    assert "128 of 128 users" in text
    assert page(make_run(["hash"], rates=[50], slice_s=2)).text.count("1.000") == 2


def test_what_does_not_add_up_is_framed() -> None:
    manifest, outcome = make_run(["hash"], [8])
    odd = [replace(cell, littles_law=1.2, in_flight=6.0) for cell in outcome.cells]
    html = render(manifest, replace(outcome, cells=odd), [])
    assert html.count("n off") == 4
    assert "the rest waited for the client" in html


def test_exploratory_verdicts_are_lighter(usual: Run) -> None:
    html = render(*usual, [])
    rows = sum(c.metric == "throughput" for c in usual[1].comparisons)
    assert len(re.findall(r'<td class="\w+ light"', html)) == 3 * rows


def test_cells_that_the_client_limits_are_counted_and_told() -> None:
    run = make_run(["hash", "noop"], [8, 128], change=driver_bound(["noop"], [128]))
    text = page(run).text
    assert "and 1 was excluded. Excluded because the load driver may have been the limit" in text
    assert "1 cell was excluded: driver-bound" in text
    assert "⊘driver-bound" in text


def test_too_few_requests_are_told_with_the_time_that_they_take() -> None:
    manifest, outcome = make_run(["hash"], rates=[5, 600])
    found = {doubt.title: doubt.text for doubt in doubts(view_of(manifest, outcome), outcome)}
    assert "windows of 73.6 s at 5/s in total" in found["Too few requests for a 99th percentile"]


def test_nothing_is_fetched_and_nothing_runs_but_our_own(html: str) -> None:
    parsed = Page(html)
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert len(scripts) == 3
    [policy] = [a["content"] or "" for _, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    allowed = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts]
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {' '.join(allowed)}"
    for tag, attributes in parsed.tags:
        assert tag not in ("link", "iframe", "object", "form")
        assert tag != "script" or attributes in ({}, {"type": "application/json", "id": "what-if-data"})
        assert (attributes.get("src") or SVG).startswith(SVG)
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    assert "@import" not in html
    assert "url(" not in html.partition("</style>")[0]
    assert len(html.encode()) < 2_000_000


def test_the_page_is_well_formed(html: str) -> None:
    parsed = Page(html)
    assert parsed.open == []
    identities = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    links = {attributes["href"] for tag, attributes in parsed.tags if tag == "a"}
    assert links <= {f"#{identity}" for identity in identities}
    assert sum(tag == "h1" for tag, _ in parsed.tags) == 1
    assert sum(tag == "table" for tag, _ in parsed.tags) == sum(tag == "caption" for tag, _ in parsed.tags)
    assert all(attributes.get("scope") for tag, attributes in parsed.tags if tag == "th")


def test_charts_are_shown_with_their_finding(html: str) -> None:
    parsed = Page(html)
    alternatives = [re.sub(r"\s", " ", attributes["alt"] or "") for tag, attributes in parsed.tags if tag == "img"]
    assert len(alternatives) == 5
    assert any("async handles" in alternative for alternative in alternatives)
    assert all(finding.partition(": ")[2].rstrip(".") in parsed.text for finding in alternatives)


def test_every_flag_is_explained() -> None:
    run = make_run(["get_post", "query"], [1, 64], change=collapsing("a", ["query"], [64]))
    text = page(run).text
    for flag in {flag for c in run[1].comparisons for flag in c.flags}:
        assert MEANING[flag.partition(":")[0]] in text


def test_a_flag_without_a_meaning_is_shown_all_the_same() -> None:
    manifest, outcome = make_run(["get_post"], [1])
    odd = [replace(c, flags=["pool-bound:b"]) for c in outcome.comparisons]
    assert "pool-bound (async)" in page((manifest, replace(outcome, comparisons=odd))).text


def test_a_collapse_is_told_in_its_own_words() -> None:
    text = page(make_run(["query"], [1, 64], change=collapsing("b", ["query"], [64], [0, 1, 2]))).text
    assert "gave no answer for 5 s with 64 requests waiting (3 of 6 blocks)" in text
    assert "async collapsed" in text


def test_an_incomplete_run_says_so_at_the_top() -> None:
    run = make_run(["get_post", "hash"], [1, 8], complete=False, change=lambda s, n, *_: None if n == "hash" else s)
    text = page(run).text
    assert text.index("This run is incomplete.") < text.index("Verdicts on throughput")
    assert "2 of 4 cells were not measured at all" in text
    assert "hash (hashing in pure Python): not measured." in text


def test_a_complete_run_does_not(html: str) -> None:
    assert "incomplete" not in Page(html).text


def test_percentiles_without_enough_samples_are_not_printed() -> None:
    manifest, outcome = make_run(["external_api"], [1], slice_s=0.5)
    cells = [replace(cell, latency_s={**cell.latency_s, "p50": 0.12345}) for cell in outcome.cells]
    assert all(cell.latency_s["p99"] is None for cell in cells)
    html = render(manifest, replace(outcome, cells=cells), [])
    assert '<td class="n">123</td>' in html
    assert re.search(r'title="p99 needs 368 requests, but there were \d+">—<', html)


def test_markup_from_outside_stays_text(tmp_path: Path) -> None:
    manifest, outcome = make_run([HOSTILE], [1, 8], b='async,x="><img src=x onerror=alert(1)>', blocks=2)
    manifest = manifest.model_copy(update={"argv": ["bench", "run", "<script>", "</dd>"]})
    cells = [replace(cell, collapsed=["<b>died</b> & 'gone'"]) for cell in outcome.cells]
    outcome = replace(outcome, cells=cells)
    html = render(manifest, outcome, draw(manifest, outcome, tmp_path))
    parsed = Page(html)
    assert html.count("<script") == html.count("</script") == 4  # our own: for tables, and for the panel
    assert all("onerror" not in attributes for _, attributes in parsed.tags)
    for said in (HOSTILE, "<b>died</b> & 'gone'", "bench run <script> </dd>"):
        assert said in parsed.text


def test_the_answer_comes_before_everything_else(html: str) -> None:
    text = Page(html).text
    assert text.index("external_api (one call to a slow external API): async is better at") < text.index("Verdicts on")


def test_charts_come_in_the_order_of_the_questions(usual: Run, tmp_path: Path) -> None:
    manifest, outcome = usual
    html = render(manifest, with_limits(outcome, manifest), draw(manifest, with_limits(outcome, manifest), tmp_path))
    text = Page(html).text
    marks = ["external_api (one call to", "The ratio of throughputs against users", "Predicted against measured",
        "What if", "Verdicts on throughput", "Throughput against users", "Scenario by scenario"]  # fmt: skip
    found = [text.rindex(mark) if mark == "Scenario by scenario" else text.index(mark) for mark in marks[:3]]
    found += [text.rindex(f" {mark} ") for mark in marks[3:]]
    assert found == sorted(found)


def kept(lines: tuple[list[str], list[str]], sql: list[str]) -> Run:
    manifest, outcome = make_run(["hash"], [1, 8])
    records = {
        label: HandlerRecord(files=[f"{label}.py"], lines=each, statements=sql)
        for label, each in zip("ab", lines, strict=True)
    }
    return manifest.model_copy(update={"handlers": {"hash": records}}), outcome


def test_both_handlers_stand_side_by_side_with_their_sql() -> None:
    html = render(*kept((["def f():", "    x"], ["async def f():", "    x"]), ["SELECT 1", "-- and more"]), [])
    text = Page(html).text
    assert "1 of 2 lines differs." in text
    assert '<del class="line">def f():\n</del><span class="line">    x\n</span>' in html
    assert '<ins class="line"><mark>async </mark>def f():\n</ins>' in html
    assert "SQL of both sides, without its values: SELECT 1; -- and more " in text


def test_a_handler_that_both_sides_run_is_shown_once() -> None:
    html = render(*kept((["def f(): ..."], ["def f(): ..."]), []), [])
    assert html.count("def f(): ...") == 1
    assert "Both sides run the same lines." in html
    assert "The handler of both sides names no query." in html


def own_apps(a: HandlerRecord, b: HandlerRecord, *executed: ExecutedRecord) -> Page:
    manifest, outcome = make_run(["GET /x"], [1, 8], a="main:app,dir=before", b="main:app,dir=after")
    changes = {
        "handlers": {"GET /x": {"a": a, "b": b}},
        "executed": {"GET /x": dict(zip("ab", executed, strict=False))},
    }
    return page((manifest.model_copy(update=changes), outcome))


OWN = HandlerRecord(
    files=["main.py:3"], lines=["@get", "def x(): ..."], statements=[], runs=["def"], in_threads=["db", "user"]
)
UNKNOWN = HandlerRecord(files=[], lines=[], statements=[], missing="its server ran already")


def test_handlers_of_other_apps_are_shown_with_how_they_are_called_and_what_sql_they_executed() -> None:
    awaited = OWN.model_copy(update={"lines": ["@get", "async def x(): ..."], "runs": ["async def"], "in_threads": []})
    text = own_apps(
        OWN,
        awaited.model_copy(update={"wrapped": ["timing.py:7"]}),
        ExecutedRecord(statements=["SELECT 1\n-- 3 times in a row"], count=3),
        ExecutedRecord(count=0),
    ).text
    assert "1 of 2 lines differs." in text
    assert "main.py:3 (def, called in a thread; dependencies db and user in a thread)" in text
    assert "(async def, called on the event loop; inside the function at timing.py:7)" in text
    assert "SQL that was executed for dir=before when each request was asked once, 3 statements:" in text
    assert "SELECT 1 -- 3 times in a row " in text
    assert "SQLAlchemy executed nothing for dir=after" in text
    assert "names no query" not in text


def test_lines_that_are_the_same_and_called_in_another_way_are_shown_twice() -> None:
    text = own_apps(OWN, OWN.model_copy(update={"runs": ["async def"]})).text
    assert "Both sides run the same lines." not in text
    assert text.count("def x(): ...") == 2
    assert "Both sides run the same lines." in own_apps(OWN, OWN).text


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (OWN, UNKNOWN, "Not known for dir=after: its server ran already."),
        (UNKNOWN, UNKNOWN, "Not known for either side: its server ran already."),
        (
            OWN.model_copy(update={"missing": "GET /y: it was not looked for"}),
            OWN,
            "Not known for dir=before: GET /y: it",
        ),
    ],
)
def test_why_a_source_is_not_known_is_said(a: HandlerRecord, b: HandlerRecord, said: str) -> None:
    text = own_apps(a, b).text
    assert said in text
    assert ("def x(): ..." in text) == (OWN in (a, b))


def test_a_run_that_kept_no_handlers_shows_none(usual: Run) -> None:
    assert "What is run" not in page(usual).text


def test_every_section_says_how_much_there_is_to_doubt() -> None:
    text = page(make_run(["hash"], [1, 8], blocks=3)).text
    assert text.count("What to doubt: 1 serious") == 7  # verdicts, the panel, a scenario, and four on the run


@pytest.mark.parametrize(
    ("changed", "fix"), [({}, "Run it again with --blocks 6."), ({"budget_s": 40.0}, "with a longer --budget")]
)
def test_too_few_blocks_say_what_to_do(changed: dict[str, float], fix: str) -> None:
    manifest, outcome = make_run(["hash"], [1, 8], blocks=2)
    [doubt] = doubts_on_conditions.blocks(view_of(manifest.model_copy(update=changed), outcome))
    assert fix in doubt.text


def test_only_settings_that_differ_are_picked_out() -> None:
    html = render(*make_run(["hash"], [1], a="sync", b="sync,thread_limit=100"), [])
    assert html.count('<tr class="differs"') == 2  # once by itself, once among all of them
    assert html.count("session_limit") == 1
    assert "In no setting" in page(make_run(["hash"], [1], a="sync", b="sync")).text


def test_what_to_doubt_follows_from_the_run() -> None:
    manifest, outcome = make_run(["hash"], [1], a="sync", b="http://10.0.0.7:8000", blocks=3)
    shared = manifest.model_copy(update={"server_cores": [0], "driver_cores": [0]})
    titles = [doubt.title for doubt in doubts(view_of(shared, outcome), outcome)]
    for title in (
        "Server and driver shared a core",
        "3 blocks are too few",
        "side B was already running",
        "A virtual machine",
    ):
        assert title in titles
    assert "Loopback" not in titles
    serious = [doubt.serious for doubt in doubts(view_of(shared, outcome), outcome)]
    assert serious == sorted(serious, reverse=True)


AGENT = AgentRecord(side="async,workers=2", workers=2, observes=True, cpu="EPYC", cores=4, system="Linux 6.1")


def test_a_server_with_an_agent_is_known_as_far_as_that_tells() -> None:
    manifest, outcome = make_run(["hash"], [1], a="sync", b="http://10.0.0.7:8000")
    settings = {"url": "http://10.0.0.7:8000", "agent": "9000"}
    told = manifest.b.model_copy(update={"settings": settings, "agent": AGENT, "python": "3.12.1"})
    event = Event(block=0, label="b", kind="agent", message="hash, 1 user: its agent was started again")
    agent = manifest.model_copy(update={"b": told, "events": [event]})
    run = view_of(agent, outcome)
    found = {doubt.title: doubt.text for doubt in doubts(run, outcome)}
    assert "its settings and database are not known" in found["side B was already running"]
    assert "its agent was started again. CPU per request" in found["Some figures of a server are not known"]
    assert run.observed
    html = render(agent, outcome, [])
    for words in ("served there", "async,workers=2", "EPYC", "3.12.1"):
        assert words in html
    assert not view_of(manifest, outcome).observed
    assert "Some figures" not in " ".join(doubt.title for doubt in doubts(view_of(manifest, outcome), outcome))


def test_the_drivers_ceiling_is_told_beside_the_fastest_cell() -> None:
    manifest, outcome = make_run(["hash"], [1])
    [unknown] = [doubt.title for doubt in doubts(view_of(manifest, outcome), outcome) if "ceiling" in doubt.title]
    assert "is not known" in unknown
    fastest = max(cell.throughput.value for cell in outcome.cells if cell.throughput)
    known = manifest.model_copy(update={"driver_ceiling_rps": 4 * fastest})
    [text] = [doubt.text for doubt in doubts(view_of(known, outcome), outcome) if "ceiling" in doubt.title]
    assert "reached 25% of that" in text


def test_how_rare_a_pause_may_be_follows_from_the_windows() -> None:
    """3.7 s of windows miss what comes once a second with a chance of 2.5 %."""
    manifest, outcome = make_run(["hash"], [1, 8])
    cells = [replace(cell, windows_s=3.689 if cell.load.size == 8 else 9.0) for cell in outcome.cells]
    found = {d.title: d.text for d in doubts(view_of(manifest, replace(outcome, cells=cells)), outcome)}
    assert "add up to 3.69 s for each side" in found["Rare pauses"]
    assert "once in 1.00 s" in found["Rare pauses"]


def test_a_run_of_nothing_still_has_a_report() -> None:
    manifest, outcome = make_run(["hash"], [1], complete=False, change=lambda *_: None)
    assert "Nothing was measured" in page((manifest, outcome)).text
    assert "Nothing was measured" in page((manifest, replace(outcome, comparisons=[], cells=[]))).text


def test_threads_of_one_physical_core_are_told() -> None:
    manifest, outcome = make_run(["hash"], [1])
    shared = manifest.model_copy(update={"shared_core": True})
    [doubt] = [d for d in doubts(view_of(shared, outcome), outcome) if "physical core" in d.title]
    assert "ran on core 0, the driver and the upstream on core 1: hardware threads of one physical core" in doubt.text
    assert doubt.serious


@pytest.mark.parametrize(
    ("flag", "throttled", "found"),
    [
        ("cpu-quota", 0.034, "In the worst block it took 3.4% of the cores' time. Response times include these pauses"),
        ("cpu-quota", None, "It is not known how much time it took."),
        ("", 0.001, "In the worst block it took 0.1% of the cores' time."),
    ],
)
def test_a_quota_is_told_once_for_the_whole_run(flag: str, throttled: float | None, found: str) -> None:
    manifest, outcome = make_run(["hash"], [1])
    records = [MachineRecord(block=0, seconds=3.0, steal=None, foreign=None, throttled=throttled)]
    manifest = manifest.model_copy(update={"cpu_quota": 1.5, "machine": records})
    flagged = [replace(c, flags=[flag] if flag else []) for c in outcome.comparisons]
    outcome = replace(outcome, comparisons=flagged)
    [doubt] = [d for d in doubts(view_of(manifest, outcome), outcome) if "quota" in d.title + d.text]
    assert doubt.title == "A CPU quota of 1.5 cores"
    assert found in doubt.text
    assert doubt.serious == bool(flag)


def test_what_others_took_of_the_machine_is_told() -> None:
    manifest, outcome = make_run(["hash"], [1])
    records = [MachineRecord(block=0, seconds=3.0, steal=share, foreign=None) for share in (0.01, 0.034)]
    assert (
        "in the worst block: 3.4 % by the hypervisor."
        in page((manifest.model_copy(update={"machine": records}), outcome)).text
    )


@pytest.mark.parametrize(
    ("side", "load", "told"),
    [
        ("sync,session_limit=none", 128, True),
        ("sync,session_limit=none,pool_size=80", 128, True),  # more connections than threads only move the edge
        ("sync,session_limit=none,pool_size=200", 128, False),  # a connection for everyone
        ("sync", 128, False),  # the cure is the default
        ("async,session_limit=none", 128, False),  # no threads
        ("sync,session_limit=none", 8, False),  # a connection for everyone
    ],
)
def test_a_deadlock_of_threads_and_connections_is_told_by_its_name(side: str, load: int, told: bool) -> None:
    hang = collapsing("a", ["get_post"], [load])

    def change(summary: Summary, scenario: str, users: int, label: SideLabel, block: int) -> Summary | None:
        made = hang(summary, scenario, users, label, block)
        return replace(made, collapsed="nothing was answered for 5 s") if made and made.collapsed else made

    manifest, outcome = make_run(["get_post"], [8, 128], a=side, b="sync", change=change)
    titles = [doubt.title for doubt in doubts(view_of(manifest, outcome), outcome)]
    assert any("deadlock" in title for title in titles) is told


def test_it_is_said_that_no_certificate_was_looked_at() -> None:
    manifest, outcome = make_run(["hash"], [1])
    for insecure in (False, True):
        run = view_of(manifest.model_copy(update={"insecure": insecure}), outcome)
        assert ("Certificates were not checked" in [doubt.title for doubt in doubts(run, outcome)]) is insecure


def own_run(**changes: object) -> Run:
    """Return a run of two apps that are not the blog."""
    manifest, outcome = make_run(["GET /x"], [1, 8], a="before", b="after", blocks=2)
    settings: dict[str, str | int | float | None] = {"app": "main:app", "workers": 1}
    sides = {label: SideRecord(spec=spec, settings=settings) for label, spec in (("a", "before"), ("b", "after"))}
    return manifest.model_copy(update={**sides, **changes}), outcome


def test_a_page_about_other_apps_holds_no_sentence_that_is_true_of_the_blog_alone() -> None:
    text = page(own_run()).text
    for unsaid in ("SQLite", "None was stated", "a GET of /x", "custom", "upstream", "new database with the same rows"):
        assert unsaid not in text, unsaid
    for said in ("The harness’s own code is not known exactly", "The harness’s packages", "with the commands that set"):
        assert said in text, said
    assert "SQLite" in page(make_run(["hash"], [1])).text


def test_a_scenario_of_one_s_own_is_told_in_its_own_words() -> None:
    record = ScenarioRecord(
        name="checkout",
        kind="custom",
        title="POST /login, then POST /orders, by each user",
        hypothesis="The async build waits for the bank without a thread.",
        requests=(
            RequestRecord(
                method="POST", path="/login", body='{"user":  "${NAME}"}', takes=(("token", "$.token"),), once=True
            ),
            RequestRecord(method="POST", path="/orders", headers=(("authorization", "Bearer ${token}"),), status=201),
        ),
        sequence=True,
        values=ValuesRecord(file="users.csv", sha256="0", rows=1000),
    )
    manifest, outcome = own_run(scenarios=[record])
    renamed = [replace(c, scenario="checkout") for c in outcome.comparisons]
    cells = [replace(c, scenario="checkout") for c in outcome.cells]
    blocks = [[p.model_copy(update={"scenario": "checkout"}) for p in block] for block in manifest.blocks]
    changed = manifest.model_copy(update={"blocks": blocks})
    text = page((changed, replace(outcome, comparisons=renamed, cells=cells))).text
    assert "Expected, before measuring: “The async build waits for the bank without a thread.”" in text
    assert "Asked, one after another by each user:" in text
    assert 'POST /login, with the body {"user": "${NAME}"}, keeping token from the answer, only the first time' in text
    assert "POST /orders, with authorization, expecting status 201" in text
    assert "1,000 rows of users.csv fill the placeholders" in text
    assert "Bearer" not in text


def test_where_neither_side_gave_a_good_answer_the_page_says_so_and_not_that_it_was_not_decided() -> None:
    def refused(summary: Summary, *_: object) -> Summary:
        sentence = f"not one good answer ({summary.requests} × 401 Unauthorized)"
        return replace(summary, throughput_rps=0.0, collapsed=sentence, failures={Failure.STATUS: summary.requests})

    manifest, outcome = make_run(["GET /x"], [1, 8], blocks=2, change=refused)
    text = page((manifest, outcome)).text
    assert "neither side gave a good answer at any load" in text
    assert "collapsed: not one good answer (2 of 2 blocks)" in text


def test_what_became_of_each_threshold_stands_on_the_page() -> None:
    manifest, outcome = make_run(["hash"], [1, 8])
    demands = ThresholdOptions(fail_if=("throughput.ratio < 9", "errors > 1%"))
    judgement = judge_thresholds(demands.thresholds(["hash"], [ClosedLoop(1), ClosedLoop(8)]), outcome)
    table = threshold_table(judgement, view_of(manifest, outcome), undecided_fails=False)
    assert table is not None
    assert table.failed
    text = Page(render(manifest, outcome, [], thresholds=table)).text
    assert table.summary in text
    assert text.index("✗ missed") < text.index("✓ met")
    assert "hash@8.throughput.ratio < 9" in text
    assert "Must not hold" not in page((manifest, outcome)).text


def test_an_interval_without_sense_is_a_bound() -> None:
    assert [ratio(value) for value in (6.8e-10, 0.0012, 1.0, 1.1e9)] == ["< 0.0001", "0.0012", "1.00", "> 10,000"]
