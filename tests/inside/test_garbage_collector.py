"""A fresh server begins anywhere in the garbage collector's cycle."""

import gc
from collections.abc import Iterator

import pytest

from loadtests.inside.uvicorn_config import COLLECTIONS, Config, begin_anywhere, spare_imports


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    gc.disable()  # nothing but what is asked for
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_the_cycle_is_as_far_as_it_was_told(share: float) -> None:
    begin_anywhere(share)
    assert gc.get_count()[2] == 1 + int(share * COLLECTIONS)


def test_the_next_full_collection_is_not_brought_about_by_putting_it_there() -> None:
    begin_anywhere(0.0)
    before = gc.get_stats()[2]["collections"]
    begin_anywhere(0.99)
    assert gc.get_stats()[2]["collections"] == before + 1  # its own, at the beginning


def test_spared_imports_are_out_of_the_collectors_sight() -> None:
    spare_imports()
    assert gc.get_freeze_count() > len(gc.get_objects())


@pytest.mark.parametrize(("collector", "frozen"), [("default", False), ("freeze", True)])
def test_loading_an_app_puts_the_collector_in_its_place(collector: str, frozen: bool) -> None:
    config = Config("loadtests.servers.reference:base")
    config.spec, config.collector = "loadtests.servers.reference:base", collector
    config.load()
    assert (gc.get_freeze_count() > 0) is frozen
