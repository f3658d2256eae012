"""The engine's end of the load process, without one."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.lab import load
from loadtests.lab.load import MOST_STARTS, LoadDriver
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError


class Ended:
    """A child that has ended before it could say anything."""

    started = 0
    alive = False

    def __init__(self, *_: Any, **__: Any) -> None:
        Ended.started += 1

    def last_words(self) -> str:
        return "ImportError: no module of that name"

    def stop(self, grace_s: float = 0.0) -> None:
        pass


def test_a_load_process_that_never_starts_is_given_up_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "Child", Ended)
    monkeypatch.setattr(Ended, "started", 0)
    with LoadDriver(Cores((), ()), tmp_path / "log") as driver:
        for _ in range(MOST_STARTS - 1):
            assert driver.reports(0.0) == []
            assert driver.replace_if_gone() == "the load process ended (ImportError: no module of that name)"
        with pytest.raises(RunError, match="the load process does not start: ImportError: no module of that name"):
            driver.replace_if_gone()
    assert Ended.started == MOST_STARTS
