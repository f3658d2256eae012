"""Searches on simulated queues whose capacity is known, by the search, objective and timing of the real ones."""

import math

import numpy as np
import pytest

from loadtests.analysis.trial_summary import summarise
from loadtests.slo.objective import Objective, RateSearch, probe_timing
from tests.made_up_queues import Services, recorded

SEARCHES, STARTS = 20, 3


def found_rps(
    service_rps: float, services: Services, objective: Objective, rng: np.random.Generator, hint_rps: float | None
) -> float:
    """Search once, and return the middle between what was kept and what was missed."""
    search = RateSearch(50.0, 20_000.0, 15.0, hint_rps)
    while search.state == "searching":
        lead_in_s, window_s = probe_timing(objective, search.rate_rps, thorough=search.thorough)
        trial = recorded(
            search.rate_rps, 1 / service_rps, services, rng, lead_in_s=max(0.3, lead_in_s), window_s=window_s, slices=1
        )
        search.record(kept=objective.missed(summarise(trial, arrivals=True)) is None)
    assert search.kept_rps is not None
    assert search.missed_rps is not None
    return math.sqrt(search.kept_rps * search.missed_rps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("services", "service_rps", "limit_s", "capacity_rps"),
    [
        # M/M/1: the response time is exponentially distributed, with the rate served - arriving.
        ("exponential", 200.0, 0.2, 200.0 - math.log(100) / 0.2),
        ("exponential", 400.0, 0.1, 400.0 - math.log(100) / 0.1),
        ("exponential", 1000.0, 0.05, 1000.0 - math.log(100) / 0.05),
        ("exponential", 1000.0, 0.2, 1000.0 - math.log(100) / 0.2),
        ("constant", 500.0, 0.05, 453.7),  # M/D/1: by a simulation of 4 million requests
    ],
)
def test_the_rate_that_is_found_is_the_capacity(
    services: Services, service_rps: float, limit_s: float, capacity_rps: float
) -> None:
    rng, objective, off = np.random.default_rng(1), Objective(99.0, limit_s), []
    for _ in range(SEARCHES):
        hint_rps = None
        for _ in range(STARTS):
            hint_rps = found_rps(service_rps, services, objective, rng, hint_rps)
            off.append(math.log(hint_rps / capacity_rps))
    assert abs(math.exp(float(np.mean(off))) - 1) < 0.03
