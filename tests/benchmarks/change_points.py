"""How often ``bench history`` finds a change of level, where, and how often it finds one that is none.

Each series is the runs of one cell. A run's ratio has a 95 % interval of ± 3 % from its own six blocks, and varies from
run to run by that alone or by more. ``python -m tests.benchmarks.change_points`` prints the tables of
docs/over-time.md; a number behind it is that of the series.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.analysis.change_points import LEAST_SIDE, change_points

RUNS = 30
SERIES = 2000
STANDARD_ERROR = 0.03 / 2.571
"""Of a run's log ratio: the half-width of its interval ÷ Student's t of six blocks."""
LASTING = 0.3
"""Share of its error that a run keeps of the run before, where errors last."""
OUTLIERS = 1 / 15
OUTLIER = 0.1
"""Standard deviation of what an outlier is off by."""
Noise = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]
Places = Callable[[np.random.Generator, int], Sequence[int]]


def within(rng: np.random.Generator, runs: int) -> npt.NDArray[np.float64]:
    """Runs that vary as their intervals say."""
    return rng.normal(0, STANDARD_ERROR, runs)


def between(rng: np.random.Generator, runs: int) -> npt.NDArray[np.float64]:
    """Runs that vary as much again from day to day."""
    return rng.normal(0, math.sqrt(2) * STANDARD_ERROR, runs)


def outliers(rng: np.random.Generator, runs: int) -> npt.NDArray[np.float64]:
    """One run in fifteen is off by 10 % or so."""
    return within(rng, runs) + np.where(rng.random(runs) < OUTLIERS, rng.normal(0, OUTLIER, runs), 0)


def correlated(rng: np.random.Generator, runs: int) -> npt.NDArray[np.float64]:
    """Each run keeps 0.3 of what the run before was off by."""
    noise = between(rng, runs)
    for run in range(1, runs):
        noise[run] = LASTING * noise[run - 1] + math.sqrt(1 - LASTING**2) * noise[run]
    return noise


NOISES: dict[str, Noise] = {
    "as their intervals say (± 3 %)": within,
    "as much again from day to day": between,
    "the same, and each run keeps 0.3 of the last one's error": correlated,
    "± 3 %, and one run in 15 is off by about 10 %": outliers,
}


def none(_rng: np.random.Generator, _runs: int) -> Sequence[int]:
    """No change."""
    return []


def anywhere(rng: np.random.Generator, runs: int) -> Sequence[int]:
    """One change, with at least three runs on either side."""
    return [int(rng.integers(LEAST_SIDE, runs - LEAST_SIDE + 1))]


def at_an_edge(rng: np.random.Generator, runs: int) -> Sequence[int]:
    """One change after the third run, or before the third last."""
    return [LEAST_SIDE if rng.random() < 0.5 else runs - LEAST_SIDE]


def two(rng: np.random.Generator, runs: int) -> Sequence[int]:
    """A change, and at least five runs later one back."""
    first = int(rng.integers(5, runs - 9))
    return [first, int(rng.integers(first + 5, runs - 4))]


@dataclass(frozen=True)
class Found:
    """What came of many series.

    Attributes:
        right: of 100 series, in how many exactly the planted changes were found, at their places; with none, nothing.
        near: the same, with each place off by one run at the most.
        false: in how many a change was found anywhere else.
    """

    right: float
    near: float
    false: float


def study(
    noise: Noise,
    change: float,
    series: int,
    seed: int = 0,
    many: int = 1,
    runs: int = RUNS,
    places: Places | None = None,
) -> Found:
    """Look for changes in so many series.

    Args:
        noise: makes one series of logarithms.
        change: the new level ÷ the old one; 1 for none. A second change goes back.
        series: how many.
        seed: of everything random.
        many: how many series a history holds, among which its false changes are divided.
        runs: how long each series is.
        places: where changes are; None for anywhere.
    """
    rng = np.random.default_rng(seed)
    right = near = false = 0
    for _ in range(series):
        logs, planted = noise(rng, runs), (places or anywhere)(rng, runs)
        if change == 1:
            planted = []
        for number, place in enumerate(planted):
            logs[place:] += math.log(change) * (-1) ** number
        found = [each.index for each in change_points(np.exp(logs).tolist(), [STANDARD_ERROR] * runs, many)]
        right += found == list(planted)
        close = [index for index in found if any(abs(index - place) <= 1 for place in planted)]
        near += len(close) == len(planted)
        false += len(found) > len(close)
    return Found(*(100 * count / series for count in (right, near, false)))


def best_possible(series: int, change: float = 1.1, seed: int = 0) -> float:
    """Return in how many of 100 series with outliers the place is found by one who knows levels, noise and outliers."""
    rng = np.random.default_rng(seed)
    right, wide = 0, math.hypot(STANDARD_ERROR, OUTLIER)

    def likelihood(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        narrow, far = (np.exp(-((logs / width) ** 2) / 2) / width for width in (STANDARD_ERROR, wide))
        return np.log((1 - OUTLIERS) * narrow + OUTLIERS * far)

    for _ in range(series):
        logs, [place] = outliers(rng, RUNS), anywhere(rng, RUNS)
        logs[place:] += math.log(change)
        favour = np.cumsum(likelihood(logs) - likelihood(logs - math.log(change)))
        possible = np.arange(LEAST_SIDE, RUNS - LEAST_SIDE + 1)
        right += int(possible[np.argmax(favour[possible - 1])]) == place
    return 100 * right / series


def table(series: int) -> str:
    """Return the first table of the docs: one change among 30 runs."""
    rows = [
        "| runs vary | change | found at the right run | within one run | false change |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, noise in NOISES.items():
        for change in (1.0, 1.05, 1 / 1.1, 1.1, 1.2):
            found = study(noise, change, series)
            right, near = (f"{found.right:.1f}", f"{found.near:.1f}") if change != 1 else ("–", "–")
            planted = "none" if change == 1 else f"{100 * (change - 1):+.0f} %"
            rows.append(f"| {name} | {planted} | {right} | {near} | {found.false:.1f} |")
    return "\n".join(rows)


CASES: dict[str, tuple[int, Places]] = {
    "10 runs, no change": (10, none),
    "10 runs": (10, anywhere),
    "30 runs, three of them on one side": (RUNS, at_an_edge),
    "30 runs, two changes: up, and down again": (RUNS, two),
    "100 runs, no change": (100, none),
    "100 runs": (100, anywhere),
}


def other_cases(series: int) -> str:
    """Return the second table of the docs: short and long series, edges, two changes; found at the right run, false."""
    heads = "| a change of 10 % | ± 3 % | day to day | errors last | outliers |"
    rows = [heads, "| --- | --- | --- | --- | --- |"]
    for name, (runs, places) in CASES.items():
        found = [study(noise, 1.1, series, runs=runs, places=places) for noise in NOISES.values()]
        cells = [f"{'–' if places is none else f'{each.right:.1f}'} / {each.false:.1f}" for each in found]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    number = int(sys.argv[1]) if sys.argv[1:] else SERIES
    print(table(number), flush=True)
    print(f"\n{other_cases(number)}\n\nWith outliers, at best: {best_possible(10 * number):.1f}")
