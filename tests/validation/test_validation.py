"""Known answers, judged by value: what meets a target, what misses it, and what chance leaves open."""

import math
import random
from functools import partial
from typing import Any

import pytest

from loadtests.analysis.comparison import Finding, Proportion, Status, status_of
from loadtests.experiment.options import RunOptions
from loadtests.servers.reference import MORE_CPU, ROUNDS, work
from loadtests.system.errors import UsageError
from loadtests.system.machine import machine_id
from loadtests.validation import plan
from loadtests.validation.findings import additions, false_alarms, findings, within
from loadtests.validation.known_limits import OBJECTIVE, capacity_rps
from loadtests.validation.other_clients import agreement, alternate, comparisons_with
from loadtests.validation.plan import Design, ValidateOptions, ratio_of_more_cpu, ratio_of_more_wait
from loadtests.validation.record import DriversRecord, KnownComparison, Percentiles, Study, Validation
from tests.validation.made_up import (
    capacity,
    comparisons,
    environment,
    other_clients,
    overloaded,
    queued,
    row,
    stalled,
)


def alike(total: int, *, false: int = 0, uncovered: int = 0) -> dict[str, Finding]:
    """Judge so many comparisons of a side with itself, four a run."""
    rows = [
        row("a" if i < false else "equivalent", off=0.92 if i < max(false, uncovered) else 1.0, run=i // 4)
        for i in range(total)
    ]
    return {finding.name: finding for finding in false_alarms(comparisons(rows))}


def test_an_honest_harness_meets_every_target_of_a_side_against_itself() -> None:
    found = alike(200, false=2, uncovered=10)
    assert {name: finding.status for name, finding in found.items()} == {
        "false verdicts": "met",
        "runs with a false verdict": "met",
        "intervals that hold 1": "met",
        "comparisons that miss throughput.ratio < 0.97": "met",  # ten of them: 5 %
    }


def test_a_harness_that_always_says_a_misses_all_of_them() -> None:
    assert {finding.status for finding in alike(200, false=200).values()} == {"missed"}


def test_intervals_that_are_too_wide_are_a_miss_as_well() -> None:
    assert alike(1000)["intervals that hold 1"].status == "missed"  # all of them hold it: 99.6 to 100 %


def test_what_had_no_chance_of_a_false_verdict_does_not_count_as_right() -> None:
    """Four false ones of 50 that could have been are 8 %, however many more were held back."""
    rows = [row("b", run=i) for i in range(4)] + [row("equivalent", run=4 + i) for i in range(46)]
    rows += [row("inconclusive", run=50 + i, flags=("driver-bound:b",)) for i in range(150)]
    rate, *_ = false_alarms(comparisons(rows))
    assert rate.found == pytest.approx(0.08)
    assert rate.status == "undecided"
    assert "4 of 50 comparisons, 150 more held back" in rate.note


@pytest.mark.parametrize(
    ("total", "held_back", "status"), [(200, 0, "met"), (200, 10, "met"), (200, 11, "undecided"), (199, 0, "undecided")]
)
def test_ten_of_two_hundred_may_have_been_held_back(total: int, held_back: int, status: Status) -> None:
    flags = [("driver-bound:a",) if i < held_back else () for i in range(total)]
    rows = [row("equivalent", run=i // 4, flags=each) for i, each in enumerate(flags)]
    rate, *_ = false_alarms(comparisons(rows))
    assert rate.status == status


def test_one_false_verdict_in_every_other_run_misses_the_target_of_runs() -> None:
    rows = [row("b" if run % 2 and not i else "equivalent", run=run) for run in range(50) for i in range(4)]
    found = {finding.name: finding.status for finding in false_alarms(comparisons(rows))}
    assert found["runs with a false verdict"] == "missed"
    assert found["false verdicts"] == "missed"


def test_few_comparisons_prove_nothing_but_can_refute() -> None:
    assert alike(8)["false verdicts"].status == "undecided"
    assert "200 are needed" in alike(8)["false verdicts"].note
    assert alike(8, false=8)["false verdicts"].status == "missed"


@pytest.mark.parametrize(
    ("found", "interval", "enough", "status"),
    [
        (0.03, (0.01, 0.07), True, "met"),
        (0.03, (0.01, 0.07), False, "undecided"),  # it rests on too little
        (0.06, (0.03, 0.10), True, "undecided"),  # chance could have done it
        (0.12, (0.08, 0.17), True, "missed"),
        (0.06, None, True, "missed"),  # a figure without an interval is what it is
        (0.05, None, True, "met"),
    ],
)
def test_status(found: float, interval: tuple[float, float] | None, enough: bool, status: Status) -> None:
    assert status_of(found, interval, (0, 0.05), enough=enough) == status


def judged(study: Study, rows: list[KnownComparison]) -> list[Finding]:
    return list(additions(comparisons([r.model_copy(update={"study": study}) for r in rows])))


def test_an_addition_that_is_always_found_and_measured_right_meets_its_targets() -> None:
    rows = [row("a", truth=0.91, half=1.02, off=1.03 if i % 20 == 0 else 1.0, run=i // 4) for i in range(200)]
    power, caught, ratio, coverage = judged("cpu_10", rows)
    assert (power.status, caught.status, ratio.status, coverage.status) == ("met", "met", "met", "met")
    assert ratio.truth == pytest.approx(0.91)


def test_a_harness_that_never_sees_a_difference_misses_it() -> None:
    power, *_ = judged("cpu_10", [row("equivalent", truth=0.91) for _ in range(40)])
    assert power.status == "missed"


def caught(rows: list[KnownComparison]) -> Finding:
    return next(
        each for each in judged("cpu_10", rows) if each.name == "10 % more CPU is found by throughput.ratio < 0.97"
    )


def test_a_regression_is_caught_where_the_whole_interval_is_below_the_threshold() -> None:
    assert caught([row("a", truth=0.91, half=1.03, run=i // 4) for i in range(40)]).found == 1
    assert caught([row("a", truth=0.91, half=1.08, run=i // 4) for i in range(40)]).found == 0


def test_a_threshold_on_all_cells_of_a_run_needs_narrower_intervals_than_one_on_a_single_cell() -> None:
    alone = [row("a", truth=0.91, half=1.06, run=i) for i in range(40)]
    together = [row("a", truth=0.91, half=1.06, run=i // 4) for i in range(40)]
    assert (caught(alone).found, caught(together).found) == (1, 0)


def test_what_had_no_chance_to_be_caught_is_not_caught() -> None:
    assert caught([row("inconclusive", truth=0.91, half=1.03, flags=("driver-bound:a",)) for _ in range(40)]).found == 0


def test_to_call_the_wrong_side_is_not_to_find_it() -> None:
    power, *_ = judged("wait_2", [row("b", truth=0.91) for _ in range(40)])
    assert power.found == 0


def test_a_ratio_that_is_off_by_five_percent_is_a_miss_however_often_it_is_found() -> None:
    power, _, ratio, coverage = judged("cpu_10", [row("a", truth=0.91, off=1.05, run=i // 4) for i in range(40)])
    assert (power.status, ratio.status, coverage.status) == ("met", "missed", "missed")


def test_what_the_harness_held_back_is_said() -> None:
    power, *_ = judged("cpu_5", [row("inconclusive", truth=0.95, flags=("driver-bound:a",)) for _ in range(40)])
    assert "40 held back as driver-bound" in power.note
    assert (power.aim, power.status) == ((0.8, 1), "missed")


def test_more_cpu_is_diluted_by_what_a_server_does_besides() -> None:
    assert ratio_of_more_cpu(0.10, 1.0) == pytest.approx(1 / 1.1)
    assert ratio_of_more_cpu(0.10, 0.5) == pytest.approx(1 / 1.05)
    assert ratio_of_more_cpu(0.10, 0.0) == 1


def test_more_wait_is_a_share_of_what_a_request_takes() -> None:
    assert ratio_of_more_wait(0.002, users=4, throughput_rps=200) == pytest.approx(20 / 22)
    assert ratio_of_more_wait(0.002, users=1, throughput_rps=1000) == pytest.approx(1 / 3)


def test_the_additions_are_whole_rounds() -> None:
    for more in MORE_CPU.values():
        assert ROUNDS * (1 + more) == pytest.approx(round(ROUNDS * (1 + more)), abs=1e-9)
    assert work(3) != work(4)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 20, 0.0, 0.1684), (10, 200, 0.0242, 0.0900), (5, 5, 0.4782, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_of_a_share_is_clopper_and_pearsons(hits: int, total: int, low: float, high: float) -> None:
    assert Proportion(hits, total).interval == pytest.approx((low, high), abs=1e-4)


def test_a_share_of_nothing_is_unknown() -> None:
    assert Proportion(0, 0).share is None
    assert {f.status for f in false_alarms(comparisons([]))} == {"undecided"}


def test_the_plan_has_the_comparisons_that_were_asked_for() -> None:
    own = plan.alike(40, blog=0.25, design=Design(), rng=random.Random(1))
    assert sum(len(r.experiment.cells) for r in own) == 40
    specs = [r.experiment.b.spec for r in own]
    assert specs.count("async") == specs.count("sync") == 1
    assert all(r.experiment.a == r.experiment.b for r in own)
    assert len({r.experiment.seed for r in own}) == len(own)


def test_every_addition_is_measured_as_users_measure() -> None:
    added = plan.additions(5, design=ValidateOptions().sizes().design, rng=random.Random(1))
    assert [run.study for run in added] == ["cpu_10", "wait_2", "cpu_5"] * 2
    usual = RunOptions().experiment()
    for run in added:
        assert (run.experiment.budget_s, run.experiment.precision) == (usual.budget_s, usual.precision)


def test_orders_are_merged_evenly() -> None:
    own = plan.alike(16, blog=0, design=Design(), rng=random.Random(1))
    added = plan.additions(1, design=Design(), rng=random.Random(1))[:2]
    studies = [r.study == "alike" for r in plan.interleave(own, added)]
    assert studies == [True, False, True, True, False, True]


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"comparisons": 0}, "--comparisons"),
        ({"comparisons": -1}, "--comparisons"),
        ({"only": "aa,nonsense"}, "'nonsense' is not a check"),
        ({"only": ""}, "is not a check"),
        ({"blog": 1.5}, "--blog"),
        ({"blog": math.nan}, "--blog"),
        ({"time_s": 0.0}, "--time"),
        ({"blocks": 0}, "--blocks"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], mend: str) -> None:
    with pytest.raises(UsageError, match=mend):
        ValidateOptions(**options).sizes()


def test_only_what_was_asked_for_is_carried_out() -> None:
    assert ValidateOptions(only="stall, aa").sizes().checks == ("aa", "stall")


def test_a_machine_is_known_by_what_it_is() -> None:
    assert machine_id(environment()) == machine_id(environment(load_average=9.0, commit="def"))
    assert machine_id(environment()) != machine_id(environment(cores=4))


def test_a_check_made_anew_replaces_the_old_one_and_no_other() -> None:
    old = Validation(machine="m", environment=environment(), quick=False, complete=True, aa=comparisons([row("b")]))
    new = Validation(machine="m", environment=environment(), quick=False, complete=True, effects=comparisons([]))
    assert new.onto(old).checked() == ["aa", "effects"]
    assert new.onto(old).aa == old.aa
    assert new.onto(old.model_copy(update={"machine": "another"})).checked() == ["effects"]
    assert list(findings(new.onto(old))) == ["aa", "effects"]


def statuses(**records: Any) -> list[Status]:
    validation = Validation(machine="m", environment=environment(), quick=False, complete=True, **records)
    return [finding.status for each in findings(validation).values() for finding in each]


def test_a_queue_measured_as_it_is_meets_theory_and_log() -> None:
    assert statuses(queue=queued()) == ["met"] * 4


def test_a_client_that_adds_its_own_delay_misses_the_queues_theory() -> None:
    late = Percentiles(p50=0.0190, p99=0.1000)
    assert statuses(queue=queued(measured=late)) == ["missed", "met", "missed", "missed"]


def test_a_queue_that_was_unlucky_at_both_ends_is_told_from_a_client_that_is_wrong() -> None:
    unlucky = Percentiles(p50=0.0160, p99=0.1200)
    assert statuses(queue=queued(measured=unlucky, logged=unlucky)) == ["missed", "missed", "met", "met"]


def test_an_open_loop_shows_the_stall_and_a_closed_one_hides_it() -> None:
    assert statuses(stall=stalled()) == ["met"] * 4


def test_an_open_loop_that_leaves_out_what_it_could_not_send_misses_the_stall() -> None:
    """Coordinated omission: one request a user meets the stall, and the others are sent when it is over."""
    assert statuses(stall=stalled(open_p99_s=0.025))[0] == "missed"


def test_a_stall_that_never_was_is_no_proof() -> None:
    assert statuses(stall=stalled(open_p99_s=0.025, closed_p99_s=0.023))[0] == "missed"


def test_lag_and_pace_have_their_limits() -> None:
    assert statuses(stall=stalled(pace_lag_p99_s=0.0016, pace_p99_s=0.0230))[2:] == ["missed", "missed"]


@pytest.mark.parametrize(
    ("below", "above", "found"),
    [
        ((), ("overloaded",), ["met", "met"]),
        ((), (), ["met", "missed"]),  # the queue grew, and nobody saw it
        ((), ("driver-bound",), ["met", "missed"]),  # or the client was blamed
        (("overloaded",), ("overloaded",), ["missed", "met"]),
    ],
)
def test_an_overloaded_queue_must_be_flagged_and_no_other(
    below: tuple[str, ...], above: tuple[str, ...], found: list[Status]
) -> None:
    assert statuses(overload=overloaded(below, above)) == found


@pytest.mark.parametrize(
    ("kept_rps", "missed_rps", "status"),
    [
        (330.0, 345.0, "met"),
        (390.0, 405.0, "missed"),  # 400/s is all that the queues serve
        (290.0, 302.0, "missed"),
        (368.0, 385.0, "undecided"),
        (None, 15.0, "missed"),
        (9999.0, None, "missed"),
    ],
)
def test_the_capacity_that_is_found_must_be_that_of_theory(
    kept_rps: float | None, missed_rps: float | None, status: Status
) -> None:
    assert statuses(capacity=capacity(kept_rps, missed_rps)) == [status]


def test_theory_of_four_queues() -> None:
    assert capacity_rps(OBJECTIVE) == pytest.approx(338.6, abs=0.05)


def test_undecided_is_not_within() -> None:
    validation = Validation(
        machine="m", environment=environment(), quick=False, complete=True,
        drivers=other_clients((1.15, 1.05, 1.25), (0.9, 0.85, 0.95)),
    )  # fmt: skip
    first, *_ = findings(validation)["drivers"]
    assert (first.status, within(first)) == ("undecided", False)


@pytest.mark.parametrize(
    ("apart", "status"),
    [
        ((1.02, 0.95, 1.09), "met"),
        ((1.02, 0.60, 1.73), "undecided"),  # right by luck
        ((1.15, 1.05, 1.25), "undecided"),
        ((1.30, 1.20, 1.40), "missed"),
    ],
)
def test_two_clients_have_to_find_the_same_ratio(apart: tuple[float, float, float], status: Status) -> None:
    assert statuses(drivers=other_clients(apart, (0.9, 0.85, 0.95))) == [status, status, "met"]


def test_a_driver_that_is_much_slower_than_another_misses_its_headroom() -> None:
    assert statuses(drivers=other_clients((1.0, 0.9, 1.1), (0.5, 0.4, 0.6)))[2] == "missed"


def test_a_headroom_that_may_as_well_be_too_small_is_not_met() -> None:
    assert statuses(drivers=other_clients((1.0, 0.95, 1.05), (0.99, 0.56, 1.74)))[2] == "undecided"


def test_a_single_user_is_compared_too_and_said_to_be_one() -> None:
    found = other_clients((1.15, 1.11, 1.19), (0.9, 0.85, 0.95), users=1)
    validation = Validation(machine="m", environment=environment(), quick=False, complete=True, drivers=found)
    judged = [(finding.name, finding.status) for finding in findings(validation)["drivers"]]
    assert judged == [
        ("noop, 1 user: async ÷ sync, beside wrk", "missed"),
        ("query, 1 user: async ÷ sync, beside wrk", "missed"),
        ("requests a second of 1 user, beside wrk", "met"),
    ]


def test_what_was_measured_before_users_were_noted_had_64() -> None:
    kept = other_clients((1.0, 0.9, 1.1), (0.9, 0.8, 1.0)).model_dump_json().replace('"users":64,"ours"', '"ours"')
    assert {row.users for row in DriversRecord.model_validate_json(kept).rows} == {64}


@pytest.mark.parametrize(
    ("others", "with_one_user"),
    [([], []), (["locust"], []), (["wrk"], [["wrk"]] * 3), (["wrk", "locust"], [["wrk"]] * 3)],
)
def test_a_single_user_is_wrks_to_compare(others: list[str], with_one_user: list[list[str]]) -> None:
    planned = list(comparisons_with(others))
    assert [names for _, users, names in planned if users == 1] == with_one_user
    assert [names for _, users, names in planned if users == 64] == [others] * (3 if others else 0)


def test_clients_take_turns_forwards_and_backwards() -> None:
    order: list[str] = []

    def turn(name: str) -> float:
        order.append(name)
        return 1.0

    assert alternate([partial(turn, name) for name in "abc"], 2) == [[1.0, 1.0]] * 3
    assert order == [*"cba", *"abc"]


def test_ratios_are_compared_round_by_round() -> None:
    """Both clients meet a machine that is twice as fast in the second round."""
    found = agreement("wrk", "noop", 64, [[100, 200], [210, 420]], [[90, 180], [180, 360]])
    assert found.ours == pytest.approx((2.1, 2.1, 2.1))
    assert found.apart == pytest.approx((1.05, 1.05, 1.05))
    assert found.headroom == pytest.approx((210 / 180,) * 3)
