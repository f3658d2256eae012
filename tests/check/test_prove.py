from typing import Any

import pytest

from loadtests.check.prove import chosen, with_proof
from loadtests.check.record import Gain, RouteCheck
from loadtests.experiment.loads import ClosedLoop
from loadtests.records.summary import Comparison, Value
from loadtests.system.errors import UsageError

PREDICTED = Gain(
    users=64, now_rps=20, then_rps=800, ratio=40, low=36, high=44, limit_now="event loop", limit_then="threads"
)


def route(method: str = "GET", path: str = "/slow", **others: Any) -> RouteCheck:
    given: dict[str, Any] = {"change": "def:main.slow", "verdict": "make-def"}
    return RouteCheck(method=method, path=path, name="main.slow", is_async=True, site=None, **{**given, **others})


def comparison(ratio: float | None, interval: tuple[float, float] | None) -> Comparison:
    a, b = Value("a", 20.0), Value("b", 700.0)
    return Comparison("GET /slow", ClosedLoop(64), "throughput", a, b, "1/s", ratio, interval, 4, "b")


def test_the_measured_ratio_stands_beside_the_predicted_one() -> None:
    found = with_proof(route(gain=PREDICTED), [comparison(35.0, (33.0, 37.0))], "results/x", 64)
    assert found.gain is not None
    assert (found.gain.ratio, found.gain.proved, found.gain.proof_run) == (40, (35.0, 33.0, 37.0), "results/x")


def test_without_a_prediction_the_measured_figures_are_all_there_is() -> None:
    found = with_proof(route(), [comparison(35.0, (33.0, 37.0))], "results/x", 64)
    assert found.gain is not None
    assert (found.gain.now_rps, found.gain.then_rps, found.gain.proved) == (20.0, 700.0, (35.0, 33.0, 37.0))


@pytest.mark.parametrize(("ratio", "said"), [(35.0, "too few for a verdict"), (None, "not proved")])
def test_what_was_not_decided_is_a_note(ratio: float | None, said: str) -> None:
    found = with_proof(route(gain=PREDICTED, note="before"), [comparison(ratio, None)], "results/x", 64)
    assert found.gain == PREDICTED
    assert said in found.note
    assert found.note.startswith("before; ")


def test_routes_are_named_by_path_or_with_their_method_and_all_means_those_that_can_be_changed() -> None:
    routes = [route(), route("POST"), route(path="/kept", change=None, verdict="keep")]
    assert chosen(routes, ["/slow"]) == routes[:2]
    assert chosen(routes, ["post /slow"]) == [routes[1]]
    assert chosen(routes, ["all", "GET /slow"]) == routes[:2]
    assert chosen(routes, ["/kept"]) == [routes[2]]
    with pytest.raises(UsageError, match="choose one of: GET /slow, POST /slow"):
        chosen(routes, ["GET /other"])
    with pytest.raises(UsageError, match="no route has a change that can be proved"):
        chosen(routes[2:], ["GET /other"])
