"""CPU quotas as made-up containers have them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from loadtests.system.quota import CpuQuota, read_quota

UNIFIED = "31 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {top} /sys/fs/cgroup/cpu,cpuacct ro shared:9 - cgroup cgroup rw,cpu,cpuacct"
CPUSET = "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset"
ROOT_DISK = "23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw"
STAT = "nr_periods 100\nnr_throttled 7\n"
STAT_V2 = f"usage_usec 5\n{STAT}throttled_usec 2500000"
STAT_V1 = f"{STAT}throttled_time 2500000000"


def container(root: Path, groups: str, mounts: list[str], files: Mapping[str, str]) -> Path:
    """Write a made-up ``/proc/self`` and files of groups below ``/sys/fs/cgroup``."""
    written = {"proc/self/cgroup": groups, "proc/self/mountinfo": "\n".join([ROOT_DISK, *mounts])}
    for name, text in {**written, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()}}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("group", "files", "expected", "why"),
    [
        ("/", {"cpu.max": "150000 100000", "cpu.stat": STAT_V2}, CpuQuota(1.5, 2.5), "a container sees itself as root"),
        ("/", {"cpu.max": "max 100000", "cpu.stat": STAT_V2}, None, "no limit"),
        ("/", {}, None, "the machine's own root group has no such file"),
        (
            "/a/b/c",
            {
                "a/cpu.max": "400000 100000", "a/b/cpu.max": "75000 50000", "a/b/cpu.stat": STAT_V2,
                "a/b/c/cpu.max": "max 100000", "a/b/c/cpu.stat": STAT_V2,
            },
            CpuQuota(1.5, 2.5), "the smallest quota of all groups above; what a group without one lost is another's",
        ),
        (
            "/a/b",
            {
                "a/cpu.max": "300000 100000", "a/cpu.stat": STAT_V2,
                "a/b/cpu.max": "400000 100000", "a/b/cpu.stat": STAT_V2,
            },
            CpuQuota(3.0, 5.0), "each group with a quota may stop its processes",
        ),
        ("/../other", {"cpu.max": "50000 100000"}, CpuQuota(0.5, 0.0), "a group outside of what a container sees"),
    ],
)  # fmt: skip
def test_version_2(tmp_path: Path, group: str, files: Mapping[str, str], expected: CpuQuota | None, why: str) -> None:
    assert read_quota(container(tmp_path, f"0::{group}", [UNIFIED], files)) == expected, why


@pytest.mark.parametrize(
    ("top", "folder", "why"),
    [
        ("/", "docker/abc/", "the whole hierarchy is mounted"),
        ("/docker/abc", "", "a container's own group is mounted where its root would be"),
        ("/elsewhere", "", "what is mounted is not above the group"),
    ],
)
def test_version_1(tmp_path: Path, top: str, folder: str, why: str) -> None:
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        f"cpu,cpuacct/{folder}cpu.cfs_quota_us": "150000",
        f"cpu,cpuacct/{folder}cpu.cfs_period_us": "100000",
        f"cpu,cpuacct/{folder}cpu.stat": STAT_V1,
    }
    groups = "9:name=systemd:/x\n4:cpuset:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/"
    mounts = [CPUSET, V1.format(top=top), UNIFIED.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")]
    root = container(tmp_path, groups, mounts, files)
    assert read_quota(root) == CpuQuota(1.5, 2.5), why


def test_no_limit_in_version_1(tmp_path: Path) -> None:
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"}
    assert read_quota(container(tmp_path, "3:cpu,cpuacct:/", [V1.format(top="/")], files)) is None


def test_no_control_groups(tmp_path: Path) -> None:
    assert read_quota(tmp_path) is None
    assert read_quota(container(tmp_path, "0::/", [], {"cpu.max": "150000 100000"})) is None


def test_the_quota_of_this_machine_can_be_read() -> None:
    before, after = read_quota(), read_quota()
    assert (before is None) == (after is None)
    assert before is None or after is None or after.throttled_s >= before.throttled_s
