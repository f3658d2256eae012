"""The conductor: has the users of both sides started, gives the sides their turns, has the samples written."""

import os
import pickle
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import LocalRunner, MasterRunner

from loadtests.drivers.job import PairingJob
from loadtests.drivers.locust import cast, orders
from loadtests.drivers.locust.board import Board
from loadtests.drivers.locust.orders import Begin, Orders, Performance, users_of
from loadtests.drivers.locust.slices import OwnCpu, SideSlices
from loadtests.drivers.phases import OVERTIME, of_closed_loop
from loadtests.experiment.sides import SideLabel

START_LIMIT_S = 20.0
"""Locust's workers may take so long until they are connected, users until they are there, samples until written."""
POLL_S = 0.002


class ConductorFailed(Exception):
    """Locust did not do what it was told in time; the message is for the report."""


class Conductor:
    """Drives pairings with Locust's own runner: a master with workers, or a local one."""

    def __init__(
        self, environment: Environment, runner: LocalRunner | MasterRunner, board: Board, workers: int
    ) -> None:
        """Take over a runner.

        Args:
            environment: Locust's, for this process.
            runner: it has the users, or workers that have them.
            board: the board.
            workers: workers of a master; 0 for a local runner.
        """
        self._environment = environment
        self._runner = runner
        self._board = board
        self._workers = workers
        self._files: list[Path] = []
        self._runner.register_message(orders.WRITTEN, self._on_written)

    def drive(self, told: Orders) -> Performance:
        """Alternate the sides, a b b a …, as ``pairing.drive`` does; raises ConductorFailed."""
        job, started = told.job, time.perf_counter()
        cpu = OwnCpu(told.pids, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
        self._start_users(Begin(job, told.folder, started))
        trials: dict[SideLabel, SideSlices] = {
            label: SideSlices(side, target, job, self._board, started, cpu)
            for side, (label, target) in enumerate(job.targets.items())
        }
        order, to_come, planned = list(trials), 1, False
        begun = time.perf_counter()
        while to_come and any(trial.stalled is None for trial in trials.values()):
            for label in order:
                if trials[label].stalled is None:
                    self._run_slice(label, trials[label])
            order.reverse()
            took_s = time.perf_counter() - begun
            to_come = to_come - 1 if planned else self._plan(job, took_s, [*trials.values()])
            planned = True
            if 0 < OVERTIME * job.pairing_s < took_s:
                break
        self._end()
        return Performance(started, {label: trial.trial() for label, trial in trials.items()}, tuple(self._files))

    @staticmethod
    def _plan(job: PairingJob, took_s: float, trials: list[SideSlices]) -> int:
        """Return how many rounds are to come after the first, and tell the sides how long their windows are then."""
        windows_s = [window for trial in trials for window in trial.windows_s]
        turns = of_closed_loop(job.pairing_s, took_s, windows_s, max(trial.lead_in_s for trial in trials))
        for trial in trials:
            trial.window_s = turns.window_s
        return turns.rounds

    def _run_slice(self, label: SideLabel, trial: SideSlices) -> None:
        trial.run(lambda: self._runner.send_message(orders.TURN, {"side": label}))
        if trial.stalled is not None:
            self._runner.send_message(orders.GIVE_UP, {"side": label})

    def _start_users(self, begin: Begin) -> None:
        """Have Locust start each side's users, one side after the other so that every worker gets of both."""
        runner = self._runner
        self._files = []
        classes = cast.user_classes(begin.job)
        if isinstance(runner, MasterRunner):
            self._wait(lambda: len(runner.clients.ready) == self._workers, "all of Locust's workers")
            self._environment.user_classes[:] = [each for side in classes.values() for each in side]
        self._board.clear()  # not before: as long as a worker is not ready, it may have users of the pairing before
        self._runner.send_message(orders.BEGIN, {"begin": pickle.dumps(begin)})
        each_side = users_of(begin.job)
        for side, users in enumerate(classes.values()):
            names = {each.__name__ for each in users}
            ours = [each for each in self._environment.user_classes if each.__name__ in names]
            count = (side + 1) * each_side
            self._runner.start(count, spawn_rate=count, user_classes=ours)
            if self._runner.spawning_greenlet is not None:
                self._runner.spawning_greenlet.join()
            self._wait(partial(self._all_came, side, each_side), "all of Locust's users")

    def _all_came(self, side: int, users: int) -> bool:
        return self._board.users(side) == users

    def _end(self) -> None:
        """Have the samples written and the users stopped."""
        self._runner.send_message(orders.END)
        self._wait(lambda: len(self._files) == max(1, self._workers), "Locust's samples")
        if not isinstance(self._runner, MasterRunner):
            self._runner.stop()
            return
        # What stop() would do, but for its polling once a second.
        self._runner.stop(send_stop_to_client=False)
        self._runner.send_message("stop")

    def _on_written(self, msg: Message, **_: object) -> None:
        self._files.append(Path(msg.data["file"]))

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while not done():
            if time.monotonic() > deadline:
                raise ConductorFailed(f"waited {START_LIMIT_S:g} s in vain for {what}")
            gevent.sleep(POLL_S)
