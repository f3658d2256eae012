"""One side's slices, as the conductor sees them on the board: when each phase begins and ends.

The phases are those of ``closed_loop``; users, though, sit in any number of processes.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import gevent
import psutil

from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.locust.board import NOBODY, Board
from loadtests.drivers.locust.orders import Trial, users_of
from loadtests.drivers.phases import (
    LEAD_IN_ANSWERS,
    LEAD_IN_MAX_S,
    LEAD_IN_MIN_S,
    LEAD_OUT_LEAD_INS,
    LEAD_OUT_MIN_S,
    WINDOW_ANSWERS,
    spread_s,
)
from loadtests.records.samples import Slice
from loadtests.system import resources

POLL_S = 0.002
SECOND_S = 1.0
"""The driver's share of its core is looked at second by second, as by ``steady``."""


class Stalled(Exception):
    """The server stopped answering, or did not settle in time."""


class OwnCpu:
    """How busy the driver is, as if it were one process on one core.

    With several processes it is the busiest of them that limits the load; or all of them together, where they are
    more than the cores they share. The reading is the larger of the two.
    """

    def __init__(self, pids: tuple[int, ...], cores: int) -> None:
        self._pids = pids
        self._cores = cores

    def read(self) -> list[float]:
        """Return the CPU time of each process, in seconds; raises psutil.NoSuchProcess."""
        return [resources.cpu_s(pid) for pid in self._pids]

    def between(self, before: list[float], after: list[float]) -> float:
        """Return the CPU time between two readings, in seconds."""
        spent = [now - then for now, then in zip(after, before, strict=True)]
        return max(*spent, sum(spent) / self._cores)


class SideSlices:
    """One side under the load of a pairing."""

    def __init__(self, side: int, target: Target, job: PairingJob, board: Board, started_s: float, cpu: OwnCpu) -> None:
        self._side = side
        self._target = target
        self._job = job
        self._board = board
        self._started = started_s
        self._cpu = cpu
        self._slices: list[Slice] = []
        self._size: tuple[int, int] | None = None
        self._arrived = False
        self.window_s: float | None = None
        self.lead_in_s = 0.0
        self.stalled: str | None = None

    def run(self, call: Callable[[], None]) -> None:
        """Run one slice; ``call`` wakes the users. If the server stalls, ``stalled`` says how."""
        try:
            if not self._arrived:
                self._arrive(call)
            self._board.give_turn(self._side)
            call()
            self._phases()
        except Stalled as reason:
            self.stalled = str(reason)
        except psutil.NoSuchProcess:
            self.stalled = "the server's process was gone"
        finally:
            self._board.give_turn(NOBODY)

    def _arrive(self, call: Callable[[], None]) -> None:
        """Let every user ask once and wait for the others: see ``closed_loop``."""
        self._board.invite(self._side)
        call()
        self._until(lambda: self._board.arrived(self._side) >= users_of(self._job), "the users to arrive")
        self._arrived = True

    @property
    def windows_s(self) -> list[float]:
        """How long each window was that came to its end, in seconds."""
        return [turn.closed_s - turn.opened_s for turn in self._slices]

    def trial(self) -> Trial:
        """Return what there is beside the samples."""
        return Trial(tuple(self._slices), self._size, self.stalled)

    def _phases(self) -> None:
        begun, answers = self._now(), self._answers()
        enough = answers + LEAD_IN_ANSWERS * users_of(self._job)
        self._until(lambda: self._answers() >= enough, "the load to settle")
        spread = spread_s(self._job.wait_s, users_of(self._job))
        least = max(LEAD_IN_MIN_S, spread, min(self._board.slowest_s(self._side), LEAD_IN_MAX_S))
        self._until_time(begun + least, "the load to settle")
        spacing = (self._now() - begun) / (self._answers() - answers)
        self.lead_in_s = lead_in = self._now() - begun
        turn = self._window(self.window_s or max(self._job.slice_s, WINDOW_ANSWERS * spacing))
        overdue = turn.closed_s + max(LEAD_OUT_MIN_S, LEAD_OUT_LEAD_INS * lead_in)
        sent_before = self._started + turn.closed_s
        self._until(
            lambda: not self._board.in_flight(self._side, sent_before) or self._now() > overdue, "the last answers"
        )
        self._board.give_turn(NOBODY)
        if self._target.pids:
            self._size = max(self._size or (0, 0), resources.read_size(self._target.pids))
        gevent.sleep(POLL_S)  # a user may have looked at the turn just before it was taken away
        self._until(lambda: not self._board.in_flight(self._side), "the last answers")
        self._slices.append(replace(turn, drained_s=self._now()))

    def _window(self, seconds: float) -> Slice:
        """Wait while the window is open; return it, not yet drained."""
        pids, cpu = self._target.pids, self._cpu
        opened, server, own = self._now(), resources.read_cpu(pids), cpu.read()
        due, begun, before, peak = opened + seconds, opened, own, 0.0
        while begun < due:
            # A remainder of less than half a second joins the second before it.
            until = due if due - begun < 1.5 * SECOND_S else begun + SECOND_S
            self._until_time(until, "the window to end")
            now, spent = self._now(), cpu.read()
            peak = max(peak, cpu.between(before, spent) / (now - begun))
            begun, before = now, spent
        closed, used = self._now(), resources.read_cpu(pids) - server
        return Slice(opened, closed, closed, used if pids else None, cpu.between(own, cpu.read()), peak)

    def _until_time(self, due: float, what: str) -> None:
        self._until(lambda: self._now() >= due, what, due)

    def _until(self, done: Callable[[], bool], what: str, due: float | None = None) -> None:
        """Wait for ``done``; raises Stalled if nothing is answered for too long, or it takes too long."""
        answers, progress = self._answers(), self._now()
        limit = (due or progress) + self._job.limit_s
        while not done():
            now, seen, flight = self._now(), self._answers(), self._board.in_flight(self._side)
            if seen > answers or not flight:  # users who all think are no stall
                answers, progress = seen, now
            if now - progress > self._job.stall_s:
                raise Stalled(f"nothing was answered for {self._job.stall_s:g} s, with {flight} requests in flight")
            if now > limit:
                raise Stalled(f"waited {self._job.limit_s:g} s in vain for {what}")
            gevent.sleep(POLL_S if due is None else min(POLL_S, max(0.0, due - now)))

    def _answers(self) -> int:
        return self._board.answers(self._side)

    def _now(self) -> float:
        return time.perf_counter() - self._started
