import pytest

from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.plan import CLOSED_SLICE_S, Timing, default_timing


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (1, 4.0),  # starting the servers takes about as long
        (4, 4.0),
        (10, 2.2),
        (28, 0.8),  # the default run
        (1000, 0.8),
    ],
)
def test_few_cells_are_measured_for_longer(cells: int, seconds: float) -> None:
    assert default_timing([ClosedLoop(8)], cells) == Timing(CLOSED_SLICE_S, seconds)


@pytest.mark.parametrize(
    ("rates", "slices"),
    [
        ([1000], 2),  # at least two seconds a side
        ([100], 5),  # 450 arrivals, of which a 99th percentile needs 368
        ([1000, 100], 5),  # the lowest rate decides
        ([1], 10),  # no p99 then; nobody waits for eight minutes
    ],
)
def test_an_open_loop_is_measured_until_a_99th_percentile_is_known(rates: list[float], slices: int) -> None:
    timing = default_timing([OpenLoop(rate) for rate in rates], 1)
    assert timing.slice_s == 1.0
    assert timing.pairing_s == pytest.approx(2 * slices * 1.6)
