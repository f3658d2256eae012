"""Histories: which runs belong together, and what a change of level is put down to."""

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.analysis.history import History, Trend, histories
from loadtests.analysis.run_differences import SavedRun
from loadtests.report.history import PLAIN_BARS, bars, change_in_words, heading, lines
from tests.e2e.harness import bench_here
from tests.made_up_history import commit_at, run_of_day, save_history


def saved(days: int, **options: object) -> list[SavedRun]:
    runs = [run_of_day(day, **options) for day in range(days)]  # type: ignore[arg-type]
    return [SavedRun(manifest.name, manifest, outcome) for manifest, outcome in runs]


def trend(history: History, what: str) -> Trend:
    return next(each for each in history.trends if each.what == what)


def test_a_side_that_became_slower_is_found_with_its_commits() -> None:
    [history] = histories(saved(20, speed=lambda day, label: 0.9 if label == "b" and day >= 12 else 1.0))
    assert trend(history, "a").changes == ()
    for what in ("ratio", "b"):
        [change] = trend(history, what).changes
        assert (change.before.name, change.after.name) == ("day-11", "day-12")
        assert change.commits["b"].before == commit_at(11)
        assert change.commits["b"].after == commit_at(12)
        assert not change.of_the_machine
    said = lines(history)
    assert len(said) == 2
    assert f"side b {commit_at(11)[:12]}..{commit_at(12)[:12]}" in said[1]
    assert said[1].endswith("The ratio changed there too: probably the code or the packages of this side.")


def test_a_change_of_the_machine_is_not_taken_for_one_of_the_code() -> None:
    runs = saved(8) + [SavedRun(m.name, m, o) for m, o in (run_of_day(day, machine=0.8) for day in range(8, 16))]
    [history] = histories(runs)
    assert trend(history, "ratio").changes == ()
    assert [each.after.name for each in trend(history, "driver").changes] == ["day-08"]
    for label in ("a", "b"):
        [change] = trend(history, label).changes
        assert change.of_the_machine
        assert "probably the machine, not the code" in change_in_words(trend(history, label), change)


def test_what_both_sides_share_is_told_apart_from_one_side() -> None:
    [history] = histories(saved(16, speed=lambda day, _label: 0.85 if day >= 8 else 1.0))
    [change] = trend(history, "b").changes
    assert change.with_ratio is False
    assert "either something that both sides share, or the machine" in change_in_words(trend(history, "b"), change)


def test_nothing_follows_from_a_change_where_the_driver_may_have_been_the_limit() -> None:
    def bound(run: SavedRun) -> SavedRun:
        comparisons = [replace(c, flags=[*c.flags, "driver-bound:b"]) for c in run.outcome.comparisons]
        return replace(run, outcome=replace(run.outcome, comparisons=comparisons))

    runs = saved(16, speed=lambda day, label: 0.8 if label == "b" and day >= 8 else 1.0)
    [history] = histories([*runs[:8], *map(bound, runs[8:])])
    for what in ("ratio", "b"):
        [change] = trend(history, what).changes
        assert change.driver_bound
        assert "this says nothing about the sides" in change_in_words(trend(history, what), change)
    [history] = histories(runs)
    assert not trend(history, "b").changes[0].driver_bound


def test_of_two_sides_that_changed_unlike_none_is_named_alone() -> None:
    """Side a lost a tenth and side b three tenths."""
    [history] = histories(saved(16, speed=lambda day, label: {"a": 0.9, "b": 0.7}[label] if day >= 8 else 1.0))
    assert len(trend(history, "ratio").changes) == 1
    for what in ("a", "b"):
        [change] = trend(history, what).changes
        assert (change.with_ratio, change.with_other) == (True, True)
        assert "both sides changed, by different factors" in change_in_words(trend(history, what), change)


def test_a_change_at_one_and_the_same_commit_is_not_the_code() -> None:
    def at_one_commit(run: SavedRun) -> SavedRun:
        sides = {label: getattr(run.manifest, label).model_copy(update={"commit": "c" * 40}) for label in ("a", "b")}
        return replace(run, manifest=run.manifest.model_copy(update=sides))

    runs = saved(16, speed=lambda day, label: 0.8 if label == "b" and day >= 8 else 1.0)
    runs = [at_one_commit(run) for run in runs]
    packages = {**runs[0].manifest.environment.packages, "uvicorn": "9.9"}
    newer = runs[0].manifest.environment.model_copy(update={"packages": packages})
    runs[8:] = [replace(r, manifest=r.manifest.model_copy(update={"environment": newer})) for r in runs[8:]]
    [history] = histories(runs)
    said = change_in_words(trend(history, "b"), trend(history, "b").changes[0])
    assert "also changed: uvicorn 1.2.3 → 9.9" in said
    assert said.endswith("The commit is the same before and after: not the code.")


def test_a_scenario_that_asks_something_else_since_then_has_not_changed_its_level() -> None:
    """From day 8 on the scenario asks for more, so both sides handle less of it."""

    def asking(run: SavedRun, path: str) -> SavedRun:
        scenarios = [
            each.model_copy(update={"requests": tuple(r.model_copy(update={"path": path}) for r in each.requests)})
            for each in run.manifest.scenarios
        ]
        return replace(run, manifest=run.manifest.model_copy(update={"scenarios": scenarios}))

    runs = saved(16, speed=lambda day, _label: 0.5 if day >= 8 else 1.0)
    [history] = histories(asking(run, "/old" if day < 8 else "/new") for day, run in enumerate(runs))
    names = [f"day-{day:02d}" for day in range(8, 16)]
    for what in ("ratio", "a", "b", "control"):
        assert [run.name for run in trend(history, what).runs] == names
        assert trend(history, what).changes == ()
    assert len(trend(history, "driver").figures) == 16
    others = ", ".join(f"day-{day:02d}" for day in range(8))
    assert history.left_out == (f"query: {others} asked different requests under this name",)
    assert histories(runs)[0].left_out == ()


def test_other_machines_and_other_sides_are_other_histories() -> None:
    runs = saved(4)
    elsewhere = runs[0].manifest.environment.model_copy(update={"cores": 64})
    runs[0] = replace(runs[0], manifest=runs[0].manifest.model_copy(update={"environment": elsewhere}))
    b = runs[1].manifest.b
    other = b.model_copy(update={"settings": {**b.settings, "workers": 4}})
    runs[1] = replace(runs[1], manifest=runs[1].manifest.model_copy(update={"b": other}))
    assert [[run.name for run in history.runs] for history in histories(runs)] == [
        ["day-02", "day-03"],
        ["day-00"],
        ["day-01"],
    ]


def test_the_heading_names_the_first_and_the_last_day_or_the_only_one() -> None:
    [one], [several] = histories(saved(1)), histories(saved(3))
    first, last = (f"{several.runs[at].manifest.created:%Y-%m-%d}" for at in (0, -1))
    assert heading(one).startswith(f"1 run, {first}: ")
    assert heading(several).startswith(f"3 runs, {first} to {last}: ")


def test_runs_stand_in_the_order_in_which_they_were_made() -> None:
    [history] = histories(reversed(saved(3)))
    assert [run.name for run in history.runs] == ["day-00", "day-01", "day-02"]
    assert lines(history) == ["To look for changes, it takes at least 6 runs."]
    assert len(bars(trend(history, "b"), PLAIN_BARS)) == 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of ten runs, of which the last ones are slower, and three folders that are no complete run."""
    save_history(tmp_path, 10, lambda day, label: 0.8 if label == "b" and day >= 5 else 1.0)
    (tmp_path / "day-03" / "summary.json").unlink()
    run_json = tmp_path / "day-04" / "run.json"
    run_json.write_text(run_json.read_text().replace('"schema": 2', '"schema": 9').replace('"schema":2', '"schema":9'))
    run_json = tmp_path / "day-02" / "run.json"
    run_json.write_text(run_json.read_text().replace('"complete": true', '"complete": false'))
    run_json.write_text(run_json.read_text().replace('"complete":true', '"complete":false'))
    (tmp_path / "day-00" / "run.json").write_text('{"schema"')
    return tmp_path


def test_the_command_tells_of_every_folder_that_it_leaves_out(folder: Path) -> None:
    status, output, errors = bench_here("history", str(folder), "--html", str(folder / "h.html"))
    assert (status, errors) == (0, "")
    assert f"day-03/summary.json is missing; bench report {folder / 'day-03'} writes it" in output
    assert "day-04/run.json is not a manifest of this version" in output
    assert f"day-02 is incomplete; bench run --resume {folder / 'day-02'} completes it" in output
    assert "day-00/run.json is not a manifest of this version" in output
    page = (folder / "h.html").read_text()
    assert "data:image/svg+xml" in page
    assert "day-04/run.json is not a manifest" in page


def test_a_folder_without_runs_is_one_sentence(tmp_path: Path) -> None:
    assert bench_here("history", str(tmp_path)) == (
        2,
        "",
        f"bench: bench history {tmp_path}: the folder holds no complete run\n",
    )
    status, _, errors = bench_here("history", str(tmp_path / "none"))
    assert (status, errors) == (2, f"bench: bench history: there is no folder {tmp_path / 'none'}\n")
