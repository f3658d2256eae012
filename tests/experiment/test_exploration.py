"""How far both sides are explored: options and keys of a file, and what can't be."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from loadtests.experiment import exploration as module
from loadtests.experiment.bench_toml import parse_bench_toml
from loadtests.experiment.bench_toml_options import file_options
from loadtests.experiment.exploration import Exploration
from loadtests.experiment.options import RunOptions
from loadtests.system.errors import UsageError

SIDES = '[a]\napp = "x:app"\n[b]\napp = "y:app"\n[[scenario]]\nrequest = "GET /x"\n'


def test_nothing_is_explored_unless_it_is_asked_for() -> None:
    assert RunOptions().exploration() is None
    assert RunOptions(explore=True, seed=7).exploration() == Exploration(seed=7)


def test_a_file_says_as_much_as_a_command_line() -> None:
    keys = (
        'explore = true\nexplore_cases = 9\nexplore_time = 2.5\nexplore_writes = true\nexplore_document = "/d.json"\n'
    )
    options = file_options(parse_bench_toml((keys + SIDES).encode()), Path("bench.toml")).run_options(
        {"explore_cases": 4}
    )
    assert options.exploration() == Exploration(4, 2.5, writes=True, document="/d.json")


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ({"explore_cases": 5}, "--explore-cases works only with --explore; add that"),
        ({"explore_writes": True}, "--explore-writes works only with --explore; add that"),
        ({"explore": True, "explore_cases": 0}, "--explore-cases 0: must be from 1"),
        ({"explore": True, "explore_time": 0.0}, "--explore-time 0: must be above 0"),
        ({"explore": True, "explore_document": "openapi.json"}, "write a path that starts with"),
    ],
)
def test_what_can_not_be_explored_is_named_with_its_mend(given: dict[str, Any], mend: str) -> None:
    with pytest.raises(UsageError, match=re.escape(mend)):
        RunOptions(**given).exploration()


def test_without_schemathesis_it_is_said_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: importlib.util.find_spec(f"no_{name}"))
    with pytest.raises(UsageError, match=r"needs schemathesis, which is not installed: uv run --extra explore") as said:
        Exploration()
    assert "\n" not in str(said.value)
