"""The model's word on a change, where the answer can be worked out by hand."""

import math
from typing import Any

import pytest

from loadtests.check.gain import MODEL_ERROR, HopCost, gain
from loadtests.check.raw import RawApp, RawPool, RawRoute
from loadtests.check.record import Gain
from loadtests.check.verdicts import check_route
from tests.check.made_up_raw import app, dependency, part, request, route, seen, together

USERS = 64
HOP = HopCost(0.0001, 0.0001)


def gain_of(*parts: Any, route: RawRoute = route(), app: RawApp = app(), users: int = USERS, **others: Any) -> Gain:  # noqa: B008
    figures = seen(*parts, **others)
    found = check_route(route, figures, app)
    brought = gain(found, route, figures, app, users, HOP)
    assert brought is not None
    return brought


def test_a_blocked_loop_serves_one_at_a_time_and_threads_serve_forty() -> None:
    found = gain_of(part(wait_s=0.099), cpu_s=0.001)
    assert (found.limit_now, found.limit_then) == ("event loop", "threads")
    assert found.now_rps == pytest.approx(10, rel=0.01)
    assert found.then_rps == pytest.approx(400, rel=0.02)


def test_nobody_waits_for_a_background_task_that_awaits() -> None:
    task = part("background", "main.task", awaited_s=10.0)
    found = gain_of(part(wait_s=0.099), task, answered_s=0.1, wall_s=10.1, cpu_s=0.001)
    assert found.limit_now == "event loop"
    assert found.ratio == pytest.approx(40, rel=0.03)


def test_threads_that_a_background_task_holds_limit_all_the_same() -> None:
    task = part("background", "main.task", "thread", wait_s=10.0)
    waiting = part(on="thread", wait_s=0.2)
    found = gain_of(waiting, task, route=route(is_async=False), answered_s=0.2, wall_s=10.2, cpu_s=0.001)
    assert found.limit_now == found.limit_then == "threads"
    assert found.now_rps == pytest.approx(40 / 10.2, rel=0.03)


def test_fewer_users_than_threads_are_the_limit_themselves() -> None:
    found = gain_of(part(wait_s=0.099), cpu_s=0.001, users=8)
    assert found.limit_then == "users"
    assert found.ratio == pytest.approx(8, rel=0.05)


def test_computing_gains_nothing_in_throughput() -> None:
    found = gain_of(part(cpu_s=0.03), cpu_s=0.03)
    assert found.ratio == pytest.approx(1, abs=0.02)
    assert found.low < 1 < found.high


def test_an_async_client_lifts_the_limit_of_threads() -> None:
    waiting = part(on="thread", wait_s=0.2, cpu_s=0.0005)
    found = gain_of(waiting, route=route(is_async=False), cpu_s=0.001)
    assert (found.limit_now, found.limit_then) == ("threads", "users")
    assert found.now_rps == pytest.approx(40 / 0.2, rel=0.02)
    assert found.ratio == pytest.approx(64 / 40, rel=0.05)


def test_a_way_to_a_thread_less_saves_its_cpu_time() -> None:
    nothing = part("dependency", "main.get_db", "thread", cpu_s=0.00001)
    found = gain_of(part(), nothing, route=route(dependencies=(dependency(),)), cpu_s=0.0005)
    assert found.ratio == pytest.approx(0.5 / 0.4, rel=0.05)


def test_a_lock_lets_one_request_in_at_a_time() -> None:
    held = {"file": "main.py", "line": 12, "held_s": 0.03, "waited_s": 0.06}
    alone = [request(number, parts=[part(awaited_s=0.03)], wall_s=0.03) for number in range(4)]
    rows = [request(10 + number, parts=[part(awaited_s=0.03)], wall_s=0.09, locks=[held]) for number in range(4)]
    seen_ = together(*rows, alone=tuple(alone), cpu_s=0.0005)
    judged = check_route(route(), seen_, app())
    found = gain(judged, route(), seen_, app(), USERS, HOP)
    assert found is not None
    assert found.limit_now == "lock"
    assert found.now_rps == pytest.approx(1 / 0.03, rel=0.05)
    assert found.then_rps > 50 * found.now_rps


def test_more_connections_lift_the_limit_of_a_small_pool() -> None:
    session = dependency(is_generator=True)
    found = gain_of(
        part(on="thread", wait_s=0.1, cpu_s=0.0005),
        route=route(is_async=False, dependencies=(session,)),
        app=app(pools=(RawPool(size=5, overflow=5),)),
        statements=1,
        connections_held_s=0.1,
        cpu_s=0.001,
    )
    assert found.limit_now == "connections"
    assert found.now_rps == pytest.approx(100, rel=0.05)
    assert found.ratio == pytest.approx(4, rel=0.1)


def test_a_pool_that_limits_nothing_has_no_ratio_though_requests_can_stand_still() -> None:
    lending = route(is_async=False, dependencies=(dependency(is_generator=True),))
    parts = (part(on="thread", wait_s=0.001), part("response", "serialize", "thread"))
    small = app(pools=(RawPool(size=5, overflow=10),))
    figures = seen(*parts, statements=1, connections_held_s=0.001)
    found = check_route(lending, figures, small)
    assert found.verdict == "give-room"
    assert gain(found, lending, figures, small, USERS, HOP) is None


def test_the_range_holds_the_ratio_and_the_error_of_the_model() -> None:
    found = gain_of(part(wait_s=0.05), cpu_s=0.001)
    assert found.low == pytest.approx(found.ratio * (1 - MODEL_ERROR))
    assert found.high == pytest.approx(found.ratio * (1 + MODEL_ERROR))
    assert all(math.isfinite(each) for each in (found.ratio, found.low, found.high))


def test_nothing_is_predicted_of_a_route_to_keep() -> None:
    figures = seen(part())
    assert gain(check_route(route(), figures, app()), route(), figures, app(), USERS, HOP) is None


def test_what_blocks_no_longer_is_served_at_the_price_of_a_busy_server() -> None:
    figures = seen(part(wait_s=0.02), cpu_s=0.002)
    judged = check_route(route(), figures, app())
    asleep, busy = (gain(judged, route(), figures, app(), USERS, HOP, share) for share in (1.0, 0.5))
    assert asleep is not None
    assert busy is not None
    assert asleep.now_rps == busy.now_rps
    assert (asleep.then_rps, busy.then_rps) == pytest.approx((1 / 0.0021, 1 / 0.0011), rel=0.03)


def test_computing_costs_the_same_however_busy_the_server_is() -> None:
    figures = seen(part(cpu_s=0.03, wait_s=0.02), cpu_s=0.032)
    judged = check_route(route(), figures, app())
    found = gain(judged, route(), figures, app(), USERS, HOP, 0.5)
    assert found is not None
    assert found.then_rps == pytest.approx(1 / 0.0311, rel=0.02)


def test_a_def_handler_takes_a_second_way_to_a_thread_where_its_answer_is_validated() -> None:
    bare, validated = (
        gain_of(part(cpu_s=0.02), route=route(response_model=model), cpu_s=0.02) for model in (None, "Item")
    )
    assert 1 / validated.then_rps - 1 / bare.then_rps == pytest.approx(HOP.bare_s, rel=0.05)
