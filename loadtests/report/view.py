"""A run indexed for reading: cells by scenario and load, short names of the sides, what its ratio means (pure).

Closed loops are read as throughput over users, open loops as response times (p99) over arrival rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from loadtests.analysis.verdict_kinds import NO_VERDICT, fell_behind
from loadtests.experiment import blog
from loadtests.experiment.loads import Load, OpenLoop, ascending
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.records.manifest import Manifest
from loadtests.records.scenario_record import ScenarioRecord
from loadtests.records.summary import CellResult, Comparison, Metric, Outcome, headline_of

SHORT = 18
"""Letters that a short name may have."""
SHORT_NAMES: dict[Metric, str] = {
    "throughput": "throughput",
    "p50": "p50",
    "p99": "p99",
    "cpu_per_request": "CPU per request",
}
"""Metrics as the heading of a column."""


@dataclass(frozen=True)
class RunView:
    """What charts and report look up.

    Attributes:
        manifest: the run.
        names: the sides in a few letters; told apart even where both are the same spec.
        comparisons: by scenario, load and metric.
        cells: by scenario, load and side.
    """

    manifest: Manifest
    names: Mapping[SideLabel, str]
    comparisons: Mapping[tuple[str, Load, Metric], Comparison]
    cells: Mapping[tuple[str, Load, SideLabel], CellResult]

    @property
    def abbreviations(self) -> dict[str, str]:
        """What a name stands for, where it is not the side's spec itself."""
        specs = {"a": self.manifest.a.spec, "b": self.manifest.b.spec}
        return {self.names[label]: specs[label] for label in LABELS if self.names[label] != specs[label]}

    @cached_property
    def scenarios(self) -> list[ScenarioRecord]:
        """Scenarios of which something was measured, in the catalogue's order."""
        seen = {scenario for (scenario, _, _), cell in self.cells.items() if measured(cell)}
        return [scenario for scenario in self.manifest.scenarios if scenario.name in seen]

    def thinking(self, scenario: str) -> bool:
        """Whether its users pause by design, so that not all of them wait for the server all the time."""
        return any(s.kind == "journey" for s in self.manifest.scenarios if s.name == scenario)

    @property
    def has_build(self) -> bool:
        """Whether a side is one of the blog's builds, whose database and settings are the run's."""
        return any(blog.resources_of(side.settings) is not None for side in (self.manifest.a, self.manifest.b))

    @property
    def unmeasured(self) -> list[str]:
        """Names of planned scenarios of which nothing was measured."""
        seen = {scenario.name for scenario in self.scenarios}
        return [scenario.name for scenario in self.manifest.scenarios if scenario.name not in seen]

    @cached_property
    def metric(self) -> Metric:
        """What this run's verdicts are about."""
        return headline_of(self.loads[-1])

    @cached_property
    def open_loop(self) -> bool:
        """Whether requests arrived on a schedule, however many were unanswered."""
        return isinstance(self.highest, OpenLoop)

    @property
    def above(self) -> SideLabel:
        """Which side is better where a headline's ratio b ÷ a is above 1."""
        return "b" if self.metric == "throughput" else "a"

    @cached_property
    def loads(self) -> list[Load]:
        """All loads of the plan, ascending."""
        return ascending({load for _, load in self.manifest.cells()})

    @cached_property
    def highest(self) -> Load:
        """The highest load at which anything was measured."""
        return [*self.loads[-1:], *ascending({load for (_, load, _), cell in self.cells.items() if measured(cell)})][-1]

    @property
    def observed(self) -> bool:
        """Whether the run looked into the server of a side at least."""
        sides = self.manifest.a, self.manifest.b
        told = (side.agent is not None and side.agent.observes for side in sides)
        return self.manifest.observe or any(side.settings.get("observe") == "on" for side in sides) or any(told)

    @property
    def blocks(self) -> int:
        """Blocks of the plan."""
        return len(self.manifest.blocks)

    def blocks_of(self, scenario: str, load: Load) -> int:
        """Return in how many blocks a cell was to be measured: one that was settled early is in fewer of them."""
        return sum(
            any((p.scenario, p.load) == (scenario, load) and not p.control for p in block)
            for block in self.manifest.blocks
        )

    @property
    def evidence(self) -> str:
        """How many blocks the headlines' ratios rest on, as in "6 blocks" or "2 to 4 blocks"."""
        counts = {c.blocks for c in self.headlines() if c.blocks} or {self.blocks}
        low, high = min(counts), max(counts)
        return f"{high} block{'s' if high != 1 else ''}" if low == high else f"{low} to {high} blocks"

    def measured_loads(self, scenario: str) -> list[Load]:
        """Return the loads at which a scenario was measured, ascending."""
        return ascending({load for (name, load, _), cell in self.cells.items() if name == scenario and measured(cell)})

    def headlines(self, scenario: str | None = None) -> list[Comparison]:
        """Return what the verdict is about, for one scenario or all, of cells that were measured."""
        return self.all(self.metric, scenario)

    def all(self, metric: Metric, scenario: str | None = None) -> list[Comparison]:
        """Return comparisons on one metric, of cells of which something was measured, in the plan's order."""
        return [
            c
            for (name, load, kind), c in self.comparisons.items()
            if kind == metric
            and scenario in (None, name)
            and any(measured(self.cells.get((name, load, label))) for label in LABELS)
        ]

    def collapses(self, scenario: str) -> dict[SideLabel, dict[Load, int]]:
        """Return side → load → blocks in which it collapsed."""
        found: dict[SideLabel, dict[Load, int]] = {}
        for load in self.measured_loads(scenario):
            for label in LABELS:
                cell = self.cells.get((scenario, load, label))
                if cell is not None and cell.collapsed:
                    found.setdefault(label, {})[load] = len(cell.collapsed)
        return found

    def driver_bound(self, scenario: str, load: Load, label: SideLabel) -> bool:
        """Whether the load driver may have been the limit while it measured this side of a cell."""
        c = self.comparisons.get((scenario, load, self.metric))
        return c is not None and any(flag in (name, f"{name}:{label}") for flag in c.flags for name in NO_VERDICT)

    def behind(self, c: Comparison) -> list[SideLabel]:
        """Return the sides that surely fall behind: flagged, and their answers' whole interval below what was offered.

        The flag alone is no inference: one slow moment of the machine is enough for it.
        """
        sure: list[SideLabel] = []
        for label in fell_behind(c) if self.blocks >= self.manifest.least_blocks else []:
            cell = self.cells.get((c.scenario, c.load, label))
            interval = cell.throughput.interval if cell and cell.throughput else None
            if cell and interval and interval[1] < cell.offered:
                sure.append(label)
        return sure

    def overloaded(self, cell: CellResult) -> bool:
        """Whether a side could not keep up with the arrivals, so that nothing of it is steady."""
        c = self.comparisons.get((cell.scenario, cell.load, self.metric))
        return c is not None and f"overloaded:{cell.label}" in c.flags

    def other(self, label: SideLabel) -> SideLabel:
        """Return the opposite side."""
        return "b" if label == "a" else "a"


def view_of(manifest: Manifest, outcome: Outcome) -> RunView:
    """Index a run."""
    return RunView(
        manifest=manifest,
        names=dict(zip(LABELS, short_names(manifest.a.spec, manifest.b.spec), strict=True)),
        comparisons={(c.scenario, c.load, c.metric): c for c in outcome.comparisons},
        cells={(c.scenario, c.load, c.label): c for c in outcome.cells},
    )


def measured(cell: CellResult | None) -> bool:
    """Whether anything is known of a cell: figures, or that it collapsed."""
    return cell is not None and bool(cell.throughput or cell.collapsed or cell.requests)


def short_names(a: str, b: str) -> tuple[str, str]:
    """Name two sides by their specs if those are short, else by what tells them apart, else by a letter.

    What tells them apart are settings of one app, or the folders that two apps are in; a URL is called by its host.
    Files of the same name are called by their folders however short they are.
    """
    same_file = "/" in a and "://" not in a and PurePath(a).name == PurePath(b).name
    for names in (
        (_place(a), _place(b)) if same_file else ("", ""),
        (a, b),
        _settings_apart(a, b),
        (_place(a), _place(b)),
    ):
        if names[0] != names[1] and all(name and len(name) <= SHORT for name in names):
            return names
    short_a, short_b = _short(a, b) or "side A", _short(b, a) or "side B"
    return (short_a, short_b) if short_a != short_b else ("side A", "side B")


def _settings_apart(a: str, b: str) -> tuple[str, str]:
    """Return the settings that each side has by itself, if the apps are called the same."""
    (head, *settings), (other, *others) = a.split(","), b.split(",")
    if head != other:
        return "", ""
    return ",".join(s for s in settings if s not in others), ",".join(s for s in others if s not in settings)


def _place(spec: str) -> str:
    """Return the name of the folder that an app is in, or a URL's host and port; nothing where neither is named."""
    head, *settings = spec.split(",")
    if "://" in head:
        return head.partition("://")[2].partition("/")[0]
    named = [setting.removeprefix("dir=") for setting in settings if setting.startswith("dir=")]
    return PurePath(named[0]).name if named else PurePath(head).parent.name


def _short(spec: str, other: str) -> str | None:
    head, other_head = spec.partition(",")[0], other.partition(",")[0]
    candidates = (
        spec,
        spec.removeprefix(f"{other},"),
        _attribute(spec) if _attribute(spec) != _attribute(other) else spec,
        f"{head}…" if head != other_head else spec,
    )
    return next((each for each in candidates if len(each) <= SHORT), None)


def _attribute(spec: str) -> str:
    """Return ``base`` of ``package.module:base``; a URL, and what is no app, is returned as it is."""
    return spec if "://" in spec else spec.rpartition(":")[2]


def metrics(view: RunView) -> list[Metric]:
    """Return all metrics, the one that the verdicts are about first."""
    all_: list[Metric] = ["throughput", "p50", "p99", "cpu_per_request"]
    return sorted(all_, key=lambda metric: metric != view.metric)


def subject(view: RunView) -> str:
    """Return what the verdicts are about, as in "Verdicts on …"."""
    return "the slowest answers (p99)" if view.open_loop else "throughput"


def ratio_of(view: RunView, *, begins: bool = True) -> str:
    """Say what was divided by what."""
    a, b = view.names["a"], view.names["b"]
    if view.open_loop:
        text = f"the 99th percentile of the response time (p99) with {b}, divided by that with {a}"
    else:
        text = f"throughput of {b} divided by that of {a}"
    return text[0].upper() + text[1:] if begins else text


def meaning_of_ratio(view: RunView) -> str:
    """Say what a ratio of 2 would mean."""
    a, b = view.names["a"], view.names["b"]
    if view.open_loop:
        return (
            f"how many times as long the slowest 1 % of requests wait with {b} as with {a} (p99); below 1 {b} is better"
        )
    return f"how many times as many requests a second {b} handles; above 1 {b} is better"


def directions(view: RunView, upper: str, lower: str) -> str:
    """Say for whom each side of the grey zone speaks, in the words of an axis: "Above", "below"."""
    up, down = view.names[view.above], view.names[view.other(view.above)]
    if view.open_loop:
        return (
            f"{upper} the grey zone the slowest requests wait longer with {down}, so {up} is better;"
            f" {lower} it they wait longer with {up}."
        )
    return f"{upper} the grey zone {up} handles more requests, {lower} it {down}."
