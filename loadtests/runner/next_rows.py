"""Which rows of values files, and which numbers, come next: from the first look at the answers to a run's last trial.

What was sent once may be refused the second time: an e-mail address that must be new, a slug that is taken. So no row
is used again before a file is used up. Sides that are measured against each other get the same rows. Two servers of one
side, which may share a database, get different ones. Numbers differ everywhere: they are microseconds since 1970 where
they begin, and no client sends a million requests a second, so that they do not come again in later runs either.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from loadtests.experiment.fresh_values import Series
from loadtests.experiment.scenario import Scenario


class NextRows:
    """The next row of each values file, for all scenarios that use it."""

    def __init__(self, rows: Mapping[str, int] | None = None) -> None:
        """Begin a run, or go on with one.

        Args:
            rows: by file, the rows that are next; None to begin with the first ones.
        """
        self.rows = dict(rows or {})
        self._clock_ns = time.time_ns() - time.monotonic_ns()

    def series(self, scenario: Scenario, sides: Sequence[str]) -> list[Series]:
        """Return what servers that are asked at the same time use.

        Args:
            scenario: what they are asked.
            sides: of each server, which side it runs.
        """
        row = self.rows.get(scenario.values.file, 0) if scenario.values else 0
        number = (self._clock_ns + time.monotonic_ns()) // 1000
        of_one_side = max(Counter(sides).values(), default=1)
        return [
            Series(row + sides[:which].count(side), of_one_side, number + which, len(sides))
            for which, side in enumerate(sides)
        ]

    def used(self, scenario: Scenario, next_row: int) -> None:
        """Take note of the row behind the last one that was used of a scenario's file."""
        if scenario.values is not None:
            file = scenario.values.file
            self.rows[file] = max(next_row, self.rows.get(file, 0))


def used_again(scenario: Scenario, next_row: int) -> str | None:
    """Return a sentence if a values file had fewer rows than requests, else None; for ``next_row`` see ``used``."""
    values = scenario.values
    if values is None or next_row <= len(values.rows):
        return None
    said = f"{scenario.name}: the {len(values.rows):,} rows of {values.file} were used again"
    return said + ("; ${counter} and ${uuid} are new each time" if scenario.writes else "")
