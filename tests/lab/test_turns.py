import pytest

from loadtests.lab import turns
from loadtests.lab.turns import Seen


def seen(**changed: object) -> Seen:
    usual: dict[str, object] = {
        "passed_s": 0.2,
        "waiting_users": 0,
        "in_flight": 8,
        "slowest_s": 0.06,
        "response_s": 0.05,
        "spread_s": 0.05,
        "silent_s": 0.0,
        "expected_s": 0.05,
        "first": False,
    }
    return Seen(**{**usual, **changed})  # type: ignore[arg-type]


def test_lanes_take_turns_and_one_alone_has_them_all() -> None:
    assert [turns.next_lane(last, ("a", "b")) for last in (None, "a", "b")] == ["a", "b", "a"]
    assert [turns.next_lane(last, ("b",)) for last in (None, "a", "b")] == ["b", "b", "b"]
    assert turns.next_lane("a", ()) is None


def test_a_load_has_settled_when_every_user_has_had_an_answer() -> None:
    assert turns.lead_in_is_over(seen())
    assert not turns.lead_in_is_over(seen(waiting_users=1))
    assert not turns.lead_in_is_over(seen(passed_s=0.04)), "not all users have started"


def test_a_load_that_does_not_settle_is_measured_as_it_is() -> None:
    assert turns.lead_in_is_over(seen(waiting_users=30, passed_s=3.1))
    assert not turns.lead_in_is_over(seen(waiting_users=30, passed_s=3.1, expected_s=8.0)), "answers take that long"


@pytest.mark.parametrize(
    ("changed", "over"),
    [
        ({"passed_s": 0.59}, False),
        ({"passed_s": 0.61}, True),
        ({"passed_s": 0.4, "first": True}, True),
        ({"passed_s": 0.9, "response_s": 0.5}, False),
        ({"passed_s": 1.1, "response_s": 0.5}, True),
        ({"passed_s": 3.1, "response_s": 2.0}, True),
        ({"passed_s": 5.0, "response_s": 9.0}, False),
        ({"passed_s": 15.1, "response_s": 60.0}, True),
    ],
)
def test_a_window_is_as_long_as_answers_ask_for_within_limits(changed: dict[str, float], over: bool) -> None:
    assert turns.window_is_over(seen(**changed)) is over


def test_a_drain_ends_when_all_is_answered_or_what_is_left_is_late() -> None:
    assert turns.drain_is_over(seen(in_flight=0, passed_s=0.0))
    assert not turns.drain_is_over(seen(passed_s=0.2))
    assert turns.drain_is_over(seen(passed_s=0.3))
    assert not turns.drain_is_over(seen(passed_s=1.5, slowest_s=0.8))
    assert turns.drain_is_over(seen(passed_s=2.0, slowest_s=60.0)), "the other lane is waiting"


def test_a_server_that_says_nothing_for_much_longer_than_it_should_has_stopped_answering() -> None:
    assert turns.has_stopped_answering(seen(silent_s=1.6))
    assert not turns.has_stopped_answering(seen(silent_s=1.4))
    assert not turns.has_stopped_answering(seen(silent_s=5.0, expected_s=3.0)), "it waits that long by design"
