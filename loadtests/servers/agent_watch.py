"""The figures of a server that has an agent, trial by trial: known, or why they are not. Never the end of a run."""

import time

from loadtests.records.samples import Recording
from loadtests.servers.agent_client import AgentClient, NoAgent
from loadtests.servers.agent_figures import Clocks, NotKnown, Told, cores_busy, span_of, with_figures, with_timeline
from loadtests.servers.agent_messages import About
from loadtests.system.clock_offset import ClockOffset

READ_ON_S = 0.05
"""An agent is asked so long after the last instant that matters: it reads every 20 ms."""
MOST_WAIT_S = 1.0


class AgentWatch:
    """Compares an agent's clock before and after each trial, and asks it for what was used in between."""

    def __init__(self, address: str) -> None:
        """Prepare.

        Args:
            address: host and port of the agent.
        """
        self._client = AgentClient(address)
        self._before: tuple[float, ClockOffset, About] | None = None
        self._why = ""

    def before_trial(self) -> None:
        """Compare the clocks; what goes wrong is said after the trial."""
        self._before, self._why = None, ""
        try:
            with self._client.connected():
                about = self._client.about()
                self._before = time.perf_counter(), self._client.clock_offset(), about
        except NoAgent as error:
            self._why = str(error)

    def after_trial(self, recording: Recording) -> tuple[Recording, str]:
        """Return a recording with the server's figures and an empty text, or as it is, with the reason in words."""
        if self._before is None:
            return recording, self._why
        before_s, before, about = self._before
        since_s, until_s = span_of(recording)
        time.sleep(min(MOST_WAIT_S, max(0.0, until_s + before.uncertainty_s + READ_ON_S - time.perf_counter())))
        try:
            with self._client.connected():
                if self._client.about() != about:
                    raise NotKnown("was started again")
                clocks = Clocks(before_s, before, time.perf_counter(), self._client.clock_offset())
                clocks.check()
                # At a window's edges the readings beside it are needed, wherever in its uncertainty the offset is.
                slack_s = READ_ON_S + clocks.uncertainty_s
                span_s = clocks.theirs_s(since_s) - slack_s, clocks.theirs_s(until_s) + slack_s
                cpu, sizes = self._client.readings(*span_s)
                told = Told(cpu, sizes, self._client.observations(*span_s) if about.observes else ())
            return with_figures(with_timeline(recording, told, clocks), told, clocks), ""
        except (NoAgent, NotKnown) as error:
            return recording, str(error)

    def busy(self, seconds: float) -> float:
        """Return how many cores the server keeps busy over so many seconds from now on; 0 if that is not known."""
        try:
            with self._client.connected():
                offset = self._client.clock_offset()
                since_s = time.perf_counter() - offset.offset_s
                time.sleep(seconds + READ_ON_S)
                cpu, _ = self._client.readings(since_s, since_s + seconds)
        except NoAgent:
            return 0.0
        return cores_busy(cpu, since_s, since_s + seconds) or 0.0
