"""The highest rate that keeps an objective, on real servers."""

import json
from pathlib import Path

import pytest

from loadtests.slo import objective, search
from tests.e2e.harness import bench_here


@pytest.fixture
def short_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes of a third of their time; by simulation, as far below the true rate as whole ones with p50=300ms."""
    monkeypatch.setattr(objective, "LEAD_IN_S", 1.0)
    monkeypatch.setattr(objective, "WINDOW_S", 4.0)
    monkeypatch.setattr(search, "START_RPS", 150.0)


@pytest.mark.quiet
@pytest.mark.timeout(330)
@pytest.mark.usefixtures("short_probes")
def test_a_loop_that_sleeps_for_5_ms_sustains_less_than_200_a_second(tmp_path: Path) -> None:
    out = tmp_path / "slo"
    scenario = "--scenario=blocking[wait_ms=5]"
    status, output, errors = bench_here("capacity", "async", "--slo=p50=100ms", scenario, "--starts=1", f"--out={out}")
    assert status == 0, errors
    record = json.loads((out / "slo.json").read_text())
    [found] = record["found"]
    assert record["complete"] is True
    assert found["state"] == "found"
    assert found["missed_rps"] / found["kept_rps"] <= 1.05
    assert found["kept_rps"] < 1.06 / 0.005  # arrivals are at random: a few more than on average may come
    assert any(probe["missed"] for probe in record["probes"])
    assert {probe["thorough"] for probe in record["probes"]} == {False, True}
    assert "blocking[wait_ms=5]: p50 within 100 ms" in output
    assert not (out / "work").exists()


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["--slo=p99"], "as in --slo p99=200ms"),
        (["sync"], "add --slo"),
        ([], "give --cpu-ms and --wait-ms"),
        (["--slo=p99=200ms", "--cpu-ms=1"], "use only one kind"),
        (["sync", "async", "sync", "--slo=p99=200ms"], "name one side or two"),
        (["--slo=p99=200ms", "--scenario=reader"], "add --driver locust"),
        (["--slo=p99=200ms", "--starts=0"], "from 1 to"),
        (["--slo=p99=200ms", "--scenario=POST /x", "--json={"], "this is not JSON"),
        (["--cpu-ms=1", "--wait-ms=1", "--json={}"], "add --slo"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], mend: str) -> None:
    status, output, errors = bench_here("capacity", *arguments)
    assert status == 2
    assert mend in errors
    assert len(errors.splitlines()) == 1
    assert output == ""
