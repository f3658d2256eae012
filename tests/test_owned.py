"""What tests start ends with them, also where pytest is killed and no fixture is torn down."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import eventually

OWNER = """
import sys, time
from pathlib import Path
from tests.contract.servers import serve
with serve("tests.contract.slow_api:app", Path(sys.argv[1])) as (_, pid):
    print(pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_a_server_ends_with_the_tests_though_these_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout is not None
        server = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    assert eventually(lambda: has_ended(server))


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
