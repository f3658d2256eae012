"""``bench dial``: the grid of CPU time against waiting time, as an ordinary run of ``mixed``."""

from pathlib import Path

from loadtests.options import RunOptions
from loadtests.system.errors import UsageError

LEAST = 2
MOST = 12
"""Values of either axis: fewer make no grid, more no picture."""


def options(
    *,
    cpu_ms: str,
    wait_ms: str,
    a: str,
    b: str,
    users: int,
    blocks: int,
    time_s: float,
    seed: int,
    observe: bool,
    out: Path | None,
) -> RunOptions:
    """Return the options of the run; raises UsageError if an axis is no good."""
    cpus, waits = _axis("--cpu-ms", cpu_ms, 1000), _axis("--wait-ms", wait_ms, 10_000)
    return RunOptions(
        scenarios=tuple(f"mixed[cpu_ms={cpu:g},wait_ms={wait:g}]" for cpu in cpus for wait in waits),
        a=a,
        b=b,
        users=str(users),
        rate=None,
        arrivals="poisson",
        blocks=blocks,
        slice_s=None,
        time_s=time_s,
        seed=seed,
        full=False,
        start_limit=20.0,
        out=out,
        observe=observe,
    )


def _axis(name: str, text: str, most: float) -> list[float]:
    try:
        values = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise UsageError(f"{name} {text}: write milliseconds, as in {name} 0.1,1,5") from None
    if wrong := [value for value in values if not 0 <= value <= most]:
        raise UsageError(f"{name} {text}: {wrong[0]:g} is outside 0 to {most:,.0f} milliseconds")
    if not LEAST <= len(values) <= MOST:
        raise UsageError(f"{name} {text}: a grid takes {LEAST} to {MOST} different values")
    return values
