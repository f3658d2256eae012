import gc
from contextlib import suppress

import pytest

from loadtests.system.resources import MOST_SLOWNESS, no_garbage_collection, slowness


def test_garbage_is_collected_again_after_the_block_also_after_an_error() -> None:
    with suppress(ValueError), no_garbage_collection():
        assert not gc.isenabled()
        raise ValueError
    assert gc.isenabled()


def test_an_inner_block_leaves_collecting_to_the_outer_one() -> None:
    with no_garbage_collection():
        with no_garbage_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("passed_s", "cpu_s", "expected"),
    [(1.0, 1.0, 1.0), (1.0, 1.1, 1.0), (3.0, 1.0, 3.0), (60.0, 1.0, MOST_SLOWNESS), (1.0, 0.0, 1.0)],
)
def test_how_slow_a_machine_is_follows_from_what_computing_took(passed_s: float, cpu_s: float, expected: float) -> None:
    assert slowness(passed_s, cpu_s) == expected
