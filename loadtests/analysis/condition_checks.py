"""Checks of what a run knows of its cores that raise a flag on every cell: a shared core, a CPU quota (pure)."""

from collections.abc import Iterator

from loadtests.analysis.flags import Conditions, Flag
from loadtests.records.manifest import Manifest, SideRecord

THROTTLED_LIMIT = 0.005
"""Share of the cores' time that a quota may take: 1 ms in a period of 100 ms on two cores is a 99th percentile."""


def core_flags(conditions: Conditions) -> Iterator[Flag]:
    """Yield the flags that every cell of the run earns by the cores that it was measured on."""
    if conditions.shared_core:
        yield Flag("shared-core")
    quota, used, throttled = conditions.cpu_quota, conditions.cores_used, conditions.throttled
    reasons = []
    if quota is not None and quota < used:
        reasons.append(f"they can use {used} core{'s' if used > 1 else ''}, and it allows {quota:g}")
    if throttled is not None and (reasons or throttled > THROTTLED_LIMIT):
        reasons.append(f"it took up to {throttled:.1%} of the cores' time in a block")
    if reasons:
        yield Flag("cpu-quota", None, "; ".join(reasons))


def shares_core(manifest: Manifest) -> bool:
    """Return whether servers and driver were on one physical core, as far as the run knows."""
    return bool(manifest.shared_core or set(manifest.server_cores) & set(manifest.driver_cores))


def cores_used(manifest: Manifest) -> int:
    """Return how many cores servers and driver can keep busy: one for each process, where there is one to be had.

    The sides take turns, so the one with more workers counts.
    """
    servers, drivers = max(map(_workers, (manifest.a, manifest.b))), max(1, manifest.workers)
    server, driver = manifest.server_cores, manifest.driver_cores
    if not server:
        return min(servers + drivers, manifest.environment.cores)
    return min(min(servers, len(server)) + min(drivers, len(driver)), len({*server, *driver}))


def _workers(side: SideRecord) -> int:
    workers = side.settings.get("workers")
    return workers if isinstance(workers, int) else 1
