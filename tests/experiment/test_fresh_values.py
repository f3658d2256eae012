"""Rows, numbers and UUIDs that fill places anew: in which order they come, and that no two who send get the same."""

import uuid

import pytest

from loadtests.experiment.fresh_values import FreshValues, Series, fresh_values
from loadtests.experiment.scenario_text import parse_scenario, parse_scenarios
from loadtests.experiment.values import Values, Variables

ROWS = Variables(values=Values("x.csv", "", ("id",), (("r0",), ("r1",), ("r2",))))
BOTH = Variables(built_in=frozenset({"counter", "uuid"}))


def test_rows_come_in_their_order_and_again_from_the_first_on() -> None:
    fresh = FreshValues(ROWS)
    assert fresh.next_row == 0
    assert [fresh.take()["id"] for _ in range(4)] == ["r0", "r1", "r2", "r0"]
    assert fresh.next_row == 4
    later = FreshValues(ROWS, Series(row=4))
    assert later.next_row == 4
    assert later.take() == {"id": "r1"}


def test_numbers_and_uuids_are_new_each_time() -> None:
    fresh = FreshValues(BOTH, Series(number=100, number_step=3))
    taken = [fresh.take() for _ in range(3)]
    assert [each["counter"] for each in taken] == ["100", "103", "106"]
    assert {uuid.UUID(each["uuid"]).version for each in taken} == {4}
    assert len({each["uuid"] for each in taken}) == 3


@pytest.mark.parametrize("size", [1, 2, 3])
def test_those_who_share_a_series_use_all_of_it_and_nothing_twice(size: int) -> None:
    whole = Series(row=5, row_step=2, number=100, number_step=2)
    parts = [FreshValues(BOTH, whole.part(which, size)) for which in range(size)]
    numbers = sorted(int(part.take()["counter"]) for _ in range(4) for part in parts)
    assert numbers == [100 + 2 * turn for turn in range(4 * size)]
    assert max(part.next_row for part in parts) == 5 + 2 * (4 * size - 1) + 1


def test_only_what_is_asked_for_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("uuid", "of the environment")
    plain, [made] = parse_scenario("GET /x").variables(), parse_scenarios(["POST /${uuid}"])
    assert fresh_values(None) is fresh_values(plain) is None
    fresh = fresh_values(made.variables())
    assert fresh is not None
    assert [*fresh.take()] == ["uuid"]
    assert made.variables().environment == {}
