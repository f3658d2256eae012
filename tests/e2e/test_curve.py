"""A curve as a user has it drawn: a first look, a run of the loads that it chose, and one chart more."""

from pathlib import Path

import pytest

from loadtests.records.run_folder import RunFolder
from tests.e2e.harness import bench_here

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_scenario_is_measured_from_one_user_on_and_drawn(tmp_path: Path) -> None:
    out = tmp_path / "run"
    status, output, errors = bench_here(
        "curve", "external_api[wait_ms=20]", "--most", "8", "--blocks", "1", "--time", "0.4", "--no-control",
        "--out", str(out),
    )  # fmt: skip
    assert status == 0, errors
    assert "first measuring what one request needs" in output
    assert "ms of wait with sync" in output
    loads = [load.size for _, load in RunFolder(out).read_manifest().cells()]
    assert (loads[0], loads[-1]) == (1, 8)
    assert len(loads) > 3
    [chart] = (out / "charts").glob("curve-*.svg")
    assert f"curve    {chart}" in output
    assert (
        "Throughput of external_api[wait_ms=20] against users, with its ceilings" in (out / "report.html").read_text()
    )
    assert not list(tmp_path.glob("*look*"))
