"""Which charts there are, what each is about and how to read it; and how they become files."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from loadtests.charts import findings, forest, latency, ratio, sides
from loadtests.charts.style import RC
from loadtests.charts.view import View, view
from loadtests.manifest import Manifest
from loadtests.outcome import Outcome

PNG_DPI = 150


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
    topic: str
    finding: Callable[[View], str]
    reading: Callable[[View], str]
    draw: Callable[[View], Figure | None]


CHARTS = (
    Chart(
        "verdicts",
        "Who handles more at the highest load",
        lambda v: findings.of_ratio(v, v.highest),
        lambda v: (
            f"Right of the grey zone {v.names['b']} handles more requests, left of it {v.names['a']}. A hollow dot is"
            " not decided; a whisker is the 95 % interval."
        ),
        forest.at_highest_load,
    ),
    Chart(
        "ratio",
        "The ratio of throughputs against users",
        findings.of_loads,
        lambda v: (
            f"Above the grey zone {v.names['b']} handles more requests, below it {v.names['a']}. The shape of a mark is"
            " its verdict; hollow is not decided."
        ),
        lambda v: ratio.against_loads(v) if len(v.loads) > 1 else None,
    ),
    Chart(
        "throughput",
        "Throughput against users",
        findings.of_throughput,
        lambda _: "Higher is better. A line that stops rising has met a limit: a core, a pool, or the threads.",
        sides.throughput,
    ),
    Chart(
        "latency",
        "Response times at the highest load",
        findings.of_latency,
        lambda _: "Further left is better. The longer a line, the more the slowest requests differ from the usual one.",
        latency.at_highest_load,
    ),
    Chart(
        "cpu",
        "Server CPU per request",
        findings.of_cpu,
        lambda _: "Lower is better. One core divided by this is the most requests that one worker can answer.",
        sides.cpu,
    ),
)


def draw(manifest: Manifest, outcome: Outcome, folder: Path) -> list[Path]:
    """Write every chart that is not empty as SVG and PNG; return the paths.

    The same run gives the same SVG, byte for byte. Charts of an earlier derivation that are now empty are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    run = view(manifest, outcome)
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it shows as a box
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        for chart in CHARTS:
            svg, png = folder / f"{chart.name}.svg", folder / f"{chart.name}.png"
            figure = chart.draw(run) if run.scenarios else None
            if figure is None:
                svg.unlink(missing_ok=True)
                png.unlink(missing_ok=True)
                continue
            figure.savefig(svg, metadata={"Date": None})
            figure.savefig(png, dpi=PNG_DPI, metadata={"Software": None})
            written += [svg, png]
    return written
