"""Every flag can be raised, and stays away where nothing is wrong."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loadtests.analysis.flag_checks import flags_of
from loadtests.analysis.flags import MEANING, Conditions, Flag
from loadtests.analysis.flow import Flow
from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.records.samples import Failure
from tests.made_up_samples import summary

USERS, RATE = ClosedLoop(10), OpenLoop(1000)
CEILING = Conditions(ceiling_rps=5000, steal=0.0, foreign=0.0)
STEADY = Flow(windows_s=1.0, answers=1000, in_flight_s=10.0, crossings=1000, residence_s=10.0)
Change = Callable[[Summary], Summary]


def good() -> Summary:
    """Return 1,000 requests of 10 ms each, 10 of them in flight."""
    half = replace(STEADY, windows_s=0.5, answers=500, in_flight_s=5.0, crossings=500, residence_s=5.0)
    return replace(summary(1000), offered_rps=1000, lags_s=np.full(1000, 0.0002), flow=STEADY, earlier=half, later=half)


def flags(load: Load, change: Change = lambda s: s, conditions: Conditions = CEILING) -> list[Flag]:
    """Return the flags of a cell whose side b is changed in every block."""
    return flags_of(load, [(good(), change(good())) for _ in range(6)], conditions)


@pytest.mark.parametrize("load", [USERS, RATE])
def test_a_good_cell_has_no_flag(load: Load) -> None:
    assert flags(load) == []


@pytest.mark.parametrize("load", [USERS, RATE])
@pytest.mark.parametrize(
    ("name", "reason", "change"),
    [
        ("collapsed:b", "", lambda s: replace(s, collapsed="it died")),
        ("failures:b", "2.0% of 6,000", lambda s: replace(s, failures={Failure.STATUS: 20})),
        ("driver-bound:b", "busy 85%", lambda s: replace(s, driver_peak=0.85)),
        ("driver-bound:b", "5% off", lambda s: replace(s, flow=replace(STEADY, residence_s=10.5))),
    ],
)
def test_a_flag_is_raised_under_any_load(load: Load, name: str, reason: str, change: Change) -> None:
    [flag] = flags(load, change)
    assert str(flag) == name
    assert reason in flag.reason


@pytest.mark.parametrize(
    ("load", "name", "reason", "change"),
    [
        (
            USERS, "driver-bound:b", "of 10 users, 9.0 were waiting",
            lambda s: replace(s, flow=replace(STEADY, in_flight_s=9.0, residence_s=9.0)),
        ),
        (USERS, "driver-bound:b", "4,500 requests/s, of 5,000", lambda s: replace(s, throughput_rps=4500.0)),
        (RATE, "driver-bound:b", "4,500 requests/s, of 5,000", lambda s: replace(s, offered_rps=4500.0)),
        (RATE, "driver-bound:b", "only 98.0% of the requests", lambda s: replace(s, on_time=0.98)),
        (RATE, "driver-bound:b", "dispatch lag was 2.0 ms", lambda s: replace(s, lags_s=np.full(1000, 0.002))),
        (
            RATE, "overloaded:b", "1,000 arrivals a second, 900 answers",
            lambda s: replace(s, flow=replace(STEADY, answers=900), later=replace(s.later, in_flight_s=20.0)),
        ),
        (
            USERS, "not-steady:b", "throughput changed by +20% within a trial",
            lambda s: replace(s, later=replace(s.later, answers=600)),
        ),
    ],
)  # fmt: skip
def test_a_flag_is_raised_under_its_load(load: Load, name: str, reason: str, change: Change) -> None:
    found = {str(flag): flag for flag in flags(load, change)}
    assert reason in found[name].reason


def test_a_side_that_answers_some_requests_badly_at_once_is_not_overloaded() -> None:
    found = flags(RATE, lambda s: replace(s, throughput_rps=970.0, failures={Failure.STATUS: 30}))
    assert [str(flag) for flag in found] == ["failures:b"]


def test_users_who_think_by_design_are_not_waiting_for_the_client() -> None:
    idle = replace(good(), flow=replace(STEADY, in_flight_s=1.0, residence_s=1.0))
    assert flags_of(USERS, [(idle, idle)] * 6, CEILING, thinking=True) == []
    assert flags_of(USERS, [(idle, idle)] * 6, CEILING) != []


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        (replace(CEILING, steal=0.03), "the hypervisor took up to 3%"),
        (replace(CEILING, foreign=0.2), "other programs took up to 20%"),
    ],
)
def test_what_others_took_makes_a_noisy_machine(conditions: Conditions, reason: str) -> None:
    [flag] = flags(USERS, conditions=conditions)
    assert str(flag) == "noisy-machine"
    assert reason in flag.reason


def test_a_ratio_that_jumps_from_block_to_block_makes_a_noisy_machine() -> None:
    rates = [1000.0, 1300.0, 800.0, 1100.0, 700.0, 1250.0]
    pairs = [(good(), replace(good(), throughput_rps=rate)) for rate in rates]
    [flag] = flags_of(USERS, pairs, CEILING)
    assert str(flag) == "noisy-machine"
    assert "± 2" in flag.reason


def test_drift_by_chance_is_no_flag() -> None:
    """One trial that rises among five that fall is noise."""
    later = [600.0, 480.0, 490.0, 470.0, 495.0, 480.0]
    pairs = [(good(), replace(good(), later=replace(good().later, answers=answers))) for answers in later]
    assert flags_of(USERS, pairs, CEILING) == []


def pair_of(a_rps: float, b_rps: float, cpu_s: float | None = 1e-6) -> tuple[Summary, Summary]:
    a, b = (replace(good(), throughput_rps=rate, cpu_per_request_s=cpu_s) for rate in (a_rps, b_rps))
    return a, b


FEW, ALONE = ClosedLoop(4), ClosedLoop(1)
OWN = Conditions(overhead_s=50e-6)


@pytest.mark.parametrize(
    ("load", "pair", "said"),
    [
        # 550 and 450 µs with 50 of the client: 500 ÷ 400
        (ALONE, pair_of(1 / 550e-6, 1 / 450e-6), "50 µs of each request are the client's own, up to 11%; without them"
         " the ratio of throughputs would be about 1.25, not 1.22"),
        (ALONE, pair_of(1 / 450e-6, 1 / 550e-6), "about 0.80, not 0.82"),
        (ALONE, pair_of(1 / 450e-6, 1 / 550e-6, cpu_s=None), "about 0.80, not 0.82"),
        (FEW, pair_of(4 / 550e-6, 4 / 450e-6), "about 1.25, not 1.22"),
        # the server of b is busy all the time, and nothing of the client is seen there: 400 ÷ 450
        (ALONE, (pair_of(1 / 450e-6, 1)[0], pair_of(1, 1 / 450e-6, cpu_s=430e-6)[1]), "about 0.89, not 1.00"),
    ],
)  # fmt: skip
def test_a_clients_share_is_a_bias_of_known_size(load: Load, pair: tuple[Summary, Summary], said: str) -> None:
    assert said in "; ".join(flag.reason for flag in flags_of_users(load, pair) if str(flag) == "client-share")


def flags_of_users(load: Load, pair: tuple[Summary, Summary], conditions: Conditions = OWN) -> list[Flag]:
    """Return the flags of a cell whose users all wait for the server, but for what the client is known to take."""
    flow = replace(STEADY, in_flight_s=load.size, residence_s=load.size)
    a, b = (replace(s, flow=flow) for s in pair)
    return flags_of(load, [(a, b)] * 6, conditions)


@pytest.mark.parametrize(
    ("load", "pair", "conditions"),
    [
        (ALONE, pair_of(1 / 2000e-6, 1 / 1700e-6), OWN),  # 2.9 %
        (ALONE, pair_of(1 / 550e-6, 1 / 450e-6), Conditions()),  # as in old runs
        (ALONE, pair_of(1 / 550e-6, 1 / 450e-6, cpu_s=500e-6), OWN),  # both are busy all the time
        (ClosedLoop(64), pair_of(1 / 550e-6, 1 / 450e-6), OWN),  # so many that the client's part is small
        (OpenLoop(1000), pair_of(1 / 550e-6, 1 / 450e-6), OWN),
    ],
)
def test_a_client_that_takes_little_or_is_hidden_is_no_flag(
    load: Load, pair: tuple[Summary, Summary], conditions: Conditions
) -> None:
    assert not [flag for flag in flags_of_users(load, pair, conditions) if str(flag) == "client-share"]


def test_cores_that_idle_hide_nothing() -> None:
    pair = pair_of(1 / 550e-6, 1 / 450e-6, cpu_s=500e-6)
    two_cores = replace(OWN, server_cores={"a": 2, "b": 2})
    assert "client-share" in [str(flag) for flag in flags_of_users(ALONE, pair, two_cores)]


def test_a_client_that_takes_longer_than_the_server_is_what_is_measured() -> None:
    found = flags_of_users(ALONE, pair_of(1 / 90e-6, 1 / 200e-6))
    assert [str(flag) for flag in found] == ["driver-bound:a"]
    assert "56% of the time that a request takes are the client's own" in found[0].reason


def test_users_who_wait_for_the_client_as_long_as_it_is_known_to_take_are_no_news() -> None:
    """Of 10 users at 1,000/s, 0.5 are at the client if a request takes it 0.5 ms."""
    flow = replace(STEADY, in_flight_s=9.5, residence_s=9.5)
    pairs = [(good(), replace(good(), flow=flow))] * 6
    assert [str(flag) for flag in flags_of(USERS, pairs, CEILING)] == ["driver-bound:b"]
    assert "driver-bound:b" not in [str(f) for f in flags_of(USERS, pairs, replace(CEILING, overhead_s=500e-6))]


def test_nothing_known_of_the_machine_is_no_flag() -> None:
    assert flags(USERS, conditions=Conditions()) == []


def test_every_meaning_says_what_to_do_or_what_it_implies() -> None:
    assert all(len(meaning.split()) > 5 for meaning in MEANING.values())


def test_littles_law_that_is_off_by_chance_is_not_the_clients_fault() -> None:
    """6 % off over all blocks, but now up, now down: windows as short as a response time do that."""
    took = [14.0, 8.0, 13.0, 9.0, 10.5, 9.1]
    pairs = [(good(), replace(good(), flow=replace(STEADY, residence_s=each))) for each in took]
    [flag] = flags_of(USERS, pairs, CEILING)
    assert str(flag) == "not-steady:b"
    assert "6% off" in flag.reason
