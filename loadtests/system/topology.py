"""Which logical cores are threads of one physical core, and of which kind it is, as Linux describes them in /sys.

Two threads of one core share its execution units: what one does slows the other down. A hybrid machine has performance
cores and slower efficiency cores. Where /sys tells nothing, each logical core is a physical one, all of one kind.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
CPUS = "sys/devices/system/cpu"
INTELS_PERFORMANCE_CORES = "sys/devices/cpu_core/cpus"
"""A list on hybrid Intel machines alone; what it leaves out are efficiency cores."""
SPEEDS = ("cpu_capacity", "cpufreq/cpuinfo_max_freq")
"""Where else a core's speed is told: relative to the fastest one, which has 1024, or as its highest clock in kHz."""
SAME_KIND = 0.85
"""Speed ÷ that of the fastest from which on a core is of its kind. The best of alike cores are clocked up to a tenth
higher, efficiency cores a fifth lower at least."""


@dataclass(frozen=True)
class PhysicalCore:
    """A physical core, as far as this process may use it.

    Attributes:
        threads: numbers of its logical cores, ascending.
        performance: whether it is of the fastest kind there is to use.
    """

    threads: tuple[int, ...]
    performance: bool = True


def read_topology(allowed: Collection[int], root: Path = ROOT) -> list[PhysicalCore]:
    """Return the physical cores of the logical cores ``allowed``, ordered by their first one.

    Args:
        allowed: numbers of logical cores.
        root: the folder that has ``sys``.
    """
    performance = _performance_cores(set(allowed), root)
    found = {tuple(sorted(_siblings(core, root) & set(allowed))) for core in allowed}
    return [PhysicalCore(threads, performance.issuperset(threads)) for threads in sorted(found)]


def _siblings(core: int, root: Path) -> set[int]:
    """Return all threads of a logical core's physical core, itself among them."""
    return {core} | parse_list(read_text(root / CPUS / f"cpu{core}/topology/thread_siblings_list") or "")


def _performance_cores(allowed: set[int], root: Path) -> set[int]:
    """Return those logical cores that are of the fastest kind among ``allowed``."""
    named = parse_list(read_text(root / INTELS_PERFORMANCE_CORES) or "") & allowed
    if named:
        return named
    for name in SPEEDS:
        told = {core: read_text(root / CPUS / f"cpu{core}" / name) or "" for core in allowed}
        speeds = {core: int(text) for core, text in told.items() if text.isdecimal()}
        least = SAME_KIND * max(speeds.values(), default=0)
        if speeds.keys() == allowed and min(speeds.values()) < least:
            return {core for core, speed in speeds.items() if speed >= least}
    return allowed


def parse_list(text: str) -> set[int]:
    """Read a list of cores as the kernel writes it: ``0-3,8``; what is not one is empty."""
    cores: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            cores.update(range(int(first), int(last or first) + 1))
    return cores


def read_text(path: str | Path) -> str | None:
    """Return what a file of the system says, stripped; None where there is none, or nothing in it."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
