"""The board that conductor and players share: who has the turn, what is in flight, how many answers there are.

It is a file mapped into every process, so that the load can be watched without a message per request. Each user has
a row of its own that only it writes; the turn is written by the conductor alone. So nothing needs a lock.
"""

import mmap
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loadtests.experiment.loads import MAX_USERS

NOBODY = -1
ROWS = MAX_USERS + 64
"""Users of one side; players take every n-th row, n being their number, and one of them may hold a user more."""
SIDES = 2
_WORD = 8
_CELLS = SIDES * ROWS
SIZE = _WORD * (1 + 4 * _CELLS)


def lay_out(path: Path) -> None:
    """Make the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(SIZE))


class Board:
    """One process's view of the board; the owner has made the file."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            mapped = mmap.mmap(file.fileno(), SIZE)
        memory = memoryview(mapped)
        edges = [_WORD * (1 + column * _CELLS) for column in range(5)]
        sent, slowest, answers, present = (memory[start:end] for start, end in pairwise(edges))
        self._turn = memory[:_WORD].cast("q")
        # memoryview is written to faster, numpy reads many rows at once
        self._sent, self._slowest, self._answers = sent.cast("d"), slowest.cast("d"), answers.cast("q")
        self._present = present.cast("q")
        shape = (SIDES, ROWS)
        self._all_sent: npt.NDArray[np.float64] = np.frombuffer(sent, np.float64).reshape(shape)
        self._all_slowest: npt.NDArray[np.float64] = np.frombuffer(slowest, np.float64).reshape(shape)
        self._all_answers: npt.NDArray[np.int64] = np.frombuffer(answers, np.int64).reshape(shape)
        self._all_present: npt.NDArray[np.int64] = np.frombuffer(present, np.int64).reshape(shape)

    @property
    def turn(self) -> int:
        """The side whose users may send, or NOBODY; beyond SIDES, one whose users are invited."""
        return self._turn[0]

    # the conductor's half

    def clear(self) -> None:
        """Begin anew: nobody's turn, no users."""
        self.give_turn(NOBODY)
        for column in (self._sent, self._slowest):
            column[:] = memoryview(bytes(_WORD * _CELLS)).cast("d")
        for counts in (self._answers, self._present):
            counts[:] = memoryview(bytes(_WORD * _CELLS)).cast("q")

    def give_turn(self, side: int) -> None:
        """Say whose turn it is."""
        self._turn[0] = side

    def invite(self, side: int) -> None:
        """Let each user of a side send one request, who has not had an answer yet."""
        self._turn[0] = side + SIDES

    def arrived(self, side: int) -> int:
        """Return how many users have had an answer."""
        return int(np.count_nonzero(self._all_answers[side]))

    def users(self, side: int) -> int:
        """Return how many users have come."""
        return int(self._all_present[side].sum())

    def answers(self, side: int) -> int:
        """Return how many requests have ended."""
        return int(self._all_answers[side].sum())

    def slowest_s(self, side: int) -> float:
        """Return the longest that a request has taken."""
        return float(self._all_slowest[side].max())

    def in_flight(self, side: int, sent_before: float = np.inf) -> int:
        """Return how many requests are unanswered, of those that were sent before an instant of perf_counter."""
        sent = self._all_sent[side]
        return int(np.count_nonzero((sent > 0) & (sent <= sent_before)))

    # the players' half

    def come(self, row: int) -> None:
        """Add a user."""
        self._present[row] = 1

    def may_send(self, row: int) -> bool:
        """Return whether it is the user's turn, or the user is invited."""
        side, turn = row // ROWS, self._turn[0]
        return turn == side or (turn == side + SIDES and not self._answers[row])

    def send(self, row: int, now: float) -> None:
        """Say that a user sends a request, at an instant of perf_counter."""
        self._sent[row] = now

    def take_back(self, row: int) -> None:
        """Say that a user sends none, after all."""
        self._sent[row] = 0.0

    def answer(self, row: int, took_s: float) -> None:
        """Say that a user's request has ended."""
        self._answers[row] += 1
        self._slowest[row] = max(self._slowest[row], took_s)
        self._sent[row] = 0.0
