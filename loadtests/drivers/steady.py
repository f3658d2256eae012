"""The steady window of a slice: when it was open, and what was used meanwhile."""

import time
from collections.abc import Sequence

from loadtests.drivers.client import Client
from loadtests.drivers.patience import Patience
from loadtests.system import resources

SECOND_S = 1.0
"""The driver's share of its core is looked at second by second: a mean over a long window would hide a busy one."""


class Window:
    """Opens when it is made; ``close_at`` waits for its end."""

    def __init__(self, client: Client, pids: Sequence[int]) -> None:
        self._client = client
        self._pids = pids
        self._server = resources.read_cpu(pids)
        self._own = time.process_time()
        self.opened_s = client.now()
        self.closed_s = self.opened_s
        self.server_cpu_s: float | None = None
        self.driver_cpu_s = 0.0
        self.driver_peak = 0.0

    async def close_at(self, due: float, patience: Patience) -> None:
        """Keep it open until ``due``, in the samples' seconds; raises Stalled."""
        begun, cpu = self.opened_s, self._own
        while begun < due:
            # A remainder of less than half a second joins the second before it.
            until = due if due - begun < 1.5 * SECOND_S else begun + SECOND_S
            await patience.until_time(until, "the window to end")
            now, spent = self._client.now(), time.process_time()
            self.driver_peak = max(self.driver_peak, (spent - cpu) / (now - begun))
            begun, cpu = now, spent
        self.closed_s = self._client.now()
        self.server_cpu_s = resources.read_cpu(self._pids) - self._server if self._pids else None
        self.driver_cpu_s = time.process_time() - self._own
