"""The search for the highest rate that is kept, on servers that never were; and what an objective is."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from loadtests.records.samples import Failure
from loadtests.slo.objective import PRECISION, Objective, RateSearch, SearchResult, parse_objective, probe_timing
from loadtests.system.errors import UsageError
from tests.made_up_samples import summary

MAX_RPS, MIN_RPS = 10_000.0, 15.0


def searched(limit_rps: float, *, start: float = 16.0, luck: float = 0.0, seed: int = 1) -> tuple[RateSearch, int]:
    """Search on a server that keeps rates up to a limit, and misses others; ``luck`` is how often it errs."""
    rng, search, probes = random.Random(seed), RateSearch(start, MAX_RPS, MIN_RPS), 0
    while search.state == "searching":
        kept = search.rate_rps <= limit_rps
        search.record(kept=kept if rng.random() >= luck else not kept)
        probes += 1
        assert probes < 200
    return search, probes


@pytest.mark.parametrize("limit_rps", [16.0, 17.0, 300.0, 812.5, 9_000.0])
@pytest.mark.parametrize("start", [15.0, 16.0, 500.0, 9_999.0])
def test_the_limit_is_enclosed_to_five_percent(limit_rps: float, start: float) -> None:
    search, probes = searched(limit_rps, start=start)
    assert search.state == "found"
    assert search.kept_rps is not None
    assert search.missed_rps is not None
    assert search.kept_rps <= limit_rps < search.missed_rps
    assert search.missed_rps / search.kept_rps <= PRECISION
    assert probes < 45


def test_a_server_that_keeps_everything_has_at_least_what_could_be_asked_for() -> None:
    search, _ = searched(math.inf)
    assert (search.state, search.kept_rps, search.missed_rps) == ("at-least", MAX_RPS, None)


def test_a_server_that_keeps_nothing_has_no_rate() -> None:
    search, _ = searched(0.0, start=300.0)
    assert (search.state, search.kept_rps) == ("not-found", None)
    assert search.missed_rps == MIN_RPS


def test_short_probes_are_only_a_hint() -> None:
    """Two seconds at 400/s were lucky, at a server that keeps 300/s: nothing of that is left in the end."""
    search = RateSearch(100.0, MAX_RPS, MIN_RPS)
    while search.state == "searching":
        search.record(kept=search.rate_rps <= (300.0 if search.thorough else 450.0))
    assert search.kept_rps is not None
    assert search.missed_rps is not None
    assert search.kept_rps <= 300.0 < search.missed_rps


def test_one_probe_decides_kept_or_missed_alike() -> None:
    search = RateSearch(100.0, MAX_RPS, MIN_RPS, hint_rps=300.0)
    assert (search.rate_rps, search.thorough) == (300.0, True)
    search.record(kept=False)
    assert search.missed_rps == 300.0
    assert search.rate_rps == pytest.approx(300.0 / 1.1)
    search.record(kept=True)
    assert search.kept_rps == pytest.approx(300.0 / 1.1)


def test_a_rate_that_is_kept_once_by_luck_is_not_what_was_found() -> None:
    search = RateSearch(100.0, MAX_RPS, MIN_RPS, hint_rps=300.0)
    for kept in (True, False, True):  # at 300, 330, 315
        search.record(kept=kept)
    lucky = search.kept_rps
    assert lucky == search.rate_rps == pytest.approx(300.0 * 1.1**0.5)
    search.record(kept=False)
    assert (search.kept_rps, search.missed_rps) == (None, lucky)
    while search.state == "searching":
        search.record(kept=True)
    assert search.missed_rps == lucky
    assert search.kept_rps == pytest.approx(300.0 * 1.1**0.5 / 1.04)


def test_a_machine_that_errs_now_and_then_still_ends() -> None:
    for seed in range(50):
        search, _ = searched(500.0, luck=0.1, seed=seed)
        assert search.state in ("found", "at-least", "not-found")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99=200ms", Objective(99.0, 0.2)),
        ("p99=0.5s,errors=0.1%", Objective(99.0, 0.5, 0.001)),
        ("errors=0%, p50=20ms", Objective(50.0, 0.02, 0.0)),
        ("p99.9=1s", Objective(99.9, 1.0)),
    ],
)
def test_an_objective_is_a_percentile_with_a_limit(text: str, expected: Objective) -> None:
    assert parse_objective(text) == expected


@pytest.mark.parametrize("text", ["", "p99", "p99=200", "p98=1s", "errors=1%", "p99=0ms", "p99=1h", "p99=1s,errors=x"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--slo"):
        parse_objective(text)


def test_an_objective_is_missed_for_a_reason() -> None:
    objective = Objective(99.0, 0.2)
    good = summary(1000)
    assert objective.missed(good) is None
    slow = replace(good, latencies_s=np.full(1000, 0.3, np.float32))
    assert objective.missed(slow) == "p99 was 300 ms"
    assert objective.missed(replace(good, failures={Failure.STATUS: 20})) == "2.0% of 1,000 requests failed"
    assert objective.missed(replace(good, collapsed="it exited")) == "it exited"
    behind = replace(good, throughput_rps=800.0, offered_rps=1448.0)
    assert objective.missed(behind) == "only 800 of 1,448 requests a second were answered"
    few = replace(good, requests=10, latencies_s=good.latencies_s[:10])
    assert objective.missed(few) == "only 10 requests, too few for p99"
    lost = replace(good, latencies_s=np.full(1000, math.inf, np.float32))
    assert objective.missed(lost) == "p99 was beyond measure"


def test_a_probe_has_enough_arrivals_for_its_percentile_even_when_few_come() -> None:
    needed = Objective(99.0, 0.2).requests
    assert needed - 4 * math.sqrt(needed) > 360


def test_a_thorough_probe_settles_first_and_has_a_longer_window() -> None:
    objective = Objective(99.0, 0.2)
    assert probe_timing(objective, 1000.0, thorough=False) == (0.0, 2.0)
    assert probe_timing(objective, 1000.0, thorough=True) == (3.0, 10.0)
    assert probe_timing(objective, 20.0, thorough=True)[1] == pytest.approx(objective.requests / 20.0)
    assert probe_timing(objective, 0.1, thorough=True)[1] == 30.0


@pytest.mark.parametrize(
    ("kept", "missed", "middle"), [(400.0, 420.25, 410.0), (400.0, None, 400.0), (None, 15.0, None)]
)
def test_the_figure_of_a_search_is_the_middle_of_its_bracket(
    kept: float | None, missed: float | None, middle: float | None
) -> None:
    found = SearchResult(start=0, side="x", state="found", kept_rps=kept, missed_rps=missed)
    assert found.middle_rps == pytest.approx(middle)
