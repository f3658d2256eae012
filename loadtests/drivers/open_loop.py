"""Open loop: requests are sent when they are due, however many are unanswered.

The schedule is drawn before a slice, is absolute, and is the same for both sides. Whatever is due is released at
once, without a cap, and its response time runs from when it was due: a server that stalls can't hold the client
back and so hide the stall (coordinated omission).

A slice has four phases. **Lead-in**: arrivals that are not counted; its length is fixed beforehand, so that both
sides' windows hold the same arrivals. **Window**: what is due in it is counted. **Lead-out**: arrivals go on until
all that was due in the window has been answered, or a second lead-in and window have passed. **Drain**: no
arrivals; what is in flight is waited for, up to a limit, and then cut off.
"""

import asyncio
import itertools
from collections.abc import Callable

from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.patience import Patience, Stalled
from loadtests.drivers.steady import Window
from loadtests.drivers.trial import Trial
from loadtests.experiment.loads import OpenLoop

LEAD_IN_S = 0.3
LEAD_IN_WAITS = 3
"""Times that the scenario waits by design which a lead-in lasts at least."""


class OpenLoopTrial(Trial):
    """One side under arrivals of a certain rate."""

    def __init__(self, target: Target, job: PairingJob, load: OpenLoop, started_s: float) -> None:
        super().__init__(target, job, started_s)
        self._load = load
        self._drain = Patience(self.client, stall_s=job.stall_s, limit_s=job.drain_s)

    async def _phases(self, seed: int) -> Window:
        client, job = self.client, self.job
        lead_in = max(LEAD_IN_S, LEAD_IN_WAITS * job.wait_s)
        begun = client.now()
        arrivals = asyncio.create_task(self._arrive(begun, seed, 2 * (lead_in + job.slice_s)))
        try:
            await self.patience.until_time(begun + lead_in, "the load to settle")
            window = Window(client, self.pids)
            closes = begun + lead_in + job.slice_s
            await window.close_at(closes, self.patience)
            await self.patience.until(self._answered(closes, arrivals), "the last answers")
            self._read_size()
        finally:
            arrivals.cancel()
            await asyncio.gather(arrivals, return_exceptions=True)
        await self._drained()
        # What is due at the very edges belongs where the plan puts it, not where the clock was read.
        window.opened_s, window.closed_s = begun + lead_in, closes
        return window

    async def _arrive(self, begun: float, seed: int, seconds: float) -> None:
        """Release every request when it is due; all that are overdue at once."""
        for turn, offset in enumerate(self._load.schedule(seed, seconds)):
            due = begun + offset
            # A timer may ring up to half a millisecond early.
            while (early := due - self.client.now()) > 0:  # noqa: ASYNC110 - a time, not an event
                await asyncio.sleep(early)
            self._spawn(self._request(turn, due))

    async def _request(self, turn: int, due: float) -> None:
        await self.client.ask(turn, due)

    def _answered(self, closes: float, arrivals: asyncio.Task[None]) -> Callable[[], bool]:
        """Return whether nothing that was due before the window's end is unanswered, or arrivals have ended."""
        flight = self.client.in_flight  # ordered as they were sent, and that is as they were due
        return lambda: arrivals.done() or all(due >= closes for due, _, _ in itertools.islice(flight.values(), 1))

    async def _drained(self) -> None:
        """Wait until nothing is in flight; what takes too long is cut off, and counted as slower than everything."""
        try:
            await self._drain.until(lambda: not self.client.in_flight, "the last answers")
        except Stalled:
            self.abandoned = len(self.client.in_flight)
