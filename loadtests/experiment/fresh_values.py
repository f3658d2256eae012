"""What is new for each request: the next row of a values file, a number that never comes again, a UUID (pure).

Whoever sends requests draws from one series of rows for a whole run: the first look at the answers, warm-ups and all
trials. Where several send at the same time, ``Series.part`` says which of them uses what.
"""

import itertools
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.experiment.values import Variables


@dataclass(frozen=True)
class Series:
    """The rows and numbers that one sender uses.

    Attributes:
        row: its first row, from 0; behind the last one of the file it begins again.
        row_step: from each of its rows to the next.
        number: its first number.
        number_step: from each of its numbers to the next.
    """

    row: int = 0
    row_step: int = 1
    number: int = 1
    number_step: int = 1

    def part(self, which: int, of: int) -> "Series":
        """Return what one of several senders uses who share this: rows and numbers that no other of them has."""
        return Series(
            self.row + which * self.row_step,
            self.row_step * of,
            self.number + which * self.number_step,
            self.number_step * of,
        )


class FreshValues:
    """Values for one request after another, or one pass of a sequence after another, for all who send together.

    Attributes:
        next_row: the row behind the last one that was used; the first one of the series if none was.
    """

    def __init__(self, variables: Variables, series: Series | None = None) -> None:
        """Begin a series.

        Args:
            variables: the values file, if there is one, and which of the built-in names are asked for.
            series: which rows and numbers; None for all of them.
        """
        series = series or Series()
        self._values = variables.values
        self._built_in = variables.built_in
        self._turns = itertools.count()
        self._series = series
        self._lock = threading.Lock()  # for the threads of a warm-up
        self.next_row = series.row

    def take(self) -> Mapping[str, str]:
        """Return the next values, by name."""
        series = self._series
        with self._lock:
            turn = next(self._turns)
            row = series.row + turn * series.row_step
            self.next_row = row + 1
        taken: dict[str, str] = {}
        if self._values is not None:
            rows = self._values.rows
            taken.update(zip(self._values.columns, rows[row % len(rows)], strict=True))
        if "counter" in self._built_in:
            taken["counter"] = str(series.number + turn * series.number_step)
        if "uuid" in self._built_in:
            taken["uuid"] = str(uuid.uuid4())
        return taken


def fresh_values(variables: Variables | None, series: Series | None = None) -> FreshValues | None:
    """Return what fills places anew for each request; None if all of them are filled from the environment."""
    if variables is None or (variables.values is None and not variables.built_in):
        return None
    return FreshValues(variables, series)
