"""How several runs differ, and which of their figures can be compared because of that (pure).

A ratio was measured within one run: whatever the machine was like, both sides met it. An absolute figure, such as a
throughput, depends on its machine: compared with that of another machine, it says nothing about the code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.experiment.side_text import name_and_commit, name_and_settings
from loadtests.experiment.sides import LABELS
from loadtests.records.manifest import Manifest, SideRecord
from loadtests.records.summary import Outcome
from loadtests.system.machine import machine_id

Kind = Literal["machine", "commit", "sides", "versions", "settings"]
KINDS: tuple[Kind, ...] = ("machine", "commit", "sides", "versions", "settings")
UNKNOWN = "unknown"
OF_THE_LOAD = ("driver", "workers", "database", "observe", "server cores", "driver cores", "CPU quota")
"""Settings that change absolute figures by themselves."""
NO_DIFFERENCE = frozenset({"app", "commit", "port", "dir", "python", "pid", "agent"})
"""Settings that say where a side is, not what it is."""
SHORT = 12
"""Characters of a commit's hash that are shown."""


@dataclass(frozen=True)
class SavedRun:
    """A run as its folder has it.

    Attributes:
        name: what it is called beside others.
        manifest: what was planned, and where.
        outcome: what was found.
    """

    name: str
    manifest: Manifest
    outcome: Outcome

    @property
    def machine(self) -> str:
        """The id of its machine."""
        return machine_id(self.manifest.environment)


@dataclass(frozen=True)
class Difference:
    """Something in which runs differ.

    Attributes:
        kind: of what it is.
        what: in a word or two.
        values: one for each run, in their order.
    """

    kind: Kind
    what: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Fairness:
    """Which comparisons of some runs are fair, each with its reason, as a sentence.

    Attributes:
        ratios: of the ratios b ÷ a.
        absolute: of each side's own figures.
        is_absolute: whether those can be compared.
    """

    ratios: str
    absolute: str
    is_absolute: bool


def differences(runs: Sequence[SavedRun]) -> list[Difference]:
    """Return everything in which the runs differ, machines first."""
    found = []
    for kind, read in READERS.items():
        tables = [read(run.manifest) for run in runs]
        for what in dict.fromkeys(key for table in tables for key in table):
            values = tuple(table.get(what, UNKNOWN) for table in tables)
            known = {value for value in values if value != UNKNOWN}
            # A value that an older run did not record is no difference, except for machine and commit.
            if len(known) > 1 or (known and UNKNOWN in values and kind in ("machine", "commit")):
                found.append(Difference(kind, what, values))
    return found


def fairness(runs: Sequence[SavedRun]) -> Fairness:
    """Say which comparisons of the runs are fair."""
    found = differences(runs)
    same_machine = len({run.machine for run in runs}) == 1
    conditions = [each.what for each in found if each.kind == "settings" and each.what in OF_THE_LOAD]
    sides = dict.fromkeys(each.what.partition(":")[0] for each in found if each.kind == "sides")
    ratios = "Ratios (b ÷ a) can be compared: each was measured within one run"
    if not same_machine:
        ratios += ", on one machine. The balance between waiting and computing still depends on the machine"
    if sides:
        ratios += f". But {' and '.join(sides)} {'is' if len(sides) == 1 else 'are'} not the same in all of them"
    if not same_machine:
        absolute = "Absolute figures can't be compared: the runs are from different machines, which changes them"
    elif conditions:
        absolute = f"Absolute figures can't be compared: {', '.join(conditions)} differ{'s' * (len(conditions) == 1)}"
    else:
        absolute = (
            "Absolute figures can be compared: the machine and the load are the same. But they also depend on what the"
            " machine did at that time, and their intervals do not show that"
        )
    return Fairness(f"{ratios}.", f"{absolute}.", same_machine and not conditions)


def cautions(run: SavedRun) -> Iterator[str]:
    """Yield what a reader must know about a run before comparing it, each a sentence without its full stop."""
    manifest, outcome = run.manifest, run.outcome
    if not (manifest.complete and outcome.complete):
        yield f"{run.name} is incomplete: it ended early"
    dirty = [f"side {label}" for label in LABELS if (_side(manifest, label).commit or "").endswith("+")]
    if dirty:
        yield f"{run.name}: {' and '.join(dirty)} had uncommitted changes, so its commit does not identify the code"
    elif (manifest.environment.commit or "").endswith("+"):
        yield f"{run.name}: the harness had uncommitted changes"
    if outcome.doubted:
        yield f"{run.name}: side a differed from itself, so the setup was biased"


def _side(manifest: Manifest, label: str) -> SideRecord:
    return manifest.a if label == "a" else manifest.b


def _machine(manifest: Manifest) -> dict[str, str]:
    seen = manifest.environment
    return {
        "processor": seen.cpu,
        "cores": str(seen.cores),
        "memory": f"{round(seen.memory_bytes / 2**30)} GiB",
        "system": seen.system,
        "virtualisation": seen.virtualisation or "none",
        "governor": seen.governor or UNKNOWN,
    }


def _commits(manifest: Manifest) -> dict[str, str]:
    sides = {f"side {label}": _short(_side(manifest, label).commit) for label in LABELS}
    return {**sides, "harness": manifest.environment.commit or UNKNOWN}


def _short(commit: str | None) -> str:
    return UNKNOWN if commit is None else commit[:SHORT] + ("+" if commit.endswith("+") else "")


def _sides(manifest: Manifest) -> dict[str, str]:
    found = {}
    for label in LABELS:
        side = _side(manifest, label)
        found[f"side {label}"] = side.spec.partition(",")[0] if side.settings.get("url") else _app(side.spec)
        own = {k: v for k, v in side.settings.items() if k not in NO_DIFFERENCE}
        found |= {f"side {label}: {key}": str(value) for key, value in own.items()}
    return found


def _app(spec: str) -> str:
    """Return a side's name without its settings and its commit, which are differences of their own."""
    name, given = name_and_settings(spec)
    return name_and_commit(name)[0] or given.get("command", spec)


def _versions(manifest: Manifest) -> dict[str, str]:
    seen = manifest.environment
    found = {"Python": seen.python, "SQLite": seen.sqlite, **seen.packages}
    if manifest.database_version is not None and not manifest.database_version.startswith("SQLite"):
        found["database"] = manifest.database_version
    for label in LABELS:
        side = _side(manifest, label)
        if side.python is not None:
            found[f"side {label}: Python"] = side.python
        found |= {f"side {label}: {name}": version for name, version in side.versions.items()}
    return found


def _settings(manifest: Manifest) -> dict[str, str]:
    cores: Callable[[list[int]], str] = lambda numbers: ", ".join(map(str, numbers)) or "not pinned"  # noqa: E731
    return {
        "driver": manifest.driver,
        "workers": str(max(1, manifest.workers)),
        "database": manifest.database,
        "observe": "on" if manifest.observe else "off",
        "server cores": cores(manifest.server_cores),
        "driver cores": cores(manifest.driver_cores),
        "CPU quota": "none" if manifest.cpu_quota is None else f"{manifest.cpu_quota:g} cores",
        "slice": f"{manifest.slice_s:g} s",
        "budget": "fixed design" if manifest.budget_s is None else f"{manifest.budget_s:g} s",
    }


READERS: Mapping[Kind, Callable[[Manifest], dict[str, str]]] = {
    "machine": _machine,
    "commit": _commits,
    "sides": _sides,
    "versions": _versions,
    "settings": _settings,
}
"""By kind: what a manifest says, by what it is about."""
