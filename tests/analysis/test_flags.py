"""Every flag can be raised, and stays away where nothing is wrong."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loadtests.analysis.analyse import analyse
from loadtests.analysis.condition_checks import cores_used
from loadtests.analysis.flag_checks import flags_of
from loadtests.analysis.flags import MEANING, Conditions, Flag, written
from loadtests.analysis.flow import Flow
from loadtests.analysis.trial_summary import Summary
from loadtests.analysis.verdict_kinds import NO_VERDICT
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.records.manifest import MachineRecord, SideRecord
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Failure
from tests.made_up_runs import make_run
from tests.made_up_samples import summary

USERS, RATE = ClosedLoop(10), OpenLoop(1000)
CEILING = Conditions(ceiling_rps=5000, steal=0.0, foreign=0.0)
STEADY = Flow(windows_s=1.0, answers=1000, in_flight_s=10.0, crossings=1000, residence_s=10.0)
Change = Callable[[Summary], Summary]


def lost(throttled: float | None) -> MachineRecord:
    return MachineRecord(block=0, seconds=1.0, steal=None, foreign=None, throttled=throttled)


def workers(count: int) -> SideRecord:
    return SideRecord(spec=f"async,workers={count}", settings={"workers": count})


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
        ("not-steady:b", "5% off", lambda s: replace(s, flow=replace(STEADY, residence_s=10.5))),
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
            USERS, "driver-bound:b", "of 10 users, on average 9.0 were waiting",
            lambda s: replace(s, flow=replace(STEADY, in_flight_s=9.0, residence_s=9.0)),
        ),
        (USERS, "driver-bound:b", "core was 85% busy", lambda s: replace(s, driver_peak=0.85)),
        (
            USERS, "driver-bound:b", "4,500 requests/s, and the driver can send at most 5,000",
            lambda s: replace(s, throughput_rps=4500.0),
        ),
        (
            RATE, "driver-bound:b", "4,500 requests/s, and the driver can send at most 5,000",
            lambda s: replace(s, offered_rps=4500.0),
        ),
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


@pytest.mark.parametrize(
    ("conditions", "name", "reason"),
    [
        (replace(CEILING, shared_core=True), "shared-core", ""),
        (replace(CEILING, cpu_quota=1.5), "cpu-quota", "^they can use 2 cores, and it allows 1.5$"),
        (replace(CEILING, cpu_quota=4.0, cores_used=5, throttled=0.0), "cpu-quota", "it allows 4; it took up to 0.0%"),
        (replace(CEILING, cpu_quota=4.0, throttled=0.02), "cpu-quota", "^it took up to 2.0% of the cores' time"),
    ],
)
@pytest.mark.parametrize("load", [USERS, RATE])
def test_cores_that_are_shared_or_rationed_are_told_of_every_cell(
    load: Load, conditions: Conditions, name: str, reason: str
) -> None:
    [flag] = flags(load, conditions=conditions)
    assert str(flag) == name
    assert re.search(reason, flag.reason)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"shared_core": True}, ["shared-core"]),
        ({"server_cores": [0], "driver_cores": [0]}, ["shared-core"]),
        ({"shared_core": True, "cpu_quota": 0.5}, ["shared-core", "cpu-quota"]),
        ({"cpu_quota": 8.0, "machine": [lost(0.0), lost(0.03), lost(None)]}, ["cpu-quota"]),
        ({"cpu_quota": 8.0, "machine": [lost(0.0), lost(None)]}, []),
    ],
)
def test_what_run_json_says_of_the_cores_is_told(
    tmp_path: Path, change: dict[str, object], expected: list[str]
) -> None:
    manifest, _ = make_run(["hash"], [1])
    outcome = analyse(RunFolder(tmp_path), manifest.model_copy(update=change))
    assert {tuple(comparison.flags) for comparison in outcome.comparisons} == {tuple(expected)}


def test_a_quota_that_is_large_enough_and_stops_nothing_is_no_flag() -> None:
    assert flags(USERS, conditions=replace(CEILING, cpu_quota=2.0, throttled=0.0)) == []


@pytest.mark.parametrize(
    ("change", "used"),
    [
        ({}, 2),
        ({"server_cores": [0], "driver_cores": [0]}, 1),
        ({"server_cores": [], "driver_cores": []}, 2),
        ({"server_cores": [0, 1], "driver_cores": [2, 3], "workers": 8}, 3),
        ({"server_cores": [0, 1], "driver_cores": [2, 3], "b": workers(16)}, 3),
        ({"server_cores": [0], "driver_cores": [1], "b": SideRecord(spec="x", settings={"url": "http://x"})}, 2),
    ],
)
def test_servers_and_driver_can_use_a_core_for_each_process(change: dict[str, object], used: int) -> None:
    manifest, _ = make_run(["hash"], [1])
    assert cores_used(manifest.model_copy(update=change)) == used


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
        (ALONE, pair_of(1 / 550e-6, 1 / 450e-6), "50 µs of each request are the client's own, up to 11%; without that"
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
    assert "56% of the time that a request takes is the client's own" in found[0].reason


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


def test_a_driver_that_asks_the_clock_until_a_request_is_due_is_busy_and_not_the_limit() -> None:
    assert flags(RATE, lambda s: replace(s, driver_peak=1.0)) == []


@pytest.mark.parametrize("blocks", [6, 30])
def test_a_server_that_starves_some_requests_is_not_the_clients_fault_however_sure_that_is(blocks: int) -> None:
    """10 % off Little's law in every block alike, with a driver that is a fifth busy."""
    starving = replace(good(), flow=replace(STEADY, residence_s=9.0))
    [flag] = flags_of(USERS, [(good(), starving)] * blocks, CEILING)
    assert str(flag) == "not-steady:b"
    assert "-10% off" in flag.reason


def drifting(drift: float, seed: int, times: int = 400) -> float:
    """Return the share of sides of 6 blocks that are flagged; the ratio of their halves has a spread of 10 %."""
    rng, seen = np.random.default_rng(seed), 0
    for _ in range(times):
        change = (1 + drift) * np.exp(rng.normal(0, 0.10, 6))
        column = [replace(good(), later=replace(good().later, answers=500.0 * float(c))) for c in change]
        seen += any(flag.name == "not-steady" for flag in flags_of(USERS, [(good(), s) for s in column], CEILING))
    return seen / times


@pytest.mark.parametrize(("drift", "least", "most"), [(0.0, 0.0, 0.02), (0.10, 0.10, 0.30), (0.20, 0.55, 0.80)])
def test_drift_is_seen_and_chance_is_not(drift: float, least: float, most: float) -> None:
    assert least <= drifting(drift, seed=3) <= most


def test_littles_law_that_is_off_by_chance_is_not_the_clients_fault() -> None:
    """6 % off over all blocks, but now up, now down: windows as short as a response time do that."""
    took = [14.0, 8.0, 13.0, 9.0, 10.5, 9.1]
    pairs = [(good(), replace(good(), flow=replace(STEADY, residence_s=each))) for each in took]
    [flag] = flags_of(USERS, pairs, CEILING)
    assert str(flag) == "not-steady:b"
    assert "6% off" in flag.reason


@pytest.mark.parametrize(("left", "names"), [(0.02, []), (0.9, ["work-left"]), (None, [])])
def test_a_server_that_goes_on_working_after_its_answers_gets_no_verdict(left: float | None, names: list[str]) -> None:
    assert [flag.name for flag in flags(USERS, lambda s: replace(s, work_left=left))] == names
    assert "work-left" in NO_VERDICT


def test_a_ratio_is_written_as_a_person_does() -> None:
    figures = {0.0002: "0.0002", 0.05: "0.05", 0.1: "0.10", 1.0: "1.00", 999.0: "999.00", 2091.3: "2,091"}
    assert {value: written(value) for value in figures} == figures
