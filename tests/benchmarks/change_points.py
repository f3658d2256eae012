"""How often ``bench history`` finds a change of level, where, and how often it finds one that is none.

Each series is 30 runs of one cell. A run's ratio has a 95 % interval of ± 3 % from its own six blocks, and varies from
run to run by that alone or by more. ``python -m tests.benchmarks.change_points`` prints the table of docs/over-time.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.analysis.change_points import change_points

RUNS = 30
STANDARD_ERROR = 0.03 / 2.571
"""Of a run's log ratio: the half-width of its interval ÷ Student's t of six blocks."""
Noise = Callable[[np.random.Generator], npt.NDArray[np.float64]]


def within(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Runs that vary as their intervals say."""
    return rng.normal(0, STANDARD_ERROR, RUNS)


def between(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Runs that vary as much again from day to day."""
    return rng.normal(0, math.sqrt(2) * STANDARD_ERROR, RUNS)


def outliers(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """One run in fifteen is off by 10 % or so."""
    return within(rng) + np.where(rng.random(RUNS) < 1 / 15, rng.normal(0, 0.1, RUNS), 0)


def correlated(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Each run keeps 0.3 of what the run before was off by."""
    noise = between(rng)
    for run in range(1, RUNS):
        noise[run] = 0.3 * noise[run - 1] + math.sqrt(1 - 0.3**2) * noise[run]
    return noise


NOISES: dict[str, Noise] = {
    "as their intervals say (± 3 %)": within,
    "as much again from day to day": between,
    "the same, and each run keeps 0.3 of the last one's error": correlated,
    "± 3 %, and one run in 15 is off by about 10 %": outliers,
}


@dataclass(frozen=True)
class Found:
    """What came of many series.

    Attributes:
        right: of 100 series, in how many exactly the planted change was found, at its place; with no change, nothing.
        near: the same, with the place off by one run at the most.
        false: in how many a change was found anywhere else.
    """

    right: float
    near: float
    false: float


def study(noise: Noise, change: float, series: int, seed: int = 0, many: int = 1) -> Found:
    """Look for a change at a random place, 3 to 27, in so many series.

    Args:
        noise: makes one series of logarithms.
        change: the new level ÷ the old one; 1 for none.
        series: how many.
        seed: of everything random.
        many: how many series a history holds, among which its false changes are divided.
    """
    rng = np.random.default_rng(seed)
    right = near = false = 0
    for _ in range(series):
        logs, place = noise(rng), int(rng.integers(3, RUNS - 2))
        logs[place:] += math.log(change)
        found = [each.index for each in change_points(np.exp(logs).tolist(), [STANDARD_ERROR] * RUNS, many)]
        planted = [] if change == 1 else [place]
        right += found == planted
        close = [index for index in found if planted and abs(index - place) <= 1]
        near += len(close) == len(planted)
        false += len(found) > len(close)
    return Found(*(100 * count / series for count in (right, near, false)))


def table(series: int) -> str:
    """Return the table of the docs."""
    rows = [
        "| runs vary | change | found at the right run | within one run | false change |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, noise in NOISES.items():
        for change in (1.0, 1.05, 1 / 1.1, 1.1):
            found = study(noise, change, series)
            right, near = (f"{found.right:.1f}", f"{found.near:.1f}") if change != 1 else ("–", "–")
            planted = "none" if change == 1 else f"{100 * (change - 1):+.0f} %"
            rows.append(f"| {name} | {planted} | {right} | {near} | {found.false:.1f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(1000))
