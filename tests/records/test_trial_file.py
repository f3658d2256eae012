import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.records.samples import Samples
from loadtests.records.trial_file import TICKS_PER_S, on_tick, pack, unpack

LATEST_S = 1e6
HALF_A_TICK = 0.5 / TICKS_PER_S + 1e-12
ROUNDING = float(np.finfo(float).eps)
"""What two roundings of doubles may add, as a share of an instant."""
instants = st.floats(0, LATEST_S)
maybe = instants | st.just(math.nan)


def samples(rows: list[tuple[float, float, float, float]]) -> Samples:
    columns = np.array(rows, dtype=float).reshape(-1, 4).T.copy()
    count = len(rows)
    numbers = np.arange(count, dtype=np.uint16)
    scheduled, sent, first_byte, ended = columns
    return Samples(scheduled, sent, first_byte, ended, numbers, numbers.astype(np.uint8), numbers)


@settings(deadline=None)
@given(st.lists(st.tuples(instants, instants, maybe, maybe), max_size=20))
def test_any_times_come_back_to_half_a_tick(rows: list[tuple[float, float, float, float]]) -> None:
    before = samples(rows)
    after = unpack(pack(before))
    for name in ("scheduled_s", "sent_s", "first_byte_s", "ended_s"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=ROUNDING, atol=HALF_A_TICK)
    for name in ("status", "failure", "request"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


@settings(deadline=None)
@given(st.lists(st.tuples(instants, instants, maybe, maybe), max_size=20))
def test_what_was_read_is_saved_again_without_a_change(rows: list[tuple[float, float, float, float]]) -> None:
    once = unpack(pack(samples(rows)))
    twice = unpack(pack(once))
    for name in ("scheduled_s", "sent_s", "first_byte_s", "ended_s"):
        np.testing.assert_array_equal(getattr(twice, name), getattr(once, name))


def test_what_is_due_at_an_edge_stays_there() -> None:
    edge = 12.3456789123
    after = unpack(pack(samples([(edge, edge, edge, edge)])))
    assert after.scheduled_s[0] == on_tick(edge)
    assert on_tick(math.inf) == math.inf


@pytest.mark.parametrize(("apart_s", "size"), [(1e-6, 1), (1e-4, 2), (1.0, 4), (1000.0, 8)])
def test_a_column_is_as_small_as_its_largest_value_lets_it_be(apart_s: float, size: int) -> None:
    assert pack(samples([(0.0, 0.0, apart_s, apart_s)]))["head"].itemsize == size
