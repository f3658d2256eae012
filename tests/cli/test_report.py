"""A run that has nothing to report says so in one line."""

from pathlib import Path

import pytest

from loadtests.cli.report import show_report
from loadtests.records.run_folder import create_run_folder
from loadtests.system.errors import RunError
from tests.made_up_runs import make_run


@pytest.mark.parametrize(("budget_s", "longer"), [(60.0, "4m"), (300.0, "10m")])
def test_a_run_whose_time_was_up_before_anything_was_measured_says_what_to_do(
    budget_s: float, longer: str, tmp_path: Path
) -> None:
    manifest, _ = make_run(["noop"], [8])
    nothing = manifest.model_copy(update={"blocks": [], "budget_s": budget_s})
    create_run_folder(tmp_path / "run", nothing)
    with pytest.raises(RunError, match=f"before anything was measured; .* as in --budget {longer}, or fewer users"):
        show_report(tmp_path / "run")
