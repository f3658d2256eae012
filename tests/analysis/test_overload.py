"""Open loops near and above a server's capacity, which is known: queues by simulation."""

import numpy as np
import pytest

from loadtests.analysis.flag_checks import flags_of
from loadtests.analysis.flags import Conditions
from loadtests.analysis.trial_summary import summarise
from loadtests.experiment.loads import OpenLoop
from tests.made_up_queues import Services, recorded

CAPACITY_RPS = 450.0
CELLS, BLOCKS = 40, 6


def flagged(load: float, services: Services) -> dict[str, float]:
    """Return each flag of a side and the share of simulated cells that have it; two slices a block, as by default."""
    rng, rate = np.random.default_rng(1), load * CAPACITY_RPS
    found: dict[str, float] = {}
    for _ in range(CELLS):
        trials = [recorded(rate, 1 / CAPACITY_RPS, services, rng) for _ in range(BLOCKS)]
        column = [summarise(trial, arrivals=True) for trial in trials]
        for flag in flags_of(OpenLoop(rate), [(s, s) for s in column], Conditions()):
            if flag.label == "a":
                found[flag.name] = found.get(flag.name, 0.0) + 1 / CELLS
    return found


@pytest.mark.slow
@pytest.mark.parametrize("services", ["constant", "exponential"])
def test_a_server_that_keeps_up_is_not_overloaded_and_seldom_drifts_by_chance(services: Services) -> None:
    found = flagged(0.89, services)
    assert found.keys() <= {"not-steady"}
    assert found.get("not-steady", 0.0) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("services", ["constant", "exponential"])
@pytest.mark.parametrize("load", [1.06, 1.11, 1.22, 1.5, 2.0])
def test_a_server_that_cannot_keep_up_is_overloaded_and_nothing_else(load: float, services: Services) -> None:
    found = flagged(load, services)
    assert list(found) == ["overloaded"]
    assert found["overloaded"] >= 0.975
