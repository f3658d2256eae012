"""What a check says about the blog's two builds, whose mistakes are declared."""

from pathlib import Path

import pytest

from loadtests.check.checking import CheckOptions, carry_out
from loadtests.check.record import Check, RouteCheck

W = "/api/workloads"
PITFALLS = {
    f"{W}/blocking": "async_app/routers/workloads.py",
    f"{W}/blocking-session": "async_app/routers/workloads.py",
    f"{W}/blocking-client": "async_app/pitfalls.py",
}
"""Routes of the async build that block its loop, as tests/contract/test_blocking.py has them, each with its file."""
OUTSIDE = {f"{W}/upstream", f"{W}/blocking-client"}
ASLEEP = {f"{W}/mixed", f"{W}/blocking"}
"""Routes of the sync build that wait in a thread: for another service, and in time.sleep."""
COMPUTING = {f"{W}/hash", f"{W}/thumbnail", f"{W}/crunch"}


def checked(build: str, folder: Path) -> dict[str, RouteCheck]:
    found: Check = carry_out(CheckOptions(build, budget_s=60.0), folder / "work", lambda _: None).check
    return {route.path: route for route in found.routes if route.method == "GET"}


@pytest.mark.slow
def test_the_declared_pitfalls_of_the_async_build_block_its_loop_and_nothing_else_does(tmp_path: Path) -> None:
    routes = checked("async", tmp_path)
    blocking = {
        path: finding.site.file if finding.site else ""
        for path, route in routes.items()
        for finding in route.findings
        if finding.problem == "blocks-by-waiting"
    }
    assert blocking == PITFALLS
    assert {routes[path].verdict for path in PITFALLS} == {"make-def"}
    others = {path for path, route in routes.items() if route.verdict not in ("keep", "not-known")} - PITFALLS.keys()
    assert others <= COMPUTING
    assert all(routes[path].findings[0].problem == "blocks-by-computing" for path in others)


@pytest.mark.slow
def test_the_sync_build_may_wait_for_other_services_without_threads_and_computes_where_it_should(
    tmp_path: Path,
) -> None:
    routes = checked("sync", tmp_path)
    changing = {path: route.verdict for path, route in routes.items() if route.verdict not in ("keep", "not-known")}
    assert changing == dict.fromkeys(OUTSIDE | ASLEEP, "make-async")
    (remark,) = routes[f"{W}/query"].findings
    assert "its pool of 15 connections is the limit" in remark.sentence
    assert remark.verdict == "keep"
    assert all(routes[path].verdict == "keep" for path in COMPUTING)
