"""Answers that are no good ones, or not the same on both sides: which status came, and what they said."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import bench, bench_here, summary
from tests.e2e.refusing import FULL_BYTES

REFUSING = "tests.e2e.refusing:app"
FAILED = {
    "GET /shelf": (307, "Temporary Redirect", "/shelf/", ""),
    "GET /members": (401, "Unauthorized", "", '{"detail":"sign in first"}'),
    "GET /limited": (429, "Too Many Requests", "", '{"detail":"slow down"}'),
    "GET /nothing": (404, "Not Found", "", '{"detail":"Not Found"}'),
}
SHORT = ("--users=2", "--blocks=1", "--time=0.4", "--no-control")


def cells(run: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = summary(run)["cells"]
    return found


@pytest.mark.parametrize("driver", ["httpx", pytest.param("locust", marks=pytest.mark.slow)])
def test_statuses_are_named_with_what_came_and_a_run_without_a_good_answer_ends_with_3(
    driver: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    sides = (f"--a={REFUSING}", f"--b={REFUSING}", f"--driver={driver}", f"--out={out}")
    status, output, errors = bench("run", *FAILED, *SHORT, *sides)
    assert status == 3
    assert errors.splitlines()[-1].startswith("bench: neither side gave a good answer: ")
    for cell in cells(out):
        number, phrase, location, body = FAILED[cell["scenario"]]
        assert cell["statuses"] == {str(number): cell["requests"]}
        assert cell["failures"] == {"status": cell["requests"]}
        [kind] = cell["failed"]
        assert (kind["asked"], kind["status"], kind["count"]) == (cell["scenario"], number, cell["requests"])
        assert (kind["location"], kind["body"]) == (location, body)
        assert cell["collapsed"] == [f"not one good answer ({cell['requests']:,} × {number} {phrase})"]
        assert f"{cell['requests']:,} × {number} {phrase}" in output
    page = (out / "report.html").read_text()
    for number, phrase, location, body in FAILED.values():
        assert f"× {number} {phrase}" in page
        assert location in page
        assert body.replace('"', "&#34;") in page
    assert bench_here("report", str(out))[0] == 3


def test_a_side_that_answers_beside_one_that_does_not_is_no_failed_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sides = (f"--a={REFUSING}", "--b=tests.e2e.faulty:fine", "--unequal", f"--out={out}")
    status, output, errors = bench_here("run", "GET /members", *SHORT, *sides)
    assert status == 0, errors
    assert '× 401 Unauthorized “{"detail":"sign in first"}”' in output


def test_sides_that_do_not_answer_alike_are_told(tmp_path: Path) -> None:
    out, full = tmp_path / "run", f"{FULL_BYTES / 1000:.1f} kB"
    sizes = {"GET /empty": "2 bytes", "GET /wrong": "40 bytes", "GET /full": full}
    sides = ("--a=tests.e2e.refusing:full", "--b=tests.e2e.refusing:mixed", "--unequal", f"--out={out}")
    status, output, errors = bench_here("run", *sizes, *SHORT, *sides)
    assert status == 0, errors
    assert {cell["answer_sizes"][0]["mean_bytes"] for cell in cells(out) if cell["label"] == "a"} == {FULL_BYTES}
    comparisons = summary(out)["comparisons"]
    flagged = {each["scenario"] for each in comparisons if "answers-differ" in each["flags"]}
    assert flagged == {"GET /empty", "GET /wrong"}
    for text in (" ".join(output.split()), " ".join((out / "report.html").read_text().split())):
        for scenario, size in sizes.items():
            said = f"the sides do not answer alike: {full} from full, {size} from mixed"
            assert (said in text) == (scenario in flagged), scenario
