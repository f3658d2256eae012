"""Ask the sides' agents, before anything is measured, who they are, and whether their clocks can be compared."""

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from loadtests.experiment.sides import Side
from loadtests.servers.agent_client import AgentClient, NoAgent
from loadtests.servers.agent_messages import About
from loadtests.system.errors import UsageError

RUNS_ALIKE_S = 0.2
"""Clocks are compared twice, so long apart, to see whether they run alike."""
MOST_UNCERTAINTY_S = 0.1
"""A clock that is known less well tells nothing of windows that last a fraction of a second."""
PORTS = {"http": 80, "https": 443}


def check_agents(sides: Sequence[Side]) -> dict[str, About]:
    """Return what each side's agent tells of itself, by the text of the side.

    Args:
        sides: those of a run; only those with an agent are asked.

    Raises:
        UsageError: an agent is not there, is none, is another server's, or its clock can't be compared with ours.
    """
    found: dict[str, About] = {}
    servers: dict[str, str | None] = {}
    for side in sides:
        if (address := side.agent_address) is None:
            continue
        if servers.setdefault(address, side.url) != side.url:
            raise UsageError(
                f"side {side.spec!r}: its agent is that of {servers[address]} as well, and an agent knows one server;"
                " start the second one with bench serve … --agent and a port of its own"
            )
        try:
            found[side.spec] = _asked(side, AgentClient(address))
        except NoAgent as error:
            raise UsageError(f"side {side.spec!r}: its agent {error}; {error.mend}") from None
    return found


def _asked(side: Side, client: AgentClient) -> About:
    with client.connected():
        about = client.about()
        _check_port(side, about)
        first, first_s = client.clock_offset(), time.perf_counter()
        time.sleep(RUNS_ALIKE_S)
        second, second_s = client.clock_offset(), time.perf_counter()
    if max(first.uncertainty_s, second.uncertainty_s) > MOST_UNCERTAINTY_S:
        round_trip_ms = 2000 * max(first.uncertainty_s, second.uncertainty_s)
        raise NoAgent(
            f"takes {round_trip_ms:,.0f} ms to answer, too long to compare clocks",
            "run bench nearer to the server, or leave out agent=",
        )
    if not first.agrees_with(second, second_s - first_s):
        raise NoAgent("has a clock that does not run like this machine's", "leave out agent=")
    return about


def _check_port(side: Side, about: About) -> None:
    """Raise NoAgent if an agent on a URL's host is another server's; one with its host named may be behind a proxy."""
    url = urlsplit(side.url or "")
    port = url.port or PORTS.get(url.scheme)
    if str(side.launch.agent).isdecimal() and about.port != port:
        raise NoAgent(
            f"at {side.agent_address} is that of {about.side} at port {about.port}, not at {port}",
            f"name the agent of the right server, or write agent={side.agent_address} if a proxy stands between",
        )
