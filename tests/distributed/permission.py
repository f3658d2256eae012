"""Whether this machine permits hosts made of namespaces."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed.namespaces import TUN


@functools.cache
def why_not() -> str:
    """Return why this machine permits no hosts made of namespaces; empty if it does."""
    if sys.platform != "linux":
        return "only Linux has namespaces"
    if os.geteuid() != 0:
        return "only root may make namespaces with a network"
    if missing := [command for command in ("ip", "bridge", "nsenter") if shutil.which(command) is None]:
        return f"{' and '.join(missing)} not found: install iproute2 and util-linux"
    if not TUN.exists():
        return f"there is no {TUN}, which links with a delay are made of"
    command = [sys.executable, "-S", "-m", "tests.distributed.namespaces"]
    tried = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True)
    return tried.stderr.strip().rpartition("\n")[2]


def skip_without_namespaces() -> None:
    """Skip a test, with the reason, where the machine permits no hosts made of namespaces."""
    if reason := why_not():
        pytest.skip(f"no hosts can be made here: {reason}")
