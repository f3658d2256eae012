"""When a run gives up sides that can't be started, and what it says of them."""

from collections.abc import Mapping, Sequence

import pytest

from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import ServerName
from loadtests.runner.start_failures import StartFailures, in_words
from loadtests.system.errors import RunError

EXPERIMENT = RunOptions(scenarios=("GET /x",), a="old:app", b="new:app").experiment()
Broken = Mapping[ServerName, str]
A: Broken = {"a": "exited"}
B: Broken = {"b": "hung"}
NONE: Broken = {}


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([NONE, {"control": "exited"}, {"control": "exited"}], None),
        ([A, NONE, A, B], None),  # never twice in a row
        ([{**A, **B}], "side 'old:app' could not be started: exited; side 'new:app' could not be started: hung"),
        ([{"a": "exited", "b": "exited"}], "neither side could be started: exited"),
        ([NONE, B, B], "side 'new:app' could not be started in 2 blocks in a row: hung"),
    ],
)
def test_a_run_is_given_up_when_neither_side_starts_or_one_does_not_twice_in_a_row(
    blocks: Sequence[Broken], said: str | None
) -> None:
    failures = StartFailures(EXPERIMENT)
    *earlier, last = blocks
    for broken in earlier:
        failures.check(broken)
    if said is None:
        failures.check(last)
        return
    with pytest.raises(RunError) as error:
        failures.check(last)
    assert str(error.value) == said


def test_one_side_alone_is_named() -> None:
    assert in_words(EXPERIMENT, {"control": "exited", **B}) == "side 'new:app' could not be started: hung"
