"""The page of a check: everything that was found is in it, nothing from outside is, and markup stays text."""

from base64 import b64encode
from hashlib import sha256

import pytest

from loadtests.check.changes import sort
from loadtests.check.html import page
from loadtests.check.record import Check
from loadtests.check.wording import clause, ended
from tests.check.made_up_checks import ALL, async_blog, check, route, shop
from tests.report.test_html import Page


def read(found: Check) -> Page:
    return Page(page(found))


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_page_is_whole_and_its_links_lead_somewhere(name: str) -> None:
    read_page = read(ALL[name]())
    assert read_page.open == []
    ids = [attributes["id"] for _, attributes in read_page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"]) for tag, attributes in read_page.tags if tag == "a"}
    assert links <= {f"#{each}" for each in ids}
    assert not {"img", "link", "iframe", "form"} & {tag for tag, _ in read_page.tags}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_route_and_every_finding_is_told(name: str) -> None:
    found = ALL[name]()
    text = read(found).text
    for each in found.routes:
        assert f"{each.method} {each.path}".replace("\x1b", "�") in text
        assert ended(each.note) in text
    groups = sort(found)
    shown = [*(change.route for change in groups.changes), *groups.accepted, *groups.remarked, *groups.unknown]
    told = [finding.sentence for each in shown for finding in each.findings]
    for sentence in [*told, *(finding.sentence for finding in found.startup), *map(ended, found.notes)]:
        assert clause(ended(sentence)) in text


def test_a_change_has_its_code_its_advice_and_its_figures() -> None:
    text = read(async_blog()).text
    for said in (
        "3 of 12 routes should change",
        "It awaits nothing: write def, and FastAPI runs it in a thread.",
        "async def blocking(wait_ms: WaitMs = 50)",
        "now, async_app/routers/workloads.py:101",
        "async_app/routers/workloads.py:104time.sleep()",
        "the model predicts 20.0 requests/s now (limit: loop) and 242 afterwards (limit: threads)",
        "Measured: 11.7 × (11.3 – 12.2), in results/check-blocking.",
        "Waiting blocks the event loop",
    ):
        assert said in text
    assert "A thread is used without need" not in text


def test_what_routes_share_is_told_once_and_linked_from_each() -> None:
    read_page = read(shop())
    links = [attributes["href"] for tag, attributes in read_page.tags if tag == "a"]
    assert links.count("#c1") == 1 + 6
    assert links.count("#c2") == 1 + 9
    assert "The same holds for GET /api/v1/orders/{id}, POST /api/v1/orders," in read_page.text


def test_what_the_baseline_accepts_says_so() -> None:
    found = async_blog()
    first, *others = found.routes
    settled = first.model_copy(update={"accepted": tuple(each.fingerprint for each in first.findings)})
    text = read(found.model_copy(update={"routes": (settled, *others)})).text
    assert "2 of 12 routes should change" in text
    assert "make it def, accepted by the baseline" in text


def test_only_the_page_s_own_script_may_run() -> None:
    html = page(ALL["other_scripts"]())
    _, _, rest = html.partition("<script>")
    script, _, after = rest.partition("</script>")
    assert "<script" not in after
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html


def test_two_routes_that_are_alike_both_lead_to_the_change() -> None:
    one = route("GET", "/", "main.f", "make-def")
    read_page = read(check([one, one.model_copy(update={"path": "/again"})]))
    links = [attributes["href"] for tag, attributes in read_page.tags if tag == "a"]
    assert (links.count("#c1"), links.count("#c2")) == (2, 2)
