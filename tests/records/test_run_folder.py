import errno
import fcntl
import json
import math
import os
import random
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.records.run_folder import (
    RunFolder,
    UnreadableRun,
    create_run_folder,
    locked,
    remove_leftovers,
    saying_what_is_kept,
)
from loadtests.records.samples import BodyBytes, Failure, FailureExample, Samples
from loadtests.records.summary import Outcome
from loadtests.records.trial_file import TrialKey
from loadtests.runner.run_log import new_manifest
from loadtests.system.cores import Cores
from loadtests.system.errors import Interrupted, RunError, UsageError
from tests.made_up_samples import recording


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    experiment = Experiment(
        parse_side("sync"), parse_side("async"), (parse_scenario("query"),),
        (ClosedLoop(2),), 2, 0.1, 0.8, 0,
    )  # fmt: skip
    path = tmp_path / "new" / "run"
    return create_run_folder(path, new_manifest(experiment, "run", datetime.now(UTC), Cores((0,), (1,))))


def test_a_trial_comes_back_as_it_was_saved(folder: RunFolder) -> None:
    key = TrialKey(1, "GET /a/../b", "u64", "b")
    saved = recording(
        [(0.1, 0.2), (0.2, math.nan)], (0.0, 0.5), failures=[Failure.NONE, Failure.CUT_OFF], server_cpu_s=0.25
    )
    folder.write_trial(key, saved)
    [(found_key, found)] = folder.read_trials()
    assert found_key == key
    assert replace(found, samples=saved.samples) == saved
    for column in (field.name for field in fields(Samples)):
        np.testing.assert_array_equal(getattr(found.samples, column), getattr(saved.samples, column))


def test_what_was_kept_of_answers_comes_back(folder: RunFolder) -> None:
    saved = replace(
        recording([(0.1, 0.2)], (0.0, 0.5), failures=[Failure.STATUS], status=307),
        requests=("GET /shelf", "GET /café"),
        examples=(
            FailureExample(0, Failure.STATUS, 307, location="/shelf/"),
            FailureExample(1, Failure.CONNECT, reason="connection refused"),
            FailureExample(1, Failure.STATUS, 500, body="“gone” \\x1b"),
        ),
        good_bytes=(BodyBytes(1, 3, 2**40),),
    )
    folder.write_trial(TrialKey(0, "query", "u1", "a"), saved)
    [(_, found)] = folder.read_trials()
    assert replace(found, samples=saved.samples) == saved


def test_a_trial_that_was_saved_before_anything_was_kept_of_answers_is_read(folder: RunFolder) -> None:
    key = TrialKey(0, "query", "u1", "a")
    folder.write_trial(key, recording([(0.1, 0.2)]))
    path = folder.trials / key.file_name
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    about = json.loads(members["about"].tobytes())
    for name in ("requests", "examples", "good_bytes"):
        del about[name]
    members["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **members)
    found = folder.read_trial(key)
    assert found is not None
    assert (found.requests, found.examples, found.good_bytes) == ((), (), ())


def test_no_name_of_a_scenario_leaves_the_folder(folder: RunFolder) -> None:
    folder.write_trial(TrialKey(0, "GET /../../x", "u1", "a"), recording([]))
    assert [path.parent.name for path in folder.path.parent.rglob("*.npz")] == ["trials"]


def test_the_manifest_comes_back_as_it_was_saved(folder: RunFolder) -> None:
    manifest = folder.read_manifest()
    assert manifest.complete is False
    folder.write_manifest(manifest.model_copy(update={"complete": True}))
    assert folder.read_manifest().complete is True
    assert b'"schema": 2' in (folder.path / "run.json").read_bytes()


def test_a_folder_that_exists_is_left_alone(folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="exists already"):
        create_run_folder(folder.path, folder.read_manifest())


def test_creating_leaves_nothing_half_made(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        create_run_folder(tmp_path / "file" / "run", folder.read_manifest())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "new"]


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRun, match="is not a run"):
        RunFolder(tmp_path).read_manifest()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 99}', b"\xff\xfe", b'{"name": "x"}'])
def test_a_foreign_or_truncated_manifest_is_named(folder: RunFolder, content: bytes) -> None:
    (folder.path / "run.json").write_bytes(content)
    with pytest.raises(UnreadableRun, match=r"run\.json is not a manifest"):
        folder.read_manifest()


@pytest.mark.parametrize("keep", [0, 1, 10, 200, -1])
def test_a_truncated_trial_is_named(folder: RunFolder, keep: int) -> None:
    folder.write_trial(TrialKey(0, "query", "u1", "a"), recording([(0.1, 0.2)] * 100))
    [path] = (folder.path / "trials").glob("*.npz")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableRun, match=path.name):
        list(folder.read_trials())


def test_a_foreign_trial_is_named(folder: RunFolder) -> None:
    np.savez(folder.path / "trials" / "foreign.npz", x=np.zeros(3))
    with pytest.raises(UnreadableRun, match="foreign"):
        list(folder.read_trials())


def test_pickled_objects_are_never_loaded(folder: RunFolder) -> None:
    np.savez(folder.path / "trials" / "evil.npz", about=np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableRun, match="evil"):
        list(folder.read_trials())


def test_scenarios_with_like_names_do_not_overwrite_each_other(folder: RunFolder) -> None:
    for name in ("GET /a/b", "GET /a-b", "GET /" + 300 * "x", "GET /" + 300 * "x" + "y"):
        folder.write_trial(TrialKey(0, name, "u1", "a"), recording([(0.1, 0.2)]))
    assert len(list(folder.read_trials())) == 4


def test_a_trial_under_another_name_is_named(folder: RunFolder) -> None:
    folder.write_trial(TrialKey(0, "query", "u1", "a"), recording([(0.1, 0.2)]))
    [path] = (folder.path / "trials").iterdir()
    path.rename(path.with_name("renamed.npz"))
    with pytest.raises(UnreadableRun, match="renamed"):
        list(folder.read_trials())


def test_any_damage_to_a_trial_is_told_in_one_line(folder: RunFolder) -> None:
    folder.write_trial(TrialKey(0, "query", "u1", "a"), recording([(0.1, 0.2)] * 50))
    [path] = (folder.path / "trials").iterdir()
    whole = path.read_bytes()
    rng = random.Random(1)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 20)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(bytes(damaged))
        with suppress(UnreadableRun):  # never anything else
            list(folder.read_trials())


def test_a_reader_of_summary_json_learns_its_version_first(folder: RunFolder) -> None:
    folder.write_outcome(Outcome("run", complete=True, comparisons=[], cells=[]))
    assert next(iter(json.loads((folder.path / "summary.json").read_bytes()).items())) == ("schema", 1)


def test_a_summary_of_another_version_is_refused_with_the_way_out(folder: RunFolder) -> None:
    folder.write_outcome(Outcome(run="run", complete=True, comparisons=[], cells=[]))
    path = folder.path / "summary.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(UnreadableRun, match=r"another version of this harness wrote it; bench report \S+ rebuilds it"):
        folder.read_outcome()


def test_what_a_killed_run_left_goes_when_its_folder_is_held_again(folder: RunFolder) -> None:
    left = folder.work / "block0"
    left.mkdir()
    with locked(folder):
        assert not left.exists()
    assert not folder.work.exists()


def test_without_file_locks_nothing_is_removed_that_may_be_somebody_elses(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    theirs, ours = folder.work / "block0", folder.work / "block1"
    theirs.mkdir()
    with locked(folder):
        assert theirs.exists()
        ours.mkdir()
    assert theirs.exists()
    assert not ours.exists()
    remove_leftovers(folder)
    assert theirs.exists()


def test_removing_leftovers_tells_whether_a_run_goes_on(folder: RunFolder) -> None:
    with locked(folder):
        assert remove_leftovers(folder)
    assert not remove_leftovers(folder)


def test_the_summary_of_a_schedule_is_told_from_one_of_cells(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"schema": "schedule-1", "complete": true}')
    with pytest.raises(UnreadableRun, match="is a run of a schedule, which has no cells; bench report"):
        RunFolder(tmp_path).read_outcome()


@pytest.mark.parametrize("name", ["a.npz", "000-schedule-a.stream"])
def test_whatever_ends_a_run_early_says_where_its_samples_are(folder: RunFolder, name: str) -> None:
    with pytest.raises(RunError, match="it broke; nothing was measured"), saying_what_is_kept(folder.path):
        raise RunError("it broke")
    (folder.trials / name).write_bytes(b"samples")
    (folder.work / "database").write_bytes(b"left")
    kept = f"what was measured is kept: bench report {folder.path}"
    with pytest.raises(Interrupted, match=f"SIGINT; {kept}, or go on: bench run --resume {folder.path}$"):  # noqa: SIM117
        with saying_what_is_kept(folder.path):
            raise Interrupted("SIGINT")
    assert not (folder.work / "database").exists()
    with pytest.raises(RunError, match=f"no space is left for {folder.path}; {kept}"):  # noqa: SIM117
        with saying_what_is_kept(folder.path):
            raise OSError(errno.ENOSPC, "No space left on device")


def test_wrong_usage_and_an_end_before_the_folder_is_there_say_nothing_of_samples(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^exists$"), saying_what_is_kept(tmp_path / "run"):
        raise UsageError("exists")
    with pytest.raises(Interrupted, match=r"^SIGINT$"), saying_what_is_kept(tmp_path / "run"):
        raise Interrupted("SIGINT")
