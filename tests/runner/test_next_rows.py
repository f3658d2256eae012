"""Which rows of a values file, and which numbers, each server of a run is asked with."""

from dataclasses import replace

from loadtests.experiment.fresh_values import FreshValues
from loadtests.experiment.request import Request
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.values import Values, Variables
from loadtests.runner.next_rows import NextRows

VALUES = Values("x.csv", "", ("id",), tuple((f"r{number}",) for number in range(100)))
FILLED = Scenario("filled", "custom", "", "", (Request("POST", "/${id}"),), values=VALUES)
PLAIN = Scenario("plain", "custom", "", "", (Request("POST", "/${counter}"),))


def taken(next_rows: NextRows, sides: list[str], times: int = 2) -> list[list[str]]:
    """Return the rows that each of some servers is asked with, and remember that they were used."""
    fresh = [FreshValues(FILLED.variables(), series) for series in next_rows.series(FILLED, sides)]
    rows = [[each.take()["id"] for _ in range(times)] for each in fresh]
    next_rows.used(FILLED, max(each.next_row for each in fresh))
    return rows


def test_both_sides_get_the_same_rows_and_no_row_comes_twice() -> None:
    next_rows = NextRows()
    assert taken(next_rows, ["a", "b"]) == [["r0", "r1"], ["r0", "r1"]]
    assert taken(next_rows, ["b", "a"]) == [["r2", "r3"], ["r2", "r3"]]
    assert NextRows(next_rows.rows).rows == {"x.csv": 4}


def test_scenarios_that_use_one_file_share_its_rows() -> None:
    next_rows = NextRows()
    taken(next_rows, ["a", "b"])
    other = replace(FILLED, name="other")
    assert [series.row for series in next_rows.series(other, ["a", "b"])] == [2, 2]


def test_the_side_that_used_more_says_where_both_go_on() -> None:
    next_rows = NextRows()
    next_rows.used(FILLED, 7)
    next_rows.used(FILLED, 3)
    assert taken(next_rows, ["a", "b"], 1) == [["r7"], ["r7"]]


def test_two_servers_of_one_side_which_may_share_a_database_get_other_rows() -> None:
    next_rows = NextRows()
    assert taken(next_rows, ["a", "b", "a"]) == [["r0", "r2"], ["r0", "r2"], ["r1", "r3"]]
    assert taken(next_rows, ["a", "a"]) == [["r4", "r6"], ["r5", "r7"]]


def test_no_two_servers_get_the_same_number() -> None:
    built_in = Variables(built_in=frozenset({"counter"}))
    for sides in (["a", "b"], ["a", "b", "a"]):
        fresh = [FreshValues(built_in, each) for each in NextRows().series(PLAIN, sides)]
        numbers = [each.take()["counter"] for each in fresh for _ in range(4)]
        assert len(set(numbers)) == len(numbers)


def test_numbers_begin_where_no_earlier_run_can_have_come() -> None:
    next_rows = NextRows()
    [first], [later], [other] = (each.series(PLAIN, ["a"]) for each in (next_rows, next_rows, NextRows()))
    assert first.number <= later.number <= other.number < 2**53  # what JavaScript holds exactly
    next_rows.used(PLAIN, 5)
    assert next_rows.rows == {}
