"""The conditions of ``--fail-if``, as they are typed, checked and turned into thresholds (pure).

A condition states what must not be: ``[SCENARIO[@USERS].][a.|b.]METRIC[.ratio] OP VALUE``. Without a scenario it is
about every cell, without a side about either. A scenario whose name has spaces goes in single quotes.
"""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from loadtests.experiment.loads import Load
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.system.errors import UsageError

ThresholdMetric = Literal["throughput", "p50", "p95", "p99", "errors", "cpu", "memory"]
METRICS: tuple[ThresholdMetric, ...] = get_args(ThresholdMetric)
Operator = Literal["<", "<=", ">", ">="]
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TIMES = {"ms": 1e-3, "s": 1.0}
UNITS: Mapping[ThresholdMetric, Mapping[str, float]] = {
    "throughput": {"/s": 1.0, "": 1.0},
    "p50": _TIMES,
    "p95": _TIMES,
    "p99": _TIMES,
    "errors": {"%": 0.01},
    "cpu": _TIMES,
    "memory": {"MB": 1e6},
}
"""What a value may be written in, and how many requests/s, seconds or bytes that is; of errors, which share."""
EXAMPLES: Mapping[ThresholdMetric, str] = {
    "throughput": "throughput < 500/s",
    "p50": "p50 > 20ms",
    "p95": "p95 > 100ms",
    "p99": "p99 > 200ms",
    "errors": "errors > 0.1%",
    "cpu": "cpu > 2ms",
    "memory": "memory > 300MB",
}
_PLAIN = r"[A-Za-z_]\w*(?:\[[^\[\]]*\])?"
"""A scenario's name that needs no quotes: of the catalogue, with parameters or without."""
_CONDITION = re.compile(
    rf"\s*(?:(?:'(?P<quoted>[^']+)'|(?P<plain>(?![ab]\.){_PLAIN}))(?:@(?P<load>\d+(?:\.\d+)?)(?:/s)?)?\.)?"
    r"(?:(?P<label>[ab])\.)?(?P<metric>(?!ratio\b)\w+)(?P<ratio>\.ratio)?"
    r"\s*(?P<operator><=|>=|<|>)\s*(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>[A-Za-z/%]*)\s*"
)
HOW = (
    "write [SCENARIO[@USERS].][a.|b.]METRIC[.ratio], then <, <=, > or >=, then a value, as in"
    ' "get_post@32.throughput.ratio < 0.95"; a name with spaces goes in single quotes: "\'GET /path\'.p99 > 200ms"'
)


@dataclass(frozen=True)
class Threshold:
    """A value that a figure must not be above, or not below.

    Attributes:
        metric: which figure.
        operator: how it must not stand to the value.
        value: in requests/s, seconds, bytes, or as a share from 0 to 1; a ratio is a plain number.
        typed: the value as typed, with its unit.
        is_ratio: whether it is about b ÷ a.
        label: the side that it is about; None for either one, and for a ratio.
        scenario: its name; None for all of them.
        load: users or arrivals per second; None for every load.
    """

    metric: ThresholdMetric
    operator: Operator
    value: float
    typed: str
    is_ratio: bool = False
    label: SideLabel | None = None
    scenario: str | None = None
    load: float | None = None

    def __str__(self) -> str:
        """Write it as it could be typed."""
        cell = ""
        if self.scenario is not None:
            name = self.scenario if re.fullmatch(_PLAIN, self.scenario) else f"'{self.scenario}'"
            cell = f"{name}@{self.load:.10g}." if self.load is not None else f"{name}."
        side = f"{self.label}." if self.label else ""
        return f"{cell}{side}{self.metric}{'.ratio' if self.is_ratio else ''} {self.operator} {self.typed}"

    @property
    def sides(self) -> tuple[SideLabel, ...]:
        """The sides whose figures it takes."""
        return LABELS if self.label is None else (self.label,)

    def forbids(self, figure: float) -> bool:
        """Whether a figure, in the unit of ``value``, is one that must not be."""
        return OPERATORS[self.operator](figure, self.value)

    def each(self, cells: Iterable[tuple[str, Load]]) -> Iterator[tuple["Threshold", tuple[str, Load]]]:
        """Yield a threshold with nothing left open for each cell that this one is about, and for each side."""
        for scenario, load in cells:
            if self.scenario in (None, scenario) and self.load in (None, load.size):
                for label in (None,) if self.is_ratio else self.sides:
                    yield replace(self, scenario=scenario, load=load.size, label=label), (scenario, load)


class ThresholdOptions(BaseModel):
    """What is asked of a run's figures, and where the answers go, as typed."""

    model_config = ConfigDict(frozen=True)

    fail_if: tuple[str, ...] = ()
    not_decided: Literal["pass", "fail"] = "pass"
    junit: Path | None = None
    markdown: Path | None = None

    @property
    def given(self) -> bool:
        """Whether anything is asked at all."""
        return self != ThresholdOptions()

    def thresholds(self, scenarios: Sequence[str], loads: Sequence[Load]) -> tuple[Threshold, ...]:
        """Check everything that can be checked before anything is measured; raises UsageError.

        Args:
            scenarios: names of the run's scenarios.
            loads: the run's loads.
        """
        for name, value in (("--junit", self.junit), ("--not-decided", self.not_decided == "fail")):
            if value and not self.fail_if:
                raise UsageError(f'{name} is about conditions; add --fail-if, as in --fail-if "{EXAMPLES["p99"]}"')
        for name, path in (("--junit", self.junit), ("--markdown", self.markdown)):
            if path is not None and not path.absolute().parent.is_dir():
                raise UsageError(f"{name} {path}: there is no folder {path.parent}; create it first")
        parsed = dict.fromkeys(map(parse_threshold, self.fail_if))
        return tuple(_of_this_run(threshold, scenarios, loads) for threshold in parsed)


def parse_threshold(text: str) -> Threshold:
    """Parse one condition; raises UsageError if it is none, or its metric or unit is unknown."""
    where = f"--fail-if {text!r}"
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(f"{where}: {HOW}")
    metric = next((known for known in METRICS if known == match["metric"]), None)
    if metric is None:
        raise UsageError(f"{where}: unknown metric {match['metric']!r}{_hint(match['metric'], METRICS)}")
    is_ratio = match["ratio"] is not None
    if is_ratio and match["label"]:
        raise UsageError(f"{where}: a ratio is b ÷ a, and belongs to no side; leave out {match['label']}.")
    if is_ratio and metric == "errors":
        raise UsageError(f"{where}: errors have no ratio, because there are usually none; write b.{EXAMPLES['errors']}")
    number, unit = float(match["number"]), match["unit"]
    units = {"": 1.0} if is_ratio else UNITS[metric]
    if unit not in units and not (metric == "errors" and number == 0 and not unit):
        example = f"{metric}.ratio > 1.1" if is_ratio else EXAMPLES[metric]
        wrong = f"unknown unit {unit!r}" if unit else "a value without a unit"
        raise UsageError(f"{where}: {wrong}{_hint(unit, [*filter(None, units)])}; write it as in {example!r}")
    value = number * units.get(unit, 1.0)
    if metric == "errors" and value >= 1:
        raise UsageError(f"{where}: a share of requests must be less than 100%")
    if metric != "errors" and value == 0:
        raise UsageError(f"{where}: the value must be above 0")
    return Threshold(
        metric=metric,
        operator=next(known for known in get_args(Operator) if known == match["operator"]),
        value=value,
        typed=match["number"] + unit,
        is_ratio=is_ratio,
        label=next((label for label in LABELS if label == match["label"]), None),
        scenario=match["quoted"] or match["plain"],
        load=float(match["load"]) if match["load"] else None,
    )


def _of_this_run(threshold: Threshold, scenarios: Sequence[str], loads: Sequence[Load]) -> Threshold:
    """Return a threshold with its scenario's name as the run has it; raises UsageError if the run has no such cell."""
    where = f"--fail-if {str(threshold)!r}"
    name = threshold.scenario
    if name is not None and name not in scenarios:
        with suppress(UsageError):  # what is meant is told below
            name = parse_scenario(name).name
        if name not in scenarios:
            raise UsageError(f"{where}: this run has no scenario {name!r}{_hint(name, scenarios)}")
    sizes = [f"{load.size:.10g}" for load in loads]
    if threshold.load is not None and f"{threshold.load:.10g}" not in sizes:
        raise UsageError(f"{where}: this run has no load of {threshold.load:.10g}; choose one of: {', '.join(sizes)}")
    return replace(threshold, scenario=name)


def _hint(wrong: str, known: Sequence[str]) -> str:
    """Say which known name is meant, or what there is."""
    by_letters = {each.lower(): each for each in known}
    close = difflib.get_close_matches(wrong.lower(), by_letters, n=1)
    if close:
        return f"; did you mean {by_letters[close[0]]!r}?"
    return f"; choose one of: {', '.join(known)}" if known else ""
