"""What limits a lane now, by what was seen inside its server, and the most it can answer, by the model (pure)."""

from dataclasses import dataclass
from typing import Literal

from loadtests.analysis.model.capacity import NEAR_FULL, Demand, Resources, ceilings_rps
from loadtests.analysis.model.observed import limit_seen
from loadtests.experiment.blog import BuildResources
from loadtests.experiment.catalogue import holds_a_connection
from loadtests.experiment.scenario import Scenario
from loadtests.lab.observation import Inside
from loadtests.lab.scenarios import BLOCKS, waits_one_after_another
from loadtests.lab.state import Ceiling, LaneKind
from loadtests.records.summary import Limit, Seen

Binding = Literal[Limit, "loop", "deadlock", "unknown"]
"""What limits a lane: a limit of the model, a blocked event loop, or threads and connections that wait for each other;
``unknown`` if the server can't be looked into."""
LATE_S = 0.01
LATE_SHARE = 0.3
"""An event loop is blocked if it is at least this late, in seconds and as a share of the median response time."""
ALL_BLOCKED = 0.9
"""If at least this share of the threads waits for a connection, it is a deadlock."""


@dataclass(frozen=True)
class LaneFacts:
    """What is known of a lane under the present load.

    Attributes:
        name: of the lane, in sentences.
        kind: of its app.
        scenario: that is sent to it.
        users: that send it.
        resources: threads and connections of a build; None for another app.
        cpus: how many cores it can use at once.
        rps: good answers per second; None if nothing was measured yet.
        p50_s: median response time, in seconds; None for too few answers.
        p99_s: the 99th percentile, in seconds; None for too few answers.
        errors_per_s: failed requests per second.
        cpu_s: the server's CPU time of a request, in seconds; None if it is not known.
        busy: share of its cores that it keeps busy, 0 to 1; None if it is not known.
        inside: what was seen inside its server; None if it can't be looked into.
        silent_s: for how long nothing has come although requests are in flight, in seconds; 0 while answers come.
        in_flight: requests without an answer.
        down: why it does not run, in words; empty if it does.
    """

    name: str
    kind: LaneKind
    scenario: Scenario
    users: int
    resources: BuildResources | None
    cpus: int = 1
    rps: float | None = None
    p50_s: float | None = None
    p99_s: float | None = None
    errors_per_s: float = 0.0
    cpu_s: float | None = None
    busy: float | None = None
    inside: Inside | None = None
    silent_s: float = 0.0
    in_flight: int = 0
    down: str = ""

    @property
    def holds(self) -> bool:
        """Whether a request holds a database connection from beginning to end."""
        return self.resources is not None and holds_a_connection(self.scenario.name)

    @property
    def has(self) -> Resources | None:
        """The resources that the model counts with; None for another app."""
        if self.resources is None:
            return None
        connections = self.resources.all_connections if self.holds else None
        return Resources(self.cpus, self.resources.all_threads, connections)

    @property
    def blocks_loop(self) -> bool:
        """Whether its handler waits on the event loop."""
        return self.kind == "async" and self.scenario.name.partition("[")[0] in BLOCKS

    @property
    def wait_s(self) -> float:
        """How long a request waits by design, in seconds: for all its calls, if it makes them one after another."""
        return waits_one_after_another(self.scenario, self.kind)


def is_deadlocked(facts: LaneFacts) -> bool:
    """Whether all threads were seen waiting for connections: requests that wait for a thread hold those."""
    known, seen = facts.resources, facts.inside
    if known is None or known.all_threads is None or seen is None:
        return False
    return seen.threads_blocked >= ALL_BLOCKED * known.all_threads


def binding(facts: LaneFacts) -> Binding:
    """Return what limits a lane, judged by what was seen of it."""
    if is_deadlocked(facts):
        return "deadlock"
    if facts.inside is None or facts.busy is None:
        return "cpu" if (facts.busy or 0.0) >= NEAR_FULL else "unknown"
    late_s = facts.inside.lag_s
    if facts.busy < NEAR_FULL and late_s >= max(LATE_S, LATE_SHARE * (facts.p50_s or 0.0)):
        return "loop"
    return limit_seen(_seen(facts.inside), facts.busy, facts.has or Resources(facts.cpus))


def _seen(inside: Inside) -> Seen:
    return Seen(
        instants=1,
        in_flight=inside.in_flight,
        threads=inside.threads,
        threads_waiting=inside.waiting_for_thread,
        connections=None,
        connections_waiting=inside.waiting_for_connection,
        turns_waiting=0.0,
        lag_p50_s=inside.lag_s,
        lag_p95_s=inside.lag_s,
    )


def ceiling(facts: LaneFacts) -> Ceiling | None:
    """Return the most a lane can answer, however many users there are; None if that can't be known.

    The wait is the one that the scenario asks for; the CPU time is what a request costs now. Nothing is fitted.
    """
    if facts.blocks_loop and facts.wait_s:
        workers = facts.resources.workers if facts.resources is not None else 1
        at_once = "one request at a time" if workers == 1 else f"{workers} requests at a time, one in each worker,"
        return Ceiling(
            rps=round(workers / facts.wait_s, 2),
            limit="loop",
            text=f"{at_once} ÷ {_ms(facts.wait_s)}: the event loop is blocked while a request waits",
        )
    has, cpu_s = facts.has, facts.cpu_s
    if cpu_s is None or cpu_s <= 0 or (facts.holds and facts.resources is not None and facts.resources.can_deadlock):
        return None
    demand = Demand(cpu_s, facts.wait_s)
    found = ceilings_rps(demand, has or Resources(facts.cpus))
    if not facts.wait_s:  # how long a query holds a thread or a connection is not known
        found = {"cpu": found["cpu"]}
    limit = min(found, key=lambda name: found[name])
    number = facts.cpus if limit == "cpu" else (has.admitted[limit] if has is not None else 0)
    what = ("core" if number == 1 else "cores") if limit == "cpu" else limit
    each = f"{_ms(cpu_s)} of CPU time per request" if limit == "cpu" else f"{_ms(demand.alone_s)} per request"
    return Ceiling(rps=round(found[limit], 2), limit=limit, text=f"{number} {what} ÷ {each}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
