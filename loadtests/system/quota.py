"""The CPU quota of a container, and how long it stopped this process's control groups (cgroup v1 and v2).

A quota of 1.5 cores lets the processes of a group use 150 ms of CPU time in each period of 100 ms; then all of them are
stopped until the next period begins (Linux: sched-bwc.rst, cgroup-v2.rst).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from loadtests.system.topology import ROOT, read_text


@dataclass(frozen=True)
class CpuQuota:
    """What the control groups of this process allow it, together with all else that is in them.

    Attributes:
        cores: the smallest quota, in cores' worth of CPU time.
        throttled_s: for how long cores with work to do were stopped, since the groups were made, in seconds; summed
            over cores, and over groups with a quota. Only differences mean anything.
    """

    cores: float
    throttled_s: float


def read_quota(root: Path = ROOT) -> CpuQuota | None:
    """Return the quota of this process; None where there is none, or where no control groups are visible.

    Groups above the one that a container sees as its root are not visible.

    Args:
        root: the folder that has ``proc`` and whatever is mounted.
    """
    found = [quota for group in _groups(root) if (quota := _quota_v2(group) or _quota_v1(group)) is not None]
    if not found:
        return None
    return CpuQuota(min(quota.cores for quota in found), sum(quota.throttled_s for quota in found))


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's groups that may have a CPU quota, from its own up to the mounted root."""
    mounts = list(_mounts(read_text(root / "proc/self/mountinfo") or ""))
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        kind = "cgroup" if "cpu" in controllers.split(",") else "" if controllers else "cgroup2"
        for mount in mounts:
            if mount.kind == kind:
                yield from mount.groups(PurePosixPath(path), root)
                break


@dataclass(frozen=True)
class _Mount:
    """A mounted hierarchy of groups that may have a CPU quota.

    Attributes:
        kind: ``cgroup`` with the controller ``cpu``, or ``cgroup2``.
        top: the group that is mounted.
        point: where.
    """

    kind: str
    top: PurePosixPath
    point: PurePosixPath

    def groups(self, path: PurePosixPath, root: Path) -> Iterator[Path]:
        """Yield the folders of a group and those above it; only of the mounted one if the group is not below that."""
        below = path.is_relative_to(self.top) and ".." not in path.parts
        own = self.point / path.relative_to(self.top) if below else self.point
        for group in (own, *own.parents):
            if group.is_relative_to(self.point):
                yield root / group.relative_to("/")


def _mounts(mountinfo: str) -> Iterator[_Mount]:
    """Read ``/proc/self/mountinfo``: fields of the mount, a lone hyphen, then kind, source and options (proc(5))."""
    for line in mountinfo.splitlines():
        fields, _, of_kind = line.partition(" - ")
        top, point = fields.split()[3:5]
        kind, *_, options = of_kind.split()
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(",")):
            yield _Mount(kind, PurePosixPath(top), PurePosixPath(point))


def _quota_v2(group: Path) -> CpuQuota | None:
    quota_us, _, period_us = (read_text(group / "cpu.max") or "").partition(" ")
    if not quota_us.isdecimal():  # "max"
        return None
    return CpuQuota(int(quota_us) / int(period_us), _counter(group, "throttled_usec") / 1e6)


def _quota_v1(group: Path) -> CpuQuota | None:
    quota_us, period_us = (read_text(group / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period"))
    if not quota_us.isdecimal() or not period_us.isdecimal():  # "-1"
        return None
    return CpuQuota(int(quota_us) / int(period_us), _counter(group, "throttled_time") / 1e9)


def _counter(group: Path, name: str) -> int:
    """Return a counter of ``cpu.stat``; 0 if it is not there."""
    counters = dict(line.split(maxsplit=1) for line in (read_text(group / "cpu.stat") or "").splitlines())
    return int(counters.get(name, 0))
