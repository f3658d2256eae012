from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.experiment.loads import ClosedLoop, OpenLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.request_options import TypedOption
from loadtests.experiment.scenario_text import parse_scenario, parse_scenarios
from loadtests.experiment.side_parser import parse_side
from loadtests.records.manifest import Manifest
from loadtests.records.samples import Recording
from loadtests.records.scenario_record import ValuesRecord
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.runner.resume import check_same, experiment_of, missing_trials, next_rows_of, resumed
from loadtests.runner.run_log import new_manifest
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError
from loadtests.validation.wording import digest
from tests import made_up_samples as build
from tests.validation.made_up import whole

NOW = datetime(2026, 5, 9, 12, tzinfo=UTC)
EXPERIMENT = Experiment(
    parse_side("sync,session_limit=none"), parse_side("async"), (parse_scenario("query[wait_ms=5]"),
    parse_scenario("GET /x")), (ClosedLoop(1), ClosedLoop(8)), blocks=3, slice_s=0.2, pairing_s=0.7, seed=5,
    start_limit_s=3.0,
)  # fmt: skip


@pytest.fixture
def manifest() -> Manifest:
    return new_manifest(EXPERIMENT, "run", NOW, Cores((0,), (1,)))


def key(block: int, number: int, label: str) -> TrialKey:
    cell = EXPERIMENT.plan()[block][number].cell
    return TrialKey(block, cell.scenario.name, cell.load.slug, label)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"timeout_s": 2.5},
        {"cafile": "cert.pem"},
        {"insecure": True},
        {"loads": (OpenLoop(50.0, "constant"), OpenLoop(99.5))},
        {"driver": "locust", "workers": 2},
    ],
)
def test_the_experiment_comes_back_from_its_manifest(change: dict[str, object]) -> None:
    before = replace(EXPERIMENT, **change)  # type: ignore[arg-type]
    written = new_manifest(before, "run", NOW, Cores((0,), (1,))).model_dump_json()
    assert experiment_of(Manifest.model_validate_json(written)) == before


def test_conditions_that_come_and_go_do_not_count(manifest: Manifest) -> None:
    later = manifest.environment.model_copy(
        update={"load_average": 9.0, "memory_bytes": manifest.environment.memory_bytes + 4096}
    )
    sitting = {"environment": later, "argv": [], "seconds": 3.0, "driver_ceiling_rps": 9e3, "driver_overhead_s": 3e-5}
    check_same(manifest, manifest.model_copy(update=sitting))


def test_a_validation_in_between_is_no_difference(manifest: Manifest) -> None:
    check_same(manifest, manifest.model_copy(update={"validation": digest(whole())}))


def test_a_run_that_kept_no_handlers_goes_on(manifest: Manifest) -> None:
    assert manifest.handlers
    check_same(manifest.model_copy(update={"handlers": {}}), manifest)


def test_a_run_that_kept_nothing_of_quotas_and_shared_cores_goes_on(manifest: Manifest) -> None:
    assert manifest.shared_core is False
    old = Manifest.model_validate_json(manifest.model_dump_json(by_alias=True, exclude={"shared_core", "cpu_quota"}))
    check_same(old, manifest.model_copy(update={"cpu_quota": 1.5}))


def edited(manifest: Manifest) -> Mapping[str, object]:
    record = manifest.handlers["query[wait_ms=5]"]["a"]
    lines = [*record.lines[:-1], "    return None"]
    return {"handlers": {"query[wait_ms=5]": {"a": record.model_copy(update={"lines": lines})}}}


def environment(**changes: object) -> Callable[[Manifest], Mapping[str, object]]:
    return lambda manifest: {"environment": manifest.environment.model_copy(update=changes)}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (environment(cpu="Other CPU"), "cpu was .* is Other CPU now"),
        (environment(cores=64), "cores was .* is 64 now"),
        (environment(memory_bytes=2**30), "memory was .* GiB .* is 1 GiB now"),
        (environment(system="Plan 9"), "system was .* Plan 9"),
        (environment(python="CPython 3.99"), r"python was .* is CPython 3.99 now"),
        (environment(packages={}), "packages: fastapi was .* is unknown now"),
        (environment(sqlite="1"), "sqlite was .* is 1 now"),
        (environment(commit="0123"), "commit was .* is 0123 now"),
        (lambda _: {"server_cores": [1]}, "server_cores 0 was 0 .* is 1 now"),
        (lambda _: {"shared_core": True}, "shared_core was False .* is True now"),
        (lambda _: {"cpu_quota": 0.25}, "cpu_quota was .* is 0.25 now"),
        (lambda m: {"a": m.a.model_copy(update={"settings": {}})}, "a: settings: app was sync_app.main:app"),
        (edited, r"handlers: query\[wait_ms=5\]: a: lines \d was .* is     return None now"),
        (lambda m: {"blocks": m.blocks[::-1]}, r"blocks 0 0: .* was "),
    ],
)
def test_the_first_thing_that_changed_is_named(
    manifest: Manifest, change: Callable[[Manifest], Mapping[str, object]], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        check_same(manifest, manifest.model_copy(update=change(manifest)))


def test_only_pairings_with_both_sides_are_left_out() -> None:
    plan = EXPERIMENT.plan()
    whole = {key(0, number, label) for number in range(4) for label in "ab"}
    left = missing_trials(plan, whole | {key(1, 0, "a"), key(1, 2, "a"), key(1, 2, "b")})
    assert left == ((), (plan[1][0], plan[1][1], plan[1][3]), plan[2])


def test_a_resumption_is_an_event_of_the_first_block_that_lacks_something(manifest: Manifest) -> None:
    plan = EXPERIMENT.plan()
    again = resumed(manifest.model_copy(update={"complete": True}), ((), plan[1][:1], plan[2]), NOW)
    assert again.complete is False
    [event] = again.events
    assert (event.block, event.kind) == (1, "resumed")
    assert event.message == "resumed on 2026-05-09 at 12:00 UTC with 10 of 24 trials to measure"


CUSTOM = (
    TypedOption(1, "--json", '{"password": "${PASSWORD}"}'),
    TypedOption(1, "--take", "token=$.token"),
    TypedOption(1, "--once"),
    TypedOption(2, "--header", "Authorization: Bearer ${token}"),
    TypedOption(2, "--expect", "201"),
    TypedOption(2, "--data", "@body"),
    TypedOption(2, "--contains", "é"),
    TypedOption(2, "--b-request", "PUT /orders/${id}"),
)


@pytest.fixture
def custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """An experiment with a sequence, a secret, a large body and values in files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSWORD", "hidden")
    Path("body").write_bytes(b"\xff" * 10)
    Path("rows.csv").write_text("id\n1\n2\n")
    names = ["POST /login", "POST /orders/${id}"]
    scenarios = parse_scenarios(names, CUSTOM, sequence=True, values="rows.csv")
    return replace(
        EXPERIMENT, scenarios=(*scenarios, parse_scenario("PUT /x")), a=parse_side("x:a"), b=parse_side("x:b")
    )


def written(experiment: Experiment) -> str:
    return new_manifest(experiment, "run", NOW, Cores((0,), (1,))).model_dump_json()


def test_requests_come_back_from_the_record_and_no_secret_is_in_it(custom: Experiment) -> None:
    text = written(custom)
    assert "hidden" not in text
    assert "${PASSWORD}" in text
    again = experiment_of(Manifest.model_validate_json(text))
    assert again == custom
    assert again.scenarios[0].values is not None
    assert again.scenarios[0].values.rows == (("1",), ("2",))
    check_same(Manifest.model_validate_json(text), new_manifest(again, "run", NOW, Cores((0,), (1,))))


@pytest.mark.parametrize(("file", "named"), [("body", "the body body"), ("rows.csv", "--values rows.csv")])
def test_a_file_that_changed_is_refused(custom: Experiment, file: str, named: str) -> None:
    manifest = Manifest.model_validate_json(written(custom))
    Path(file).write_text("id\n3\n")
    with pytest.raises(UsageError, match=f"{named}: this file has changed since the run began"):
        experiment_of(manifest)
    Path(file).unlink()
    with pytest.raises(UsageError, match="it can't be read"):
        experiment_of(manifest)


def test_a_secret_has_to_be_there_again(custom: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = Manifest.model_validate_json(written(custom))
    monkeypatch.delenv("PASSWORD")
    with pytest.raises(UsageError, match=r"\$\{PASSWORD\}, which POST /login needs, is not set"):
        experiment_of(manifest)


def test_a_run_that_kept_no_requests_goes_on(manifest: Manifest) -> None:
    text = manifest.model_dump_json(
        by_alias=True, exclude={"scenarios": {"__all__": {"requests", "sequence", "values"}}}
    )
    old = Manifest.model_validate_json(text)
    assert old.scenarios[0].requests == ()
    check_same(old, manifest)
    assert experiment_of(old) == EXPERIMENT


def test_rows_that_an_interrupted_trial_may_have_used_are_passed_over(manifest: Manifest) -> None:
    values = ValuesRecord(file="x.csv", sha256="", rows=9)
    first, second = manifest.scenarios
    filled = second.model_copy(update={"values": values})
    begun = manifest.model_copy(update={"next_rows": {"x.csv": 40, "y.csv": 7}, "scenarios": [first, filled]})
    trials = {
        TrialKey(0, scenario, "closed-1", "a"): made_up_recording(count)
        for scenario, count in ((filled.name, 3), (f"{CONTROL}{filled.name}", 5), (first.name, 99))
    }
    assert next_rows_of(begun, trials).rows == {"x.csv": 40 + 2 * 5, "y.csv": 7}
    assert next_rows_of(manifest, trials).rows == {}


def made_up_recording(requests: int) -> Recording:
    return Recording(build.samples([(0.0, 0.1)] * requests), 0.0, (), None, None, None)
