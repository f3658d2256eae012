"""Which estimator, and when to stop: tried on recorded pairs of slices, ``python -m tests.benchmarks.estimators``.

``collect NAME TRUTH RUN`` adds the pairs of a run's cells to pairs.json: the log ratios of slices that stand side by
side, start by start. ``study`` resamples them, random starts and in each a stretch of neighbouring pairs with the sides
swapped at random, and prints how often the interval of each estimator holds the truth, how wide it is, and what
stopping by width does to both. docs/estimators.md says what followed from it.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from loadtests.analysis.comparison import WIDEST_SPREAD, block_log_ratio, hodges_lehmann
from loadtests.analysis.trial_summary import slice_rates
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Recording

FILE = Path(__file__).with_name("pairs.json")
DRAWS = 2_000
DESIGNS = ((6, 4), (6, 8), (8, 6))
"""Starts × pairs in each."""
PRECISIONS = (0.03, 0.05, 0.08)
MOST_STARTS = 12
BURSTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
"""Standard deviations of one side's answers in a slice, as a share of their mean."""
SD_OF_A_START = 0.02
"""Standard deviation of a start's log ratio, as recorded."""
Pairs = npt.NDArray[np.float64]
Starts = Sequence[Pairs]


def trimmed(pairs: Pairs) -> float:
    """Return the mean without the lowest and the highest fifth."""
    return float(stats.trim_mean(pairs, 0.2))


ESTIMATORS: Mapping[str, Callable[[Pairs], float]] = {
    "mean of pairs": lambda pairs: float(pairs.mean()),
    "20 % trimmed mean": trimmed,
    "median": lambda pairs: float(np.median(pairs)),
    "Hodges-Lehmann": lambda pairs: hodges_lehmann(list(pairs)),
}
"""Of the pairs of one start; over starts it is always Student's t."""


def collect(name: str, truth: float, path: Path) -> None:
    """Add the cells of a run; ``truth`` is the true ratio."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    trials: dict[tuple[str, str], dict[int, dict[str, Recording]]] = {}
    for key, recording in RunFolder(path).read_trials():
        trials.setdefault((key.scenario, key.load), {}).setdefault(key.block, {})[key.label] = recording
    for (scenario, load), blocks in trials.items():
        starts = []
        for _, sides in sorted(blocks.items()):
            rates = [slice_rates(sides[label]) for label in "ab"]
            starts.append([round(math.log(b / a), 4) for a, b in zip(*rates, strict=False) if a > 0 and b > 0])
        known[f"{name}: {scenario}, {load[1:]} users"] = {"truth": math.log(truth), "starts": starts}
    FILE.write_text(json.dumps(known))


def draw(rng: np.random.Generator, starts: Starts, count: int, pairs: int) -> list[Pairs]:
    """Return so many random starts, and of each a stretch of pairs, with the sides swapped at random."""
    drawn = []
    for start in rng.integers(len(starts), size=count):
        log = starts[start]
        begin = rng.integers(len(log) - pairs + 1)
        drawn.append(log[begin : begin + pairs] * rng.choice((-1.0, 1.0)))
    return drawn


def interval(estimates: Sequence[float]) -> tuple[float, float]:
    """Return the middle and the half-width of Student's 95 % interval."""
    count = len(estimates)
    width = stats.t.ppf(0.975, count - 1) * np.std(estimates, ddof=1) / math.sqrt(count)
    return float(np.mean(estimates)), float(width)


def load(pairs: int) -> dict[str, Starts]:
    """Return the series whose starts have enough pairs, the truth taken off."""
    series: dict[str, Starts] = {}
    for name, each in json.loads(FILE.read_text()).items():
        starts = [np.array(start) - each["truth"] for start in each["starts"] if len(start) >= pairs]
        if len(starts) >= MOST_STARTS:
            series[name] = starts
    return series


def compare_estimators(rng: np.random.Generator) -> None:
    """Print coverage and half-width of each estimator, over all series."""
    for count, pairs in DESIGNS:
        series = load(pairs)
        print(f"\n{count} starts × {pairs} pairs, {len(series)} series")
        for name, estimator in ESTIMATORS.items():
            held, widths = [], []
            for starts in series.values():
                found = [
                    interval([estimator(log) for log in draw(rng, starts, count, pairs)]) for _ in range(DRAWS // 4)
                ]
                held.append(np.mean([abs(middle) <= width for middle, width in found]))
                widths.append(np.median([width for _, width in found]))
            low, high = np.percentile(held, (10, 90))
            print(
                f"  {name:20} coverage {np.mean(held):.1%} (series {low:.1%} to {high:.1%}), half-width "
                f"{np.median(widths):.2%}, 90th percentile {np.percentile(widths, 90):.2%}"
            )


def stop_by_width(rng: np.random.Generator, pairs: int = 4) -> None:
    """Print what stopping by width does: coverage, false winners, starts."""
    series = load(pairs)
    rules: dict[str, Callable[[int, float, float], bool]] = {
        "from 6 starts": lambda n, width, most: n >= 6 and width <= most,
        "from 4 starts": lambda n, width, most: n >= 4 and width <= most,
        "from 4, half as wide below 6": lambda n, width, most: width <= (most if n >= 6 else most / 2) and n >= 4,
    }
    for precision in PRECISIONS:
        for name, rule in rules.items():
            held, false, used = [], [], []
            for starts in series.values():
                for _ in range(DRAWS // 10):
                    estimates = [hodges_lehmann(list(log)) for log in draw(rng, starts, MOST_STARTS, pairs)]
                    for count in range(4, MOST_STARTS + 1):
                        middle, width = interval(estimates[:count])
                        if rule(count, width, math.log1p(precision)):
                            break
                    held.append(abs(middle) <= width)
                    used.append(count)
                    false.append(abs(middle) > width)
            print(
                f"  ± {precision:.0%}, {name:30} coverage {np.mean(held):.1%}, false winners {np.mean(false):.1%}, "
                f"{np.mean(used):.1f} starts"
            )


def compare_on_bursts(rng: np.random.Generator, starts: int = 6, pairs: int = 8) -> None:
    """Print what a side does to intervals whose slices hold gamma-distributed counts of answers, the other's do not."""
    for spread in BURSTS:
        found: dict[str, list[tuple[float, float]]] = {"Hodges-Lehmann": [], "whole block": [], "rule": []}
        for _ in range(DRAWS):
            estimates: dict[str, list[float]] = {name: [] for name in found}
            for start in rng.normal(0, SD_OF_A_START, starts):
                a = rng.gamma(1 / spread**2, spread**2, pairs)
                b = math.exp(start) * rng.gamma(400, 1 / 400, pairs)
                log = np.log(b / a)
                robust, whole = hodges_lehmann(list(log)), math.log(b.mean() / a.mean())
                rule = block_log_ratio(list(zip(a, b, strict=True)), whole)
                for name, value in zip(found, (robust, whole, rule), strict=True):
                    estimates[name].append(value)
            for name, values in estimates.items():
                found[name].append(interval(values))
        for name, intervals in found.items():
            held = np.mean([abs(middle) <= width for middle, width in intervals])
            middle, width = np.mean(intervals, axis=0)
            print(f"  sd {spread:.0%}, {name:16} coverage {held:.1%}, half-width {width:.1%}, bias {middle:+.1%}")


def study() -> None:
    """Print everything."""
    rng = np.random.default_rng(1)
    for name, starts in load(4).items():
        means = [float(log.mean()) for log in starts]
        within = math.sqrt(float(np.mean([np.var(log, ddof=1) for log in starts])))
        pairs = float(np.mean([len(log) for log in starts]))
        between = math.sqrt(max(0.0, float(np.var(means, ddof=1)) - within**2 / pairs))
        print(
            f"{name:44} {len(starts)} starts × {pairs:.0f}: mean {np.mean(means):+.4f}, sd of a pair {within:.3f}, "
            f"of a start {between:.3f}"
        )
    compare_estimators(rng)
    print("\nstop by width, Hodges-Lehmann of 4 pairs, at most 12 starts")
    stop_by_width(rng)
    spreads = [np.std(log, ddof=1) for starts in load(4).values() for log in starts]
    print(f"\nblocks spread wider than {WIDEST_SPREAD}: {sum(s > WIDEST_SPREAD for s in spreads)} of {len(spreads)}")
    print("one side answers in bursts, 6 starts × 8 pairs")
    compare_on_bursts(rng)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["collect", name, truth, path]:
            collect(name, float(truth), Path(path))
        case _:
            study()
