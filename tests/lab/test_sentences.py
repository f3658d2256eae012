import pytest

from loadtests.lab.limits import binding, ceiling
from loadtests.lab.sentences import sentence, why_silent
from tests.lab.made_up import facts, inside

THREADS_OUT = {"threads": 40.0, "in_thread": 40.0, "waiting_for_thread": 88.0, "in_flight": 128.0, "on_loop": 0.0}


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        (facts(), "users"),
        (facts(busy=0.95), "cpu"),
        (facts(users=128, inside=inside(**THREADS_OUT)), "threads"),
        (facts(scenario="query", users=64, inside=inside(waiting_for_connection=49.0, in_flight=64.0)), "connections"),
        (facts("async", "blocking", inside=inside(lag_s=0.14)), "loop"),
        (facts("sync,session_limit=none", "get_post", 128, inside=inside(threads_blocked=40.0)), "deadlock"),
        (facts(inside=None), "unknown"),
        (facts(inside=None, busy=None), "unknown"),
        (facts(inside=None, busy=0.97), "cpu"),
    ],
)
def test_what_binds_is_what_was_seen(given: object, limit: str) -> None:
    assert binding(given) == limit  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "rps", "text"),
    [
        (facts(cpu_s=0.001), 40 / 0.051, "40 threads ÷ 51 ms per request"),
        (facts("sync,thread_limit=10", cpu_s=0.001), 10 / 0.051, "10 threads ÷ 51 ms per request"),
        (facts("async", cpu_s=0.001), 1000.0, "1 core ÷ 1 ms of CPU time per request"),
        (facts("async", "query", cpu_s=0.001), 15 / 0.021, "15 connections ÷ 21 ms per request"),
        (facts("sync", "get_post", cpu_s=0.0025), 400.0, "1 core ÷ 2.5 ms of CPU time per request"),
        (facts("async", "fan_out", cpu_s=0.005), 200.0, "1 core ÷ 5 ms of CPU time per request"),
        (facts("sync", "fan_out", cpu_s=0.005), 40 / 0.255, "40 threads ÷ 255 ms per request"),
    ],
)
def test_a_ceiling_is_one_division(given: object, rps: float, text: str) -> None:
    found = ceiling(given)  # type: ignore[arg-type]
    assert found is not None
    assert found.rps == pytest.approx(rps, abs=0.01)
    assert found.text == text


def test_a_blocked_loop_has_a_ceiling_of_one_request_at_a_time() -> None:
    found = ceiling(facts("async", "blocking", cpu_s=None))
    assert found is not None
    assert (found.rps, found.limit) == (50.0, "loop")
    assert ceiling(facts("sync", "blocking")) != found
    each_worker = ceiling(facts("async,workers=2", "blocking", cpu_s=None))
    assert each_worker is not None
    assert (each_worker.rps, each_worker.limit) == (100.0, "loop")
    assert each_worker.text.startswith("2 requests at a time, one in each worker, ÷ 20 ms")


def test_a_ceiling_that_can_not_be_known_is_not_shown() -> None:
    assert ceiling(facts(cpu_s=None)) is None
    assert ceiling(facts("sync,session_limit=none", "get_post")) is None, "it may come to a deadlock"


def test_the_sentence_says_who_answers_more_and_which_limits_bind() -> None:
    a = facts(users=128, rps=254.0, inside=inside(**THREADS_OUT))
    b = facts("async", users=128, rps=812.0, busy=0.96)
    assert sentence({"a": a, "b": b}) == (
        "async answers 3.2 times as many requests as sync: sync is limited by its 40 threads (88 requests wait for"
        " one), and async is limited by its core (96 % busy)."
    )


def test_what_is_alike_is_said_to_be_alike() -> None:
    a, b = facts(rps=151.0), facts("async", rps=155.0)
    assert sentence({"a": a, "b": b}) == (
        "Both answer about the same number of requests, 151 requests/s and 155 requests/s: both are limited by the"
        " number of users (8)."
    )


def test_failures_come_before_any_comparison() -> None:
    said = sentence({"a": facts(errors_per_s=30.0), "b": facts("async")})
    assert said.startswith("Requests to sync fail (30 a second)")


def test_a_lane_that_is_not_measured_yet_is_not_compared() -> None:
    assert sentence({"a": facts(), "b": facts("async", rps=None)}) == (
        "The load is settling: async has not been measured yet."
    )
    assert sentence({"a": facts(), "b": facts("async")}, "Nobody watches.") == "Nobody watches."


def test_a_lane_that_has_stopped_is_what_matters() -> None:
    stuck = facts("sync,session_limit=none", "get_post", 128, inside=inside(threads_blocked=40.0))
    why = why_silent(stuck)
    assert why == (
        "sync has stopped answering: all 40 threads wait for a database connection, and the requests that hold the 15"
        " connections wait for a thread"
    )
    down = facts(rps=0.0, down=f"{why}.")
    assert sentence({"a": down, "b": facts("async", rps=800.0)}) == f"{why}; async answers 800 requests/s."


def test_silence_is_explained_only_by_what_was_seen() -> None:
    blocked = facts("async", silent_s=4.0, inside=inside(lag_s=3.8), in_flight=8)
    assert why_silent(blocked) == "async has stopped answering: its event loop has been blocked for 4 s"
    unknown = facts("async", silent_s=4.0, inside=None, in_flight=8)
    assert why_silent(unknown) == "async has stopped answering: 8 requests have been waiting for 4 s"
