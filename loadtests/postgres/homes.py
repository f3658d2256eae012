"""Clusters outside of a run's folder, where root had to make one that another user can reach: found and removed."""

import contextlib
import shutil
from pathlib import Path

PREFIX = "bench-postgres-"
HOME = "home"
"""The link in the run's folder that tells where the cluster is."""


def remove(folder: Path) -> None:
    """Remove the cluster that a folder's link points to, if there is one and it is one of ours."""
    link = folder / HOME
    with contextlib.suppress(OSError):
        if link.is_symlink():
            home = link.readlink()
            if home.name.startswith(PREFIX):
                shutil.rmtree(home, ignore_errors=True)
            link.unlink()
