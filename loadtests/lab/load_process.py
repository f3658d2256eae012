"""The load process of the lab: ``python -m loadtests.lab.load_process``. ``messages`` defines its input and output.

It is a separate process on the cores of the load driver, so that neither the page nor the web server shares the
interpreter that takes the times. It uses the client of a run. A lane keeps its users from turn to turn; between turns
they wait.
"""

import asyncio
import gc
import time
from contextlib import suppress
from multiprocessing.connection import Connection

import click
import uvloop

from loadtests.experiment.sides import SideLabel
from loadtests.lab import turns
from loadtests.lab.lane_users import LaneUsers
from loadtests.lab.messages import REPORT_S, LaneReport, Load, Phase, Report
from loadtests.system.processes import begin_child

STEP_S = 0.005
"""How often the process checks whether a phase is over."""


class LoadProcess:
    """Loads both lanes in turns, as the engine last told it."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner
        self._load = Load(0, 1, 0.0, {}, paused=True)
        self._lanes: dict[SideLabel, LaneUsers] = {}
        self._whose: SideLabel | None = None
        self._last: SideLabel | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._phase: Phase = "idle"
        self._turn = 0
        self._undrained = 0
        self._phase_begun_s = 0.0
        self._counted_s = 0.0
        """When the window opened, or when its counts were last reported."""
        self._window_s = 0.0
        self._changed = asyncio.Event()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Go on until the owner hangs up."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._owner.fileno(), self._receive)
        work = [asyncio.create_task(self._take_turns()), asyncio.create_task(self._report())]
        done, _ = await asyncio.wait([self._ended, *work], return_when=asyncio.FIRST_COMPLETED)
        for task in work:
            task.cancel()
        await asyncio.gather(
            *work, *self._ending, *(lane.end() for lane in self._lanes.values()), return_exceptions=True
        )
        for each in done:
            each.result()

    def _receive(self) -> None:
        try:
            while self._owner.poll():
                self._apply(self._owner.recv())
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._owner.fileno())
            if not self._ended.done():
                self._ended.set_result(None)

    def _apply(self, load: Load) -> None:
        """Apply what the engine wants."""
        for label in [*self._lanes]:
            lane, asked = self._lanes[label], load.lanes.get(label)
            if asked is None or asked.start != lane.asked.start:
                del self._lanes[label]
                lane.close()
                self._ending.add(task := asyncio.create_task(lane.end()))
                task.add_done_callback(self._ending.discard)
                if self._whose == label:
                    self._end_turn()
        for label, asked in load.lanes.items():
            if label not in self._lanes:
                self._lanes[label] = LaneUsers(asked)
            elif asked != self._lanes[label].asked:
                self._lanes[label].ask(asked)
            self._lanes[label].set_users(load.users, load.wait_s)
        if load.epoch != self._load.epoch:
            for lane in self._lanes.values():
                lane.turns = 0
            if self._whose is not None:
                self._drop_window()
                self._lanes[self._whose].start_over()
                if self._phase == "window":
                    self._begin("lead-in")
        self._load = load
        self._changed.set()

    async def _take_turns(self) -> None:
        while True:
            labels = [] if self._load.paused else [*self._lanes]
            label = turns.next_lane(self._last, labels)
            if label is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            await self._take_turn(label)

    async def _take_turn(self, label: SideLabel) -> None:
        lane = self._lanes[label]
        self._last = label
        self._undrained = sum(len(each.log.in_flight) for name, each in self._lanes.items() if name != label)
        self._turn += 1
        self._whose = label
        lane.open()
        self._begin("lead-in")
        try:
            while self._whose == label and not self._load.paused:
                await asyncio.sleep(STEP_S)
                seen = lane.seen(time.perf_counter() - self._phase_begun_s)
                if turns.has_stopped_answering(seen) and seen.passed_s >= turns.DRAIN_LEAST_S:
                    break
                if self._phase == "lead-in" and turns.lead_in_is_over(seen):
                    lane.open_window()
                    self._begin("window")
                    self._counted_s = self._phase_begun_s
                elif self._phase == "window" and turns.window_is_over(seen):
                    break
            if self._whose == label:
                self._send_report()  # now, before the server's clock runs on in the drain
                lane.close()
                lane.turns += 1
                self._begin("drain")
                while self._whose == label:
                    seen = lane.seen(time.perf_counter() - self._phase_begun_s)
                    if turns.drain_is_over(seen) or turns.has_stopped_answering(seen):
                        break
                    await asyncio.sleep(STEP_S)
        finally:
            self._end_turn()
        gc.collect()  # between turns, because in a window it would show up as latency of the server

    def _end_turn(self) -> None:
        self._whose, self._phase = None, "idle"
        self._window_s = 0.0

    def _begin(self, phase: Phase) -> None:
        self._phase, self._phase_begun_s = phase, time.perf_counter()

    def _count_window(self) -> None:
        """Add the time since the last count, if a window is open, to the next report."""
        if self._phase == "window":
            now = time.perf_counter()
            self._window_s += now - self._counted_s
            self._counted_s = now

    def _drop_window(self) -> None:
        """Discard counts that were not reported: they belong to the previous load."""
        self._window_s = 0.0
        if self._whose is not None:
            self._lanes[self._whose].log.take()

    async def _report(self) -> None:
        self._cpu_s, self._reported_s, self._lag_s = time.process_time(), time.perf_counter(), 0.0
        while True:
            due_s = time.perf_counter() + REPORT_S
            await asyncio.sleep(REPORT_S)
            self._lag_s = max(self._lag_s, time.perf_counter() - due_s)
            self._send_report()

    def _send_report(self) -> None:
        self._count_window()
        now, cpu_s = time.perf_counter(), time.process_time()
        good = errors = 0
        counts: dict[int, int] = {}
        server_s, example = None, ""
        if self._whose is not None:
            lane = self._lanes[self._whose]
            good, errors, counts = lane.log.take()
            example = lane.example()
            if self._window_s > 0:
                before_s, lane.cpu_s = lane.cpu_s, lane.read_cpu_s()
                if before_s is not None and lane.cpu_s is not None:
                    server_s = lane.cpu_s - before_s
        window_s, self._window_s = self._window_s, 0.0
        report = Report(
            epoch=self._load.epoch,
            turn=self._turn,
            lane=self._whose,
            phase=self._phase,
            window_s=window_s,
            answers=good,
            errors=errors,
            counts=counts,
            cpu_s=server_s,
            example=example,
            lanes={
                label: LaneReport(len(lane.log.in_flight), lane.log.silent_s) for label, lane in self._lanes.items()
            },
            passed_s=now - self._reported_s,
            own_cpu_s=cpu_s - self._cpu_s,
            lag_s=self._lag_s,
            undrained=self._undrained,
        )
        self._cpu_s, self._reported_s, self._lag_s = cpu_s, now, 0.0
        with suppress(OSError):  # the owner hangs up; it is read next
            self._owner.send(report)


async def serve(owner: Connection) -> None:
    """Load lanes until the owner hangs up."""
    await LoadProcess(owner).run()


@click.command()
@click.option("--fd", type=int, required=True, help="The pipe to the owner.")
@click.option("--cores", default="")
def main(fd: int, cores: str) -> None:
    """Load both lanes in turns until the owner hangs up."""
    begin_child(cores)
    gc.freeze()  # modules stay; collecting them again after each turn would take long
    gc.disable()
    with Connection(fd) as owner, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(owner))


if __name__ == "__main__":
    main()
