"""The catalogue of charts: what each is about, its title, how to read it; draw all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from loadtests.analysis.comparison import MARGIN_PERCENT
from loadtests.records.manifest import Manifest
from loadtests.records.summary import Outcome
from loadtests.report import titles
from loadtests.report.charts import dial, latency, predicted, ratio, throughput
from loadtests.report.charts.style import drawing, save
from loadtests.report.curves import stands_for_throughput
from loadtests.report.view import RunView, directions, view_of
from loadtests.system.forks import call_all

HOLLOW = (
    "A filled mark is a verdict: the shape shows which side is better, and a square means that the whole interval lies"
    f" within ± {MARGIN_PERCENT} %. A hollow mark is not decided."
)


@dataclass(frozen=True)
class Chart:
    """A chart that a run may have.

    Attributes:
        name: also its files'.
        topic: what it shows, in a few words.
        finding: what it says about a run; its title.
        reading: how to read it.
        draw: makes it; None where it would be empty.
    """

    name: str
    topic: Callable[[RunView], str]
    finding: Callable[[RunView], str]
    reading: Callable[[RunView], str]
    draw: Callable[[RunView], Figure | None]


CHARTS = (
    Chart(
        "ratio",
        lambda v: (
            "The ratio of p99 response times against the rate"
            if v.open_loop
            else "The ratio of throughputs against users"
        ),
        titles.loads_title,
        lambda v: f"{directions(v, 'Above', 'below')} {HOLLOW}",
        lambda v: ratio.against_loads(v) if len(v.loads) > 1 else None,
    ),
    Chart(
        "dial",
        lambda _: "The dial: how long a request computes against how long it waits",
        dial.finding,
        dial.reading,
        dial.heat_map,
    ),
    Chart(
        "predicted",
        lambda _: "Predicted against measured",
        predicted.finding,
        lambda _: (
            "On the diagonal the model is right; above it, it predicts more than was measured, below it less. It knows"
            " threads, connections, cores, and what one request needs. The closer the points are to the diagonal, the"
            " less is left unexplained."
        ),
        predicted.scatter,
    ),
    Chart(
        "verdicts",
        lambda v: (
            "Whose slowest requests wait less at the highest rate"
            if v.open_loop
            else "Who handles more at the highest load"
        ),
        lambda v: titles.ratio_title(v, v.highest),
        lambda v: f"{directions(v, 'Right of', 'left of')} {HOLLOW} A whisker is the 95 % interval.",
        ratio.at_highest_load,
    ),
    Chart(
        "throughput",
        lambda v: "Answered against offered" if v.open_loop else "Throughput against users",
        titles.throughput_title,
        lambda v: (
            "On the dashed line every arriving request is answered. A side that leaves the line falls behind:"
            " its queue and its response times grow for as long as the load lasts."
            if v.open_loop
            else "Higher is better. A line that stops rising has reached a limit: a core, a pool, or the threads."
        ),
        lambda v: (
            throughput.against_offered(v)
            if v.open_loop
            else None
            if stands_for_throughput(v)
            else throughput.throughput(v)
        ),
    ),
    Chart(
        "latency",
        lambda v: f"Response times at the highest {'rate' if v.open_loop else 'load'}",
        titles.latency_title,
        lambda v: (
            "Further left is better. The longer a line, the more the slowest requests differ from a typical one."
            + (" Each time runs from the instant at which the request was due." if v.open_loop else "")
        ),
        latency.at_highest_load,
    ),
    Chart(
        "cpu",
        lambda _: "Server CPU per request",
        titles.cpu_title,
        lambda _: (
            "Lower is better. One core divided by this is the most requests that one worker can answer per second."
        ),
        throughput.cpu,
    ),
)
"""In the order in which a reader should meet them."""
LEADING = frozenset({"ratio", "dial", "predicted"})
"""Those that come before any table."""


def draw(manifest: Manifest, outcome: Outcome, folder: Path, *, png: bool = False) -> list[Path]:
    """Write every chart that is not empty as SVG, and as PNG if that is wanted; return the paths.

    Charts of an earlier derivation that are now empty are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = view_of(manifest, outcome)

    def draw_one(chart: Chart) -> list[Path]:
        return save(chart.draw(run) if run.scenarios else None, folder, chart.name, png=png)

    with drawing():
        written = call_all([partial(draw_one, chart) for chart in CHARTS])
    return [path for paths in written for path in paths]
