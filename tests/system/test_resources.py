import gc
from contextlib import suppress

from loadtests.system.resources import no_garbage_collection


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
