"""The results of a run as metrics: OpenMetrics, or the text format of Prometheus before it (pure).

A run is over when it is exported, so all of it are gauges but for counts of requests. Nothing has a timestamp: a
database of metrics would refuse what is old.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from loadtests.analysis.run_differences import SavedRun
from loadtests.experiment.loads import Load
from loadtests.records.summary import CellResult, Comparison

Labels = Sequence[tuple[str, str]]
Kind = Literal["gauge", "counter", "info"]
VERDICTS = ("a", "b", "equivalent", "inconclusive")


@dataclass(frozen=True)
class Family:
    """A metric with all of its samples.

    Attributes:
        name: without what its kind adds, as ``_total``.
        kind: gauge, counter or info.
        help: one sentence.
        samples: labels and values.
        unit: the last part of its name, if it has one.
    """

    name: str
    kind: Kind
    help: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)
    unit: str = ""


def open_metrics(run: SavedRun) -> str:
    """Return OpenMetrics 1.0 text."""
    lines = []
    for family in families(run):
        lines += [f"# TYPE {family.name} {family.kind}"]
        lines += [f"# UNIT {family.name} {family.unit}"] if family.unit else []
        lines += [f"# HELP {family.name} {_escaped(family.help)}", *_samples(family)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def prometheus_text(run: SavedRun) -> str:
    """Return the text format of Prometheus, as the textfile collector of node_exporter reads it."""
    lines = []
    for family in families(run):
        name = family.name + {"counter": "_total", "info": "_info", "gauge": ""}[family.kind]
        kind = "counter" if family.kind == "counter" else "gauge"
        lines += [f"# HELP {name} {_escaped(family.help)}", f"# TYPE {name} {kind}", *_samples(family)]
    return "\n".join(lines) + "\n"


def _samples(family: Family) -> Iterator[str]:
    name = family.name + {"counter": "_total", "info": "_info", "gauge": ""}[family.kind]
    for labels, value in family.samples:
        written = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        yield f"{name}{{{written}}} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def families(run: SavedRun) -> list[Family]:
    """Return every metric that has a sample."""
    manifest, outcome = run.manifest, run.outcome
    info = Family("bench_run", "info", "What was measured, and where.")
    about = {
        "run": manifest.name,
        "created": manifest.created.isoformat(),
        "a": manifest.a.spec,
        "b": manifest.b.spec,
        "commit_a": manifest.a.commit or "",
        "commit_b": manifest.b.commit or "",
        "harness": manifest.environment.commit or "",
        "machine": run.machine,
        "python": manifest.environment.python,
        "complete": str(outcome.complete).lower(),
    }
    info.samples.append((list(about.items()), 1))
    ratio = Family("bench_ratio", "gauge", "Figure of side b divided by that of side a.")
    low = Family("bench_ratio_lower", "gauge", "Lower end of the ratio's 95 % interval.")
    high = Family("bench_ratio_upper", "gauge", "Upper end of the ratio's 95 % interval.")
    verdict = Family("bench_verdict", "gauge", "1 for the verdict of a comparison, 0 for all others.")
    for c in outcome.comparisons:
        labels = [("run", manifest.name), *_of_load(c.scenario, c.load), ("metric", c.metric)]
        _add_comparison(c, labels, ratio, low, high)
        verdict.samples.extend(([*labels, ("verdict", each)], float(each == c.verdict)) for each in VERDICTS)
    control = Family("bench_control_ratio", "gauge", "Side a divided by itself, in a second process.")
    if outcome.control is not None and outcome.control.ratio is not None:
        where = _of_load(outcome.control.scenario, outcome.control.load)
        control.samples.append(([("run", manifest.name), *where], outcome.control.ratio))
    found = [info, ratio, low, high, verdict, control, *_of_cells(manifest.name, outcome.cells)]
    return [family for family in found if family.samples]


def _add_comparison(c: Comparison, labels: Labels, ratio: Family, low: Family, high: Family) -> None:
    if c.ratio is not None:
        ratio.samples.append((labels, c.ratio))
    if c.interval is not None:
        low.samples.append((labels, c.interval[0]))
        high.samples.append((labels, c.interval[1]))


def _of_cells(name: str, cells: Sequence[CellResult]) -> list[Family]:
    rate = Family("bench_throughput_requests_per_second", "gauge", "Good answers per second.")
    response = Family("bench_response_seconds", "gauge", "Percentiles of the response time.", unit="seconds")
    cpu = Family("bench_cpu_per_request_seconds", "gauge", "CPU time of the server per request.", unit="seconds")
    memory = Family("bench_memory_bytes", "gauge", "Most resident memory of the server that was seen.", unit="bytes")
    requests = Family("bench_requests", "counter", "Requests that were counted.")
    failures = Family("bench_failures", "counter", "Requests that failed, by reason.")
    for cell in cells:
        labels = [("run", name), *_of_load(cell.scenario, cell.load), ("label", cell.label), ("side", cell.side)]
        if cell.throughput is not None:
            rate.samples.append((labels, cell.throughput.value))
        for percentile, seconds in cell.latency_s.items():
            if seconds is not None:
                quantile = f"{float(percentile.removeprefix('p')) / 100:.10g}"
                response.samples.append(([*labels, ("quantile", quantile)], seconds))
        if cell.cpu_per_request is not None:
            cpu.samples.append((labels, cell.cpu_per_request.value))
        if cell.rss_bytes is not None:
            memory.samples.append((labels, cell.rss_bytes))
        requests.samples.append((labels, cell.requests))
        failures.samples.extend(([*labels, ("reason", reason)], count) for reason, count in cell.failures.items())
    return [rate, response, cpu, memory, requests, failures]


def _of_load(scenario: str, load: Load) -> list[tuple[str, str]]:
    return [("scenario", scenario), ("load", load.kind), ("size", f"{load.size:g}")]
