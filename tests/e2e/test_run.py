import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.records.manifest import Manifest
from tests.e2e.harness import bench, bench_here, summary, throughput


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run of the real builds: a read, a write and a wait."""
    folder = tmp_path_factory.mktemp("results") / "run"
    scenarios = ("list_posts", "create_post", "external_api[wait_ms=5]")
    status, output, errors = bench("run", *scenarios, "--users=1,8", "--blocks=2", "--time=0.3", f"--out={folder}")
    assert status == 0, errors
    (folder.parent / "output").write_text(output)
    return folder


def test_the_terminal_shows_a_verdict_for_every_cell_and_where_the_report_is(run: Path) -> None:
    output = (run.parent / "output").read_text()
    for scenario in ("list_posts", "create_post", "external_api[wait_ms=5]"):
        assert scenario in output
    assert output.count("×") >= 6
    assert str(run / "report.html") in output


def test_every_cell_was_measured_on_both_sides_without_a_failure(run: Path) -> None:
    found = summary(run)
    assert (found["schema"], found["complete"], found["run"]) == (1, True, "run")
    assert len(found["cells"]) == 3 * 2 * 2
    for cell in found["cells"]:
        assert cell["failures"] == {}
        assert cell["collapsed"] == []
        assert cell["throughput"]["value"] > 0
        assert cell["cpu_per_request"]["value"] > 0
        assert cell["rss_bytes"] > 10_000_000
        assert cell["threads"] >= 1


def test_each_block_has_both_sides_so_each_ratio_has_two_pairs(run: Path) -> None:
    for comparison in throughput(run).values():
        assert comparison["blocks"] == 2
        assert comparison["flags"][0] == "too-few-blocks"
        assert comparison["ratio"] > 0


def test_the_folder_holds_what_it_should_and_no_leftovers(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == [
        "charts",
        "report.html",
        "run.json",
        "summary.json",
        "trials",
    ]
    cells, control, blocks, sides = 3 * 2, 1, 2, 2
    assert len(list((run / "trials").iterdir())) == (cells + control) * blocks * sides
    assert {path.suffix for path in (run / "charts").iterdir()} == {".svg"}


def test_charts_are_written_as_png_on_demand(run: Path) -> None:
    before = sorted((run / "charts").iterdir())
    for option, pngs in (("--png", [path.with_suffix(".png") for path in before]), ("", [])):
        status, _, errors = bench_here("report", str(run), *filter(None, [option]))
        assert status == 0, errors
        assert sorted((run / "charts").iterdir()) == sorted([*before, *pngs])


def test_a_report_imports_nothing_that_measures(run: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from loadtests.cli.report import show_report;"
        "show_report(Path(sys.argv[1]));"
        "print([name for name in ('httpx', 'sqlalchemy', 'uvicorn', 'loadtests.runner') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(run)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_report_rebuilds_the_same_numbers_from_raw_samples(run: Path) -> None:
    before = (run / "summary.json").read_bytes()
    (run / "summary.json").unlink()
    (run / "report.html").unlink()
    status, _, errors = bench_here("report", str(run))
    assert status == 0, errors
    assert (run / "summary.json").read_bytes() == before
    assert (run / "report.html").exists()


def test_report_names_a_truncated_trial(run: Path) -> None:
    victim = min((run / "trials").iterdir())
    whole = victim.read_bytes()
    try:
        victim.write_bytes(whole[:100])
        status, _, errors = bench_here("report", str(run))
    finally:
        victim.write_bytes(whole)
    assert status == 2
    assert victim.name in errors
    assert len(errors.splitlines()) == 1


def test_the_driver_was_measured_by_itself_before_the_first_block(run: Path) -> None:
    manifest = Manifest.model_validate_json((run / "run.json").read_bytes())
    assert manifest.driver_ceiling_rps
    assert manifest.driver_overhead_s is not None


def test_the_manifest_says_what_was_run_on_what(run: Path) -> None:
    manifest = (run / "run.json").read_text()
    for word in ('"seed": 0', '"uvicorn"', '"session_limit"', '"external_api[wait_ms=5]"', '"started"', '"commit"'):
        assert word in manifest
