"""Whatever the OpenAPI document allows or forbids is tried, and answered as it says."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.contract.servers import Server, serve_build

# Allowed, but nobody waits that long for a test.
SMALL = {"wait_ms": 2.0, "cpu_ms": 2.0, "rounds": 2000, "rows": 2000, "size": 64, "kib": 64, "calls": 3}
EXAMPLES = 8


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, slow_api: str) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        folders = {build: tmp_path_factory.mktemp(f"schema_{build}") for build in ("sync", "async")}
        servers = [stack.enter_context(serve_build(build, folder, slow_api)) for build, folder in folders.items()]
        yield servers
    for server in servers:
        assert "Traceback" not in server.log.read_text()


@pytest.mark.slow
def test_the_api_keeps_what_its_schema_promises(fresh: list[Server]) -> None:
    sync, async_ = (operations(server) for server in fresh)
    assert len(sync) == 11 + 14
    for twins in zip(sync, async_, strict=True):
        assert len({operation.label for operation in twins}) == 1
        try_out(twins, GenerationMode.POSITIVE)
        if twins[0].body or list(twins[0].iter_parameters()):
            try_out(twins, GenerationMode.NEGATIVE)


def operations(server: Server) -> list[Any]:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]


def try_out(twins: tuple[Any, Any], mode: GenerationMode) -> None:
    """Send some requests that the schema allows, or some that it forbids, and validate both builds' answers.

    To think of a request takes longer than to send it; the builds' schemas are alike, so the same one is sent to both.
    """

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=twins[0].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        for name, value in (case.query or {}).items():
            if isinstance(value, int | float) and SMALL.get(name, 1e9) < value < 1e6:
                case.query[name] = SMALL[name]
        # A schema cannot say "unless the name is taken", nor which addresses are valid: those are 400 and 422.
        for operation in twins:
            case.operation = operation
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()
