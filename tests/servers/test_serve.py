import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "heavy"),
    [("loadtests.servers.serve", {"uvicorn", "numpy", "pydantic"}), ("loadtests.servers.uvicorn_config", {"numpy"})],
)
def test_a_side_loads_no_library_of_the_harness_beside_what_serves_it(module: str, heavy: set[str]) -> None:
    """It would take time at every start, and the server's memory."""
    code = f"import sys, {module}; print(*({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
