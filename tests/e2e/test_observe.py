"""A run that looks inside its servers, as a user makes it."""

import json
from pathlib import Path

import pytest

from loadtests.records.run_folder import RunFolder
from tests.e2e.harness import bench_here

pytestmark = pytest.mark.timeout(300)


def observed(out: Path, users: str) -> Path:
    options = ("--blocks=1", "--time=0.6", "--observe", "--no-control")
    status, _output, errors = bench_here("run", "external_api", "query", f"--users={users}", *options, f"--out={out}")
    assert status == 0, errors
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return observed(tmp_path_factory.mktemp("observe") / "run", "1,64")


@pytest.mark.slow
def test_every_trial_has_a_timeline(run: Path) -> None:
    trials = dict(RunFolder(run).read_trials())
    assert len(trials) == 8
    for key, recording in trials.items():
        assert recording.timeline is not None, key
        assert recording.timeline.rows["in_flight"].max() > 0, key
        assert recording.timeline.known("turns_waiting") or key.scenario == "external_api"


@pytest.mark.quiet
def test_the_limits_are_seen(tmp_path: Path) -> None:
    run = observed(tmp_path / "run", "64")
    cells = json.loads((run / "summary.json").read_text())["cells"]
    seen = {(c["scenario"], c["load"]["users"], c["label"]): c for c in cells}
    waiting = seen["external_api", 64, "a"]["seen"]
    assert waiting["threads"] > 35
    assert waiting["threads_waiting"] > 5
    assert seen["external_api", 64, "b"]["seen"]["threads"] < 1
    for label in "ab":
        assert seen["query", 64, label]["limit_seen"] == "connections"
        assert 10 < seen["query", 64, label]["seen"]["connections"] <= 15
        assert seen["query", 64, label]["seen"]["turns_waiting"] > 30


@pytest.mark.slow
def test_the_report_shows_where_requests_were(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert "Where the requests of query were with 64 users" in page
    assert "requests waiting for a turn at the database" in page
    assert "Observed limit" in page
    assert len(list((run / "charts").glob("timeline-*.svg"))) == 2


@pytest.mark.slow
def test_any_cell_can_be_drawn(run: Path) -> None:
    status, output, errors = bench_here("timeline", str(run), "external_api", "--load", "1")
    assert status == 0, errors
    *_, png = output.split()
    assert png.endswith("u1.png")
    assert Path(png).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "nothing was measured of nosuch"),
        (["query", "--load", "9"], "query was not measured with 9"),
        (["query", "--block", "2"], "there is no block 2"),
    ],
)
def test_what_was_not_measured_is_not_drawn(run: Path, arguments: list[str], said: str) -> None:
    status, _output, errors = bench_here("timeline", str(run), *arguments)
    assert status == 2
    assert said in errors


@pytest.mark.slow
def test_one_side_and_several_workers(tmp_path: Path) -> None:
    command = ["run", "external_api", "--users", "8", "--blocks", "1", "--time", "0.4", "--out", str(tmp_path / "run")]
    status, _output, errors = bench_here(*command, "--a", "async", "--b", "async,observe=on,workers=2")
    assert status == 0, errors
    timelines = {key.label: recording.timeline for key, recording in RunFolder(tmp_path / "run").read_trials()}
    assert timelines["a"] is None
    assert timelines["b"] is not None
    assert 0 < timelines["b"].rows["in_flight"].max() <= 8
