import json
from pathlib import Path

import pytest

from loadtests.check.asks import Ask
from loadtests.check.figures import Spread, figures
from loadtests.check.raw import RawPool, read_app, read_requests
from loadtests.check.visit import Asked, Sent
from loadtests.experiment.request import Request
from loadtests.experiment.request_options import custom_scenario
from tests.check.made_up_raw import app, part, request, seen, site

ASK = Ask((0,), custom_scenario((Request("GET", "/items"),)))


def sent(name: str, *, at_once: bool = False) -> Sent:
    return Sent(0, name, 0.01, at_once=at_once, status=200)


def test_a_spread_is_the_median_with_quartiles() -> None:
    assert Spread.of([]) == Spread(0, 0, 0)
    assert Spread.of([2.0]) == Spread(2, 2, 2)
    assert Spread.of([1, 2, 3, 4, 100]) == Spread(3, 2, 4)


def test_a_part_is_the_sum_of_a_request_and_the_median_over_requests() -> None:
    rows = [
        request(n, parts=[part(wait_s=w), part(wait_s=w), part(on="thread", cpu_s=1)]) for n, w in enumerate((1, 2, 9))
    ]
    found = figures([Asked(ASK, [sent(row.id) for row in rows])], rows)[0]
    on_loop, in_thread = found.parts
    assert (on_loop.runs_on, on_loop.wait_s.mid) == ("loop", 4)
    assert (in_thread.runs_on, in_thread.cpu_s.mid) == ("thread", 1)


def test_parts_stand_in_the_order_in_which_a_request_goes_through_them() -> None:
    found = seen(part("response", "r"), part(), part("middleware", "m"), part("dependency", "d"))
    assert [each.place for each in found.parts] == ["middleware", "dependency", "handler", "response"]


def test_only_good_answers_count_where_there_are_any() -> None:
    rows = [request(0, status=500, wall_s=9), request(1, wall_s=1), request(2, wall_s=1)]
    found = figures([Asked(ASK, [sent(row.id) for row in rows])], rows)[0]
    assert (found.asked, found.statuses, found.wall_s.mid) == (2, {500: 1, 200: 2}, 1)


def test_lines_are_of_traced_requests_and_times_of_timed_ones() -> None:
    found = seen(part(wait_s=0.05), sites=(site(wait_s=0.02), site(wait_s=0.03), site("time.sleep", wait_s=0.06)))
    assert [(each.call, round(each.wait_s, 3)) for each in found.sites] == [
        ("time.sleep", 0.06),
        ("requests.get", 0.05),
    ]
    traced_twice = [request(n, looks="trace", sites=[site(wait_s=w)]) for n, w in enumerate((0.02, 0.04))]
    (line,) = figures([Asked(ASK, [sent(row.id) for row in traced_twice])], traced_twice)[0].sites
    assert line.wait_s == pytest.approx(0.03)


def test_a_function_that_a_library_calls_back_is_told_by_the_line_that_called_the_library() -> None:
    calling = {"file": "main.py", "line": 9, "function": "items", "call": "sqlalchemy.orm.Session.execute"}
    called_back = site("time.sleep", line=40, wait_s=0.05, via=calling)
    (line,) = seen(part(wait_s=0.05), sites=(called_back,)).sites
    assert (line.line, line.call, line.wait_s) == (9, "sqlalchemy.orm.Session.execute", 0.05)


def test_requests_at_the_same_time_tell_of_locks_alone() -> None:
    lock = {"file": "main.py", "line": 3, "held_s": 0.1, "waited_s": 0.2}
    rows = [request(0, wall_s=1), request(1, wall_s=9, locks=[lock])]
    found = figures([Asked(ASK, [sent("r0"), sent("r1", at_once=True)])], rows)[0]
    assert found.wall_s.mid == 1
    assert [each.waited_s for each in found.locks] == [0.2]


def test_the_cpu_time_of_a_sequence_is_divided_among_its_routes() -> None:
    rows = [
        request(0, route=0, parts=[part(on="thread", cpu_s=0.003)]),
        request(1, route=1, parts=[part(on="thread", cpu_s=0.001)]),
    ]
    both = Ask((0, 1), custom_scenario((Request("GET", "/items"), Request("GET", "/others")), sequence=True))
    found = figures([Asked(both, [sent(row.id) for row in rows], cpu_s=[0.008])], rows)
    served = {index: each.served_cpu_s for index, each in found.items()}
    assert {index: spread and spread.mid for index, spread in served.items()} == pytest.approx({0: 0.006, 1: 0.002})


def test_what_no_route_answered_is_left_out() -> None:
    assert figures([Asked(ASK, [sent("r0"), sent("lost")])], [request(0, route=None, status=404)]) == {}


def test_lines_that_were_not_written_to_their_end_are_left_out(tmp_path: Path) -> None:
    whole = {"id": "r1", "pass": "trace", "route": 0, "status": 200, "wall_s": 0.1, "new": "field"}
    (tmp_path / "requests-7.jsonl").write_text(json.dumps(whole) + '\n{"id": "r2", "pa')
    assert [each.id for each in read_requests(tmp_path)] == ["r1"]
    assert read_app(tmp_path) is None
    (tmp_path / "routes.json").write_text('{"routes": [')
    assert read_app(tmp_path) is None
    (tmp_path / "routes.json").write_text('{"routes": [{"index": 0, "path": "/"}], "threads": null, "pools": []}')
    read = read_app(tmp_path)
    assert read is not None
    assert (read.threads, read.connections, read.routes[0].path) == (40, None, "/")


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ([], None),
        ([(5, 10)], 15),
        ([(5, 10), (2, 0)], 15),
        ([(5, -1)], None),
        ([(0, 10)], None),
        ([(None, None)], None),
        ([(5, 10), (None, None)], None),
    ],
)
def test_connections_are_those_of_the_largest_pool_unless_one_has_no_limit(
    pools: list[tuple[int | None, int | None]], expected: int | None
) -> None:
    made = tuple(RawPool(size=size, overflow=overflow) for size, overflow in pools)
    assert app(pools=made).connections == expected
