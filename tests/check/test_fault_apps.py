"""What a check says about the made-up apps, each in a server of its own: every fault is found, and none is invented."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.check.checking import CheckOptions, carry_out
from loadtests.check.record import Check, Finding, RouteCheck
from loadtests.servers.server import ServerFailed
from tests.check.chosen import given
from tests.check.expected import CANNOT_START, EVERY_APP
from tests.check.judging import Said, mistakes
from tests.check.made_up_app import App, Place, Remark
from tests.check.upstream import upstream

BUDGET_S = 20.0
BUDGET_OF_MORE_STARTS_S = 60.0
"""Where a route ends the server: another start on a busy machine can take longer than all requests."""


@pytest.fixture(scope="module")
def settings() -> Iterator[str]:
    with upstream() as variables:
        yield "".join(f",env.{name}={value}" for name, value in variables.items())


def remarks(route: RouteCheck, check: Check) -> frozenset[Remark]:
    """Return the remarks on a route, and on the start of its app, in the table's words."""
    found = {remark(finding, route) for finding in route.findings if finding.verdict == "keep"}
    return frozenset(found | ({"startup"} if check.startup else set()))


def remark(finding: Finding, route: RouteCheck) -> Remark:
    if finding.problem == "hop-for-nothing":
        part = next((part for part in route.parts if (part.place, part.name) == (finding.place, finding.name)), None)
        if finding.place == "middleware":
            return "middleware"
        return "hops" if part is not None and part.hops > 1 else "hop"
    if finding.problem == "serialised":
        return "serialised"
    return "serialisation" if finding.place == "response" else "pool"


def said(route: RouteCheck, check: Check) -> Said:
    if route.verdict == "not-known":
        assert route.note
        return Said(None)
    lead = route.findings[0] if route.findings else None
    if lead is None:
        return Said(route.verdict, remarks=remarks(route, check))
    place = Place("handler" if lead.place == "other" else lead.place, lead.name)
    return Said(route.verdict, place, lead.site.line if lead.site else None, remarks(route, check))


def check_of(app: App, settings: str, folder: Path) -> Check:
    writes = any(route.reason == "writes" for route in app.routes)
    ends = any(route.reason == "process-ended" for route in app.routes)
    budget_s = BUDGET_OF_MORE_STARTS_S if ends else BUDGET_S
    options = CheckOptions(f"{app.path}{settings}", budget_s=budget_s, writes=writes)
    return carry_out(options, folder / "work", lambda _: None).check


@pytest.mark.slow
@pytest.mark.parametrize("app", EVERY_APP, ids=lambda app: app.name)
def test_what_is_said_is_right(app: App, settings: str, tmp_path: Path) -> None:
    check = check_of(app, settings, tmp_path)
    found = {f"{route.method} {route.path}": route for route in check.routes}
    wrong = [
        f"{route.route}: {mistake}"
        for route in app.routes
        for mistake in mistakes(app, route, said(found[route.route], check))
    ]
    assert wrong == []
    for route in app.routes:
        verdict = found[route.route].verdict
        assert verdict in given(app, route) or (verdict == "not-known" and route.reason), route.route


@pytest.mark.slow
def test_an_app_that_cannot_start_costs_one_sentence(settings: str, tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="recipe-that-is-missing"):
        check_of(CANNOT_START, settings, tmp_path)
