import pytest

from tests.check.expected import CLEAN, EVERY_APP, FAULTS
from tests.check.judging import Said, mistakes
from tests.check.made_up_app import App, Place, Route

ALL = [(app, route) for app in EVERY_APP for route in app.routes]
FAULTY = [(app, route) for app in FAULTS for route in app.routes if "keep" not in route.verdicts]


def best(app: App, route: Route) -> Said:
    if not route.verdicts:
        return Said(None)
    verdict = route.verdicts[0]
    if verdict == "keep":
        return Said("keep", remarks=frozenset([route.remark] if route.remark else []))
    line = app.marked_lines(route.marker)[0] if route.marker else None
    return Said(verdict, route.places[0], line)


def named(pair: object) -> str:
    return pair.name if isinstance(pair, App) else pair.route if isinstance(pair, Route) else ""


@pytest.mark.parametrize(("app", "route"), ALL, ids=named)
def test_the_best_that_can_be_said_is_right(app: App, route: Route) -> None:
    assert mistakes(app, route, best(app, route)) == []


@pytest.mark.parametrize(("app", "route"), FAULTY, ids=named)
def test_a_fault_has_to_be_found_at_its_place_and_line(app: App, route: Route) -> None:
    right = best(app, route)
    assert mistakes(app, route, Said("keep"))
    assert mistakes(app, route, Said(None)) == ["it was not judged"]
    assert mistakes(app, route, Said(right.verdict, Place("startup", route.places[0].name), right.line))
    assert mistakes(app, route, Said(right.verdict, Place(route.places[0].part, "another"), right.line))
    if route.marker and right.verdict != "give-room":
        assert mistakes(app, route, Said(right.verdict, right.place, 1))


@pytest.mark.parametrize("app", CLEAN, ids=named)
def test_a_fault_must_not_be_invented(app: App) -> None:
    for route in app.routes:
        assert mistakes(app, route, Said("make-def", Place("handler", "items"), 1))
        assert mistakes(app, route, Said("keep", remarks=frozenset({"hop"}))) == ["hop is invented"]


def test_a_fault_with_no_verdict_of_its_own_has_to_be_remarked() -> None:
    app = next(app for app in FAULTS if app.name == "lock_across_await")
    assert mistakes(app, app.routes[0], Said("keep")) == ["serialised is not said"]
    assert mistakes(app, app.routes[0], Said("give-room", Place("handler", "lock_across_await.stock"))) == []
    assert mistakes(app, app.routes[0], Said("keep", remarks=frozenset({"serialised"}))) == []


def test_a_place_may_be_named_in_full() -> None:
    app = next(app for app in FAULTS if app.name == "blocking_base_middleware")
    (line,) = app.marked_lines("blocks here")
    for name in ("Audit", "Audit.dispatch", "blocking_base_middleware.Audit.dispatch"):
        assert mistakes(app, app.routes[0], Said("move-out-of-loop", Place("middleware", name), line)) == []
    assert mistakes(app, app.routes[0], Said("move-out-of-loop", Place("middleware", "Audited"), line))
