"""How the sides of a cell take turns in short slices, and the phases of a closed loop's slice.

A shared machine is faster and slower by turns, on every time scale. The shorter the turns, the more alike is the
machine that both sides meet: for the same total time, many short slices give a narrower interval than a long one.
While one side has its turn, all processes of the other are stopped (SIGSTOP): nothing runs but what is measured.

A load begins with an **arrival** where connections are missing: every user asks once, and waits until all have been
answered, so that every connection is open. Connections stay open from cell to cell. uvloop accepts one connection in
each turn of its loop; while a few users keep that loop busy, the others would wait for seconds to be let in, and be
counted as being served. Users of a sequence send in the arrival what they send once, as to log in, so that no window
holds it; they stay logged in from cell to cell.

Then come slices. **Lead-in**: users start one after another, so that they do not march in step, and the load settles
until every user has had two answers on average. **Window**: the steady state that is measured; it opens at a random
instant, for where an answer has just come is no random place. **Lead-out**: the load goes on until all that was in
flight when the window closed has been answered, so that none of it was sped up by a falling load. **Drain**: no new
requests; what is in flight is answered, so that nothing spills over into the other side's slice.

Where both servers are busy nearly all the time, the load is **kept** between slices: the server is stopped with its
requests in flight, and the trial's clock with it, and the next slice goes on from there. Lead-out and drain come once,
after the last slice, and nearly all time is measured. A server that mostly waits (for timers, another server, a disk)
can't be stopped so: its waits would go on and end all together.

Where several load generators share the users, each settles for itself, and no phase ends before it has ended for all.
"""

import gc
import random
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.drivers.job import Group, PairingJob, Target
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.trial import Trial, Window
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import OPEN_SLICE_OVERHEAD_S
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.resources import read_cpu

LEAD_IN_MIN_S = 0.03
LEAD_IN_MAX_S = 1.0
"""A lead-in lasts as long as the slowest answer that the trial has seen, but no longer than this for its sake."""
LEAD_IN_ANSWERS = 1
"""Answers a user has had, on average, before the window opens."""
WINDOW_ANSWERS = 6
"""Answers to expect in a window, going by the lead-in; where requests are slow it is longer. A median needs 6."""
WINDOW_MAX_S = 2.0
"""For their sake a window is no longer than this, or than one answer takes."""
OPENING_S = 0.05
"""A window of a busy server opens up to so many seconds after the load has settled; of one that waits, up to the time
between two answers of a user: where its answers come in step, everything depends on the phase."""
KEPT_BUSY = 0.7
"""Share of the cores it can use that a server must keep busy, in a lead-in, for its load to be kept between slices."""
RESUMED_S = 0.01
"""Lead-in of a slice whose load was kept: until caches and queues are as they were."""
KEPT_ROUNDS = 4
"""Rounds at least where the load is kept: a robust mean of fewer pairs is an ordinary one."""
LEAD_OUT_MIN_S = 0.2
LEAD_OUT_LEAD_INS = 2
"""Lead-ins that a lead-out may take at most; a server that lets some requests starve is not waited for longer."""
START_GAP_S = 0.001
"""Users start so far apart on average, or spread over the time that the scenario waits by design if that is longer."""
REFUSED_PAUSE_S = 0.01
"""A server that refuses everything must not make a busy loop."""
OVERTIME = 2
"""Times its planned length after which a pairing ends, whatever rounds it still lacks: a server may grow slower."""
SIDES = 2
MakeTrial = Callable[[Target, PairingJob, Group, RequestLog], Trial]
"""Prepares one side under the load of the job."""


def spread_s(wait_s: float, users: int) -> float:
    """Return over how many seconds users start, who are not to march in step."""
    return max(wait_s, START_GAP_S * users)


class ClosedLoopPhases(Trial):
    """One side under a number of users; what they are, and how they send, is a matter of the client."""

    def __init__(self, target: Target, job: PairingJob, load: ClosedLoop, group: Group, log: RequestLog) -> None:
        """Prepare a trial; its users are a share of the load's if the group is not one alone."""
        super().__init__(target, job, group, log)
        self._load_users = load.users
        self._users = len(range(group.number, load.users, group.size))
        self._spread_s = spread_s(job.wait_s, load.users)
        self._cpus = target.cpus
        self._has_load = False
        self._rate = 0.0

    @property
    def keeps_load(self) -> bool:
        """Whether the next slice begins with the requests in flight that this one ended with."""
        return self._has_load

    async def _phases(self, seed: int) -> Window:
        log, wait = self.log, self.timeouts
        if self._has_load:
            await wait.until_time(log.now() + RESUMED_S, "the server to go on")
            await self._barrier("resumed")
        else:
            await self._start_load(seed)
        answers_s = min(WINDOW_ANSWERS / self._rate, max(WINDOW_MAX_S, self._load_users / self._rate))
        shortest_s = max(self.job.slice_s, answers_s, 0.0 if self._has_load else self.lead_in_s)
        window = Window(log, self.server)
        await window.close_at(window.opened_s + (self.window_s or shortest_s), wait)
        await self._barrier("closed")
        if not self._has_load:
            await self._end_load()
        return window

    async def _start_load(self, seed: int) -> None:
        """Start the users, let the load settle, and decide whether it is kept from then on."""
        log, wait = self.log, self.timeouts
        if not all(await self._barrier(self._all_connected())):
            self._arrive()
            await wait.until(self._all_arrived, "the users to arrive")
            await self._barrier("arrived")
        begun, answers, cpu_s = log.now(), log.answers, read_cpu(self.pids)
        self._start_users(seed)
        enough = answers + LEAD_IN_ANSWERS * self._users
        await wait.until(lambda: log.answers >= enough, "the load to settle")
        least = max(LEAD_IN_MIN_S, self._spread_s, min(log.slowest_s, LEAD_IN_MAX_S))
        await wait.until_time(begun + least, "the load to settle")
        took_s = log.now() - begun
        # A user's next answer comes no later than the slowest so far: of few users a count says less.
        rate = max((log.answers - answers) / took_s, self._users / log.slowest_s if log.slowest_s else 0.0)
        mine = rate, self._can_be_stopped((read_cpu(self.pids) - cpu_s) / took_s)
        each = await self._barrier(mine)
        self._rate, self._has_load = sum(rate for rate, _ in each), each[0][1]
        latest_s = min(OPENING_S if self._has_load else LEAD_IN_MAX_S, self._load_users / self._rate)
        opening_s = random.Random(seed).uniform(0, latest_s)
        await wait.until_time(log.now() + opening_s, "the window to open")
        self.lead_in_s = log.now() - begun

    def _can_be_stopped(self, busy: float) -> bool:
        """Return whether the server can be stopped as it is, with requests in flight: it works rather than waits.

        One whose answers take no longer than the lead-in after a stop may also wait: its waits are as before by then.

        Args:
            busy: how many cores it keeps busy.
        """
        works = busy >= KEPT_BUSY * self._cpus or self.log.slowest_s <= RESUMED_S / 2
        return bool(self.groups) and not self.job.wait_s and works

    async def _end_load(self) -> None:
        """Lead out and drain; raises Stalled."""
        log, closed_s = self.log, self.log.now()
        overdue = closed_s + max(LEAD_OUT_MIN_S, LEAD_OUT_LEAD_INS * self.lead_in_s)
        await self.timeouts.until(self._answered(overdue), "the last answers")
        await self._barrier("answered")
        self._has_load = False
        self._stop_users()
        self._read_size()
        await self.timeouts.until(lambda: not log.in_flight, "the last answers")
        await self._barrier("drained")

    @abstractmethod
    def _all_connected(self) -> bool:
        """Return whether every user has an open connection, and has logged in or tried to."""

    @abstractmethod
    def _arrive(self) -> None:
        """Let every user ask once, or log in; their requests overlap, so that each opens a connection of its own."""

    @abstractmethod
    def _all_arrived(self) -> bool:
        """Return whether every user has had the answer."""

    @abstractmethod
    def _start_users(self, seed: int) -> None:
        """Let users ask again and again; the first time at random instants of the next ``_spread_s`` seconds."""

    @abstractmethod
    def _stop_users(self) -> None:
        """Let users ask for nothing more; they still wait for what they have asked for."""

    def _answered(self, due: float) -> Callable[[], bool]:
        """Return whether all that is in flight now, when the window closes, has been answered, or is overdue."""
        waiting = set(self.log.in_flight)

        def answered() -> bool:
            waiting.intersection_update(self.log.in_flight)
            return not waiting or self.log.now() > due

        return answered


@dataclass(frozen=True)
class Rounds:
    """What is to come after the first round.

    Attributes:
        rounds: how many, in each of which every side has a turn.
        window_s: how long each window is, of either side, in seconds; None where each side's slices have their own.
    """

    rounds: int
    window_s: float | None = None


def rounds_of_closed_loop(pairing_s: float, took_s: float, windows_s: list[float], lead_in_s: float) -> Rounds:
    """Plan a closed loop's further rounds from what the first one took: as many as fit.

    Their windows are at least as long as the longer lead-in, and together they fill the time. They are the same for
    both sides and all rounds: were each as long as the lead-in before it asks for, slow turns would weigh more.

    Args:
        pairing_s: how long the pairing may take.
        took_s: how long the first round took.
        windows_s: the lengths of its windows.
        lead_in_s: the longer of its lead-ins.
    """
    left_s, idle_s = pairing_s - took_s, took_s - sum(windows_s)
    shortest_s = max([lead_in_s, *windows_s])
    rounds = int(left_s / (idle_s + len(windows_s) * shortest_s)) if windows_s else 0
    if rounds < 1:
        return Rounds(0)
    return Rounds(rounds, (left_s / rounds - idle_s) / len(windows_s))


def rounds_of_open_loop(pairing_s: float, slice_s: float) -> Rounds:
    """Plan an open loop's further rounds: by the plan alone, so that a slow side is asked as often as a fast one."""
    return Rounds(max(1, round(pairing_s / (SIDES * (slice_s + OPEN_SLICE_OVERHEAD_S)))) - 1)


async def drive_pairing(job: PairingJob, make_trial: MakeTrial, group: Group) -> dict[SideLabel, Recording]:
    """Alternate the sides, a b b a …, for about ``job.pairing_s`` seconds; return each side's recording.

    Every side gets one slice at least. One that stalls gets no further slice. What follows the first round is planned
    when that is over. What a group's load generators must agree on, their clocks' zero and their rounds, is the first
    one's.
    """
    started_s = await group.same_instant()
    trials = {
        label: make_trial(target, job.of(target), group, RequestLog(started_s)) for label, target in job.targets.items()
    }
    begun_s = time.perf_counter()
    order = list(trials)
    rng = random.Random(job.seed)
    gc.collect()
    gc.disable()  # a collection in mid-window would show up as latency of the server
    try:
        for trial in trials.values():
            await trial.hold()
        planned, to_come = False, Rounds(1)
        while to_come.rounds and any(trial.usable for trial in trials.values()):
            seed = rng.randrange(2**32)  # one for both sides, so that they meet the same arrivals
            for label in order:
                if trials[label].usable:
                    await trials[label].run_slice(seed)
                    await trials[label].hold()
            order.reverse()
            took_s = time.perf_counter() - begun_s
            if _overdue(job, took_s):
                to_come = Rounds(0)
            elif planned:
                to_come = Rounds(to_come.rounds - 1, to_come.window_s)
            else:
                to_come = _plan(job, took_s, [*trials.values()])
            planned = True
            to_come, *_ = await group.barrier(to_come)
            for trial in trials.values():
                trial.window_s = to_come.window_s
        for label in order:
            await trials[label].end_load()
            await trials[label].hold()
    finally:
        gc.enable()
        for trial in trials.values():
            await trial.go_on()
        recordings = {label: await trial.finish() for label, trial in trials.items()}
    return recordings


def _plan(job: PairingJob, took_s: float, trials: Sequence[Trial]) -> Rounds:
    """Plan the rounds after the first one."""
    if not isinstance(job.load, ClosedLoop):
        return rounds_of_open_loop(job.pairing_s, job.slice_s)
    windows_s = [window for trial in trials for window in trial.windows_s]
    if windows_s and all(trial.keeps_load for trial in trials):
        left_s = job.pairing_s - took_s - sum(trial.lead_in_s for trial in trials)
        fitting = int(left_s / (len(trials) * (RESUMED_S + max(windows_s)))) if not job.rounds else job.rounds - 1
        return Rounds(max(KEPT_ROUNDS - 1, fitting), max(windows_s))
    if job.rounds:
        return Rounds(job.rounds - 1, max([*windows_s, *(trial.lead_in_s for trial in trials)]))
    return rounds_of_closed_loop(job.pairing_s, took_s, windows_s, max(trial.lead_in_s for trial in trials))


def _overdue(job: PairingJob, took_s: float) -> bool:
    """Return whether a closed loop takes much longer than it was planned to; an open one ends by its rounds."""
    return isinstance(job.load, ClosedLoop) and 0 < OVERTIME * job.pairing_s < took_s
