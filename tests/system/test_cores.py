"""How cores are divided, on made-up machines."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from loadtests.system.cores import Cores, assign_cores
from loadtests.system.topology import parse_list

CPUS = "sys/devices/system/cpu"
FAR_APART = {core: f"{core % 4},{core % 4 + 4}" for core in range(8)}
"""Eight threads of four cores, numbered as most servers do: (0, 4), (1, 5), …"""
HYBRID = {core: f"{core // 2 * 2}-{core // 2 * 2 + 1}" for core in range(8)} | {
    core: str(core) for core in range(8, 12)
}
"""Four performance cores of two threads, 0 to 7, and four efficiency cores, 8 to 11."""
INTEL = {"sys/devices/cpu_core/cpus": "0-7", "sys/devices/cpu_atom/cpus": "8-11"}
THREADS, EFFICIENCY = tuple(range(8)), (8, 9, 10, 11)


def machine(root: Path, siblings: Mapping[int, str], files: Mapping[str, str] | None = None) -> Path:
    """Write a made-up ``/sys``: the threads of each logical core's physical core, and further files."""
    topology = {f"{CPUS}/cpu{core}/topology/thread_siblings_list": text for core, text in siblings.items()}
    for name, text in {**topology, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


def speeds(name: str, fast: int, slow: int) -> dict[str, str]:
    return {f"{CPUS}/cpu{core}/{name}": str(fast if core < 8 else slow) for core in range(12)}


def divided(root: Path, allowed: Collection[int], monkeypatch: pytest.MonkeyPatch) -> Cores:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(allowed), raising=False)
    return assign_cores(root)


@pytest.mark.parametrize(
    ("siblings", "allowed", "server", "driver", "why"),
    [
        ({0: "0", 1: "1"}, (0, 1), (0,), (1,), "an ordinary virtual machine of two cores"),
        ({}, (0, 1, 2), (0,), (1, 2), "where nothing is told of the cores, each is one by itself"),
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, range(4), (0, 1), (2, 3), "threads numbered side by side"),
        (FAR_APART, range(8), (0, 1, 4, 5), (2, 3, 6, 7), "threads numbered far apart"),
        (FAR_APART, (1, 3, 5), (1, 5), (3,), "a container's cores, two of which are one"),
        (FAR_APART, (0, 1, 2, 3), (0, 1), (2, 3), "one thread of each core"),
    ],
)
def test_each_half_gets_whole_physical_cores(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    siblings: Mapping[int, str],
    allowed: Collection[int],
    server: tuple[int, ...],
    driver: tuple[int, ...],
    why: str,
) -> None:
    cores = divided(machine(tmp_path, siblings), allowed, monkeypatch)
    assert (cores.server, cores.driver) == (server, driver), why
    assert cores.separate
    assert not cores.shared


@pytest.mark.parametrize(
    ("allowed", "expected", "separate"), [((1, 5), ((1,), (5,)), True), ((5,), ((5,), (5,)), False)]
)
def test_a_single_physical_core_is_shared_and_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    allowed: Collection[int],
    expected: tuple[tuple[int, ...], tuple[int, ...]],
    separate: bool,
) -> None:
    cores = divided(machine(tmp_path, FAR_APART), allowed, monkeypatch)
    assert (cores.server, cores.driver) == expected
    assert cores.separate == separate
    assert cores.shared


@pytest.mark.parametrize(
    ("files", "allowed", "server", "driver", "why"),
    [
        (INTEL, range(12), THREADS, EFFICIENCY, "as Intel names them"),
        (speeds("cpu_capacity", 1024, 446), range(12), THREADS, EFFICIENCY, "as ARM tells their capacity"),
        (speeds("cpufreq/cpuinfo_max_freq", 5200000, 3900000), range(12), THREADS, EFFICIENCY, "by their clock"),
        (
            speeds("cpu_capacity", 1024, 1024) | speeds("cpufreq/cpuinfo_max_freq", 5100000, 3700000),
            range(12), THREADS, EFFICIENCY, "a capacity that tells nothing is not the last word",
        ),
        (INTEL, range(2, 9), (2, 3), (4, 5, 6, 7), "too few efficiency cores for a driver are left out"),
        (INTEL, (0, 1, 8), (0, 1), (8,), "unless there is nothing else"),
        (INTEL, EFFICIENCY, (8, 9), (10, 11), "efficiency cores alone are all of one kind"),
    ],
)  # fmt: skip
def test_the_server_is_on_performance_cores_and_the_driver_on_efficiency_cores(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, str],
    allowed: Collection[int],
    server: tuple[int, ...],
    driver: tuple[int, ...],
    why: str,
) -> None:
    cores = divided(machine(tmp_path, HYBRID, files), allowed, monkeypatch)
    assert (cores.server, cores.driver) == (server, driver), why
    assert not cores.shared


def test_favoured_cores_are_of_the_same_kind_as_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the server would be given the eight threads that are clocked a little higher."""
    clocks = speeds("cpufreq/cpuinfo_max_freq", 5800000, 5500000)
    cores = divided(machine(tmp_path, {core: str(core) for core in range(12)}, clocks), range(12), monkeypatch)
    assert (cores.server, cores.driver) == (tuple(range(6)), tuple(range(6, 12)))


def test_nothing_is_pinned_where_the_system_has_no_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    cores = assign_cores(machine(tmp_path, FAR_APART))
    assert (cores.all, cores.separate, cores.shared) == ((), False, False)


@pytest.mark.parametrize(
    ("text", "cores"), [("0-3,8", {0, 1, 2, 3, 8}), ("5", {5}), ("", set()), ("0, 4", {0, 4}), ("(null)", set())]
)
def test_a_list_of_cores_is_read_as_the_kernel_writes_it(text: str, cores: set[int]) -> None:
    assert parse_list(text) == cores
