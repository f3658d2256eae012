"""The panel begins with what the run found out, where the model knows the scenario, and is not there otherwise."""

from collections.abc import Callable

import pytest

from loadtests.analysis.model.capacity import Demand, Resources, predict
from loadtests.analysis.model.limits import with_limits
from loadtests.report.html.what_if import Start, panel
from loadtests.report.view import view_of
from tests.made_up_runs import Run, make_run


def start(run: Run, scenario: str, label: str) -> Start:
    found = panel(view_of(*run))
    assert found is not None
    [choice] = [choice for choice in found.choices if choice.name == scenario]
    return choice.a if label == "a" else choice.b


def test_a_side_begins_with_what_it_needs_and_has() -> None:
    a, b = (start(make_run(["query", "external_api"]), "query", label) for label in "ab")
    assert (a.cores, a.threads, a.connections) == (1, 40, 15)
    assert (b.cores, b.threads, b.connections) == (1, None, 15)
    assert a.cpu_ms == pytest.approx(1.1, rel=0.1)
    assert a.cpu_ms + a.wait_ms == pytest.approx(1000 / 43, rel=0.1)
    assert [users for users, _ in a.points] == [1, 8, 32, 128]


def test_it_begins_with_the_wait_that_tells_most() -> None:
    found = panel(view_of(*make_run(["get_post", "noop", "external_api", "mixed"])))
    assert found is not None
    assert [choice.name for choice in found.choices] == ["get_post", "noop", "external_api", "mixed"]
    assert found.chosen == "external_api"
    assert (found.users, found.most_users) == (128, 512)


def test_it_tells_of_the_heaviest_load_what_the_report_tells() -> None:
    manifest, outcome = make_run(["external_api"])
    a = start((manifest, outcome), "external_api", "a")
    [cell] = [c for c in with_limits(outcome, manifest).cells if c.label == "a" and c.load.size == 128]
    has = Resources(a.cores, a.threads, a.connections)
    assert predict(Demand(a.cpu_ms / 1000, a.wait_ms / 1000), has, 128).throughput_rps == pytest.approx(
        cell.predicted_rps
    )


def test_a_dial_s_cells_can_be_chosen() -> None:
    names = [f"mixed[cpu_ms=1,wait_ms={wait}]" for wait in (0, 20, 100)]
    found = panel(view_of(*make_run(names, [96])))
    assert found is not None
    assert [choice.a.wait_ms for choice in found.choices] == [0, 20, 100]


@pytest.mark.parametrize(
    "run",
    [
        lambda: make_run(["external_api"], rates=[50, 200], slice_s=2),
        lambda: make_run(["external_api"], [128]),  # nothing lighter tells what a request needs
        lambda: make_run(["external_api"], b="http://127.0.0.1:8000"),
        lambda: make_run(["hash"], [1, 8], change=lambda *_: None),
    ],
)
def test_where_the_model_knows_nothing_there_is_no_panel(run: Callable[[], Run]) -> None:
    assert panel(view_of(*run())) is None
