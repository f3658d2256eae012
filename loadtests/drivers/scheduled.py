"""A schedule of arrivals, carried out once on one side; its samples go to a file about once a second.

Memory stays bounded however long it lasts: what has ended is written down and forgotten, and when too much is
unanswered no more is sent. Nothing is kept out of the figures for that: what was due before counts, and where sending
stopped is said. There is neither a lead-in nor a window: the schedule itself is what is asked about.
"""

import asyncio
import gc
import math
import time
from contextlib import suppress
from dataclasses import replace

import psutil

from loadtests.drivers.connection import Connection
from loadtests.drivers.job import NOT_WRITTEN, Group, PairingJob, Target
from loadtests.drivers.loops import ArrivalsTrial
from loadtests.drivers.request_log import RequestLog
from loadtests.drivers.trial import Stalled, Window
from loadtests.experiment.rate_schedule import RateSchedule
from loadtests.experiment.sides import SideLabel
from loadtests.records.sample_stream import UNKNOWN, End, Reading, StreamWriter
from loadtests.records.samples import Recorder, Recording, moved
from loadtests.system.errors import describe_error
from loadtests.system.resources import most_open_files, read_cpu

FLUSH_S = 1.0
"""So much of what had ended is lost at the most when the driver is killed."""
SIZE_EVERY = 10
"""The server's memory is read with every tenth flush: that takes a millisecond, in which nothing can be sent."""
MOST_UNANSWERED = 5000
"""Requests in flight from which on no more are sent: each has a connection, and takes about 10 kB of the driver."""
SPARE_FILES = 100


async def drive_schedule(
    job: PairingJob, schedule: RateSchedule, group: Group, idle: dict[str, list[Connection]]
) -> dict[SideLabel, Recording]:
    """Carry out a schedule on a job's only side; return its recording, whose samples are in the job's stream.

    Args:
        job: the pairing; it has a stream.
        schedule: its load.
        group: this load generator alone.
        idle: connections that are open already, by the server's base URL, and in the end those that are open then.
    """
    [(label, target)] = job.targets.items()
    stream = job.stream
    assert stream is not None  # noqa: S101 - whoever plans a schedule says where its samples go
    recorder = Recorder()
    log = RequestLog(time.perf_counter(), recorder)
    own = job.of(target)
    gc.collect()
    gc.freeze()  # collections go on, for it may last hours, but look at what is new alone
    with StreamWriter(stream.path, stream.about, stream.raw_bytes) as writer:
        trial = ScheduleTrial(target, own, schedule, group, log, recorder, writer, idle.setdefault(target.base_url, []))
        await trial.run_slice(job.seed)
        recording = await trial.finish()
        trial.write_end()
    return {label: recording}


class ScheduleTrial(ArrivalsTrial):
    """One side under a schedule."""

    def __init__(
        self,
        target: Target,
        job: PairingJob,
        schedule: RateSchedule,
        group: Group,
        log: RequestLog,
        recorder: Recorder,
        writer: StreamWriter,
        idle: list[Connection],
    ) -> None:
        """Prepare a trial.

        Args:
            target: the server.
            job: what to ask of it.
            schedule: when.
            group: who else drives it.
            log: where the client notes its requests.
            recorder: where the log keeps them until they are written.
            writer: where they are written.
            idle: connections to the server that are open already; in the end those that are open then.
        """
        super().__init__(target, job, group, log, idle)
        self._schedule = schedule
        self._recorder = recorder
        self._writer = writer
        self._most = int(min(MOST_UNANSWERED, most_open_files() - SPARE_FILES))
        self._begun = 0.0
        self._reached_s = 0.0
        self._flushes = 0
        self._process = psutil.Process()
        self._stopped: str | None = None
        self._is_whole = True

    async def _phases(self, seed: int) -> Window:
        log, schedule = self.log, self._schedule
        self._begun = begun = log.now()
        window = Window(log, None)
        arrivals = asyncio.create_task(self._release(begun, schedule.schedule(seed)))
        flushing = asyncio.create_task(self._flush_regularly())
        closes = begun + schedule.seconds

        def over() -> bool:
            if len(log.in_flight) >= self._most:
                self._stopped = f"{len(log.in_flight):,} requests were unanswered, and no more were sent"
            return self._stopped is not None or log.now() >= closes or arrivals.done() or flushing.done()

        try:
            await self.timeouts.until(over, "the schedule to end", due=closes)
            if arrivals.done():
                arrivals.result()
                await self.timeouts.until(lambda: log.now() >= closes or flushing.done(), "the schedule to end", closes)
        finally:
            self._reached_s = min(float(schedule.seconds), log.now() - begun)
            arrivals.cancel()
            await asyncio.gather(arrivals, return_exceptions=True)
            try:
                if flushing.done():
                    flushing.result()
                await self._drained()
            finally:
                flushing.cancel()
                await asyncio.gather(flushing, return_exceptions=True)
        window.closed_s = log.now()
        return window

    async def _flush_regularly(self) -> None:
        """Write what has ended, once in FLUSH_S; raises Stalled if that can't be done, or the server's processes end.

        A server that was started for the run does not come back, and hours of refused requests would tell nothing.
        """
        due = self.log.now()
        while True:
            due += FLUSH_S
            await asyncio.sleep(max(0.0, due - self.log.now()))
            try:
                self._flush()
            except OSError as error:
                self._is_whole = False
                why = describe_error(error, "the run's folder")
                raise Stalled(f"{NOT_WRITTEN}: {why}") from None
            if self.pids and not any(map(psutil.pid_exists, self.pids)):
                raise Stalled("the server's process was gone")

    def _flush(self) -> None:
        server_cpu_s, server_rss = math.nan, UNKNOWN
        if self.server:
            with suppress(psutil.NoSuchProcess, OSError):
                server_cpu_s = read_cpu(self.pids)
                if self._flushes % SIZE_EVERY == 0:
                    self._read_size()
                    server_rss = self._rss_bytes or UNKNOWN
        self._flushes += 1
        ended, in_flight = self.log.answers, len(self.log.in_flight)
        reading = Reading(
            time_s=self.log.now() - self._begun,
            sent=ended + in_flight,
            ended=ended,
            in_flight=in_flight,
            driver_cpu_s=time.process_time(),
            driver_rss=self._process.memory_info().rss,
            server_cpu_s=server_cpu_s,
            server_rss=server_rss,
        )
        self._writer.write(moved(self._recorder.take(), -self._begun), reading)

    async def finish(self) -> Recording:
        """Close what the next trial can't use; return what was seen, without the samples."""
        recording = await super().finish()
        try:
            self._flush()
        except OSError:
            self._is_whole = False
        return replace(recording, samples=self._recorder.take())

    def write_end(self) -> None:
        """Write down how it ended, behind everything else; nothing if something before could not be written.

        Such a trial counts as one that was broken off: that the driver gave up says nothing of the server then.
        """
        if not self._is_whole:
            return
        with suppress(OSError):
            self._writer.end(
                End(self._reached_s, self.stalled, self._stopped, self.abandoned, self._writer.raw_until_s)
            )
