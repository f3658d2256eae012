"""Versions of the packages that matter for how an app behaves."""

from __future__ import annotations

import contextlib
from importlib import metadata

TOLD = ("uvicorn", "uvloop", "httptools", "fastapi", "starlette", "pydantic", "sqlalchemy", "anyio")


def versions() -> dict[str, str]:
    """Return the versions of those that this environment has."""
    found = {}
    for name in TOLD:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
