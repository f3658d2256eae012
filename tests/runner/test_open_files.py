"""Users need open files, and a run does not begin where the system allows too few of them."""

import math
import re

import pytest

from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.runner.run import check_open_files
from loadtests.system.errors import UsageError


@pytest.mark.parametrize(
    ("load", "most", "said"),
    [
        (ClosedLoop(100), 240, None),
        (ClosedLoop(4096), math.inf, None),
        (OpenLoop(100.0), 42, None),  # nobody knows yet how many requests will be in flight
        (ClosedLoop(100), 200, "that needs 240 open files, but the system allows 200; raise the limit with ulimit -n"
                               " 240, or use at most 80 users"),
        (ClosedLoop(1), 40, "that needs 42 open files, but the system allows 40; raise the limit with ulimit -n 42"),
    ],
)  # fmt: skip
def test_too_few_open_files_are_told_with_how_many_it_takes(load: Load, most: float, said: str | None) -> None:
    loads = [ClosedLoop(1), load] if isinstance(load, ClosedLoop) else [load]
    if said is None:
        check_open_files(loads, most)
        return
    with pytest.raises(UsageError, match=f"^--users {load.size:g}: {re.escape(said)}$"):
        check_open_files(loads, most)
