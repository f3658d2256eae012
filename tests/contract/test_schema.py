"""Whatever the OpenAPI document allows or forbids is tried, and answered as it says."""

from collections.abc import Iterator
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


@pytest.fixture(scope="module", params=["sync", "async"])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, slow_api: str) -> Iterator[Server]:
    with serve_build(request.param, tmp_path_factory.mktemp(f"schema_{request.param}"), slow_api) as server:
        yield server
    assert "Traceback" not in server.log.read_text()


def test_the_api_keeps_what_its_schema_promises(fresh: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{fresh.url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == 11 + 13
    for operation in operations:
        try_out(operation, GenerationMode.POSITIVE)
        if operation.body or list(operation.iter_parameters()):
            try_out(operation, GenerationMode.NEGATIVE)


def try_out(operation: Any, mode: GenerationMode) -> None:
    """Send some requests that the schema allows, or some that it forbids, and validate the answers."""

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        for name, value in (case.query or {}).items():
            if isinstance(value, int | float) and SMALL.get(name, 1e9) < value < 1e6:
                case.query[name] = SMALL[name]
        # A schema cannot say "unless the name is taken", nor which addresses are valid: those are 400 and 422.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()
