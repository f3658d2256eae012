"""What a side has for a scenario, cores, threads and connections, as far as that is known, and what is assumed (pure).

Of the builds of the blog it follows from their settings. Any other app's own process has told it before the run:
whether handlers are called in a thread, how many threads there are, which pools of connections are used. What was not
told is assumed, and said; where too little is known, it is said why the model can't speak.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.analysis.model.capacity import Resources
from loadtests.experiment import blog
from loadtests.experiment.blog import DEFAULT_THREADS
from loadtests.experiment.catalogue import holds_a_connection
from loadtests.experiment.sides import SideLabel
from loadtests.records.handler_record import ExecutedRecord, HandlerRecord
from loadtests.records.manifest import Manifest, SideRecord

UNKNOWN = frozenset({"journey", "pitfall"})
"""Kinds of scenario that the model does not know: users who think, loops that are blocked."""
CPU_NOT_READ = (
    "its CPU time was not read because the server was already running; if it runs on this machine, add pid= with its"
    " process to the URL; if on another one, agent= with the port of its agent"
)


@dataclass(frozen=True)
class SideResources:
    """What a side has for a scenario.

    Attributes:
        has: what the model takes; None where it says nothing.
        assumed: what is taken for granted with that, each in words that follow "that".
        why_not: why the model says nothing; empty where it speaks, and where nobody would expect it to.
        is_told: whether processes and threads are known, and not assumed.
    """

    has: Resources | None
    assumed: tuple[str, ...] = ()
    why_not: str = ""
    is_told: bool = False


def side_resources(manifest: Manifest, label: SideLabel, scenario: str) -> SideResources:
    """Return what a side of a run has for one of its scenarios, named with its parameters."""
    side = manifest.a if label == "a" else manifest.b
    cores = cores_of(side, manifest)
    kind = next((each.kind for each in manifest.scenarios if each.name == scenario), "custom")
    handler = manifest.handlers.get(scenario, {}).get(label)
    if kind in UNKNOWN:
        return SideResources(None)
    if blog.resources_of(side.settings) is not None:
        holds = bool(handler and handler.statements) if kind == "custom" else holds_a_connection(scenario)
        return SideResources(_resources_of_build(side, cores, holds=holds), is_told=True)
    if "url" in side.settings and {"pid", "agent"}.isdisjoint(side.settings):
        return SideResources(None, why_not=CPU_NOT_READ)
    return _resources_of_app(side, cores, handler, manifest.executed.get(scenario, {}).get(label))


def cores_of(side: SideRecord, manifest: Manifest) -> int:
    """Return how many cores a side has: those the servers were pinned to, or those of its own machine, if it told."""
    return max(1, len(manifest.server_cores)) if side.agent is None else side.agent.cores


def cores_used(side: SideRecord, cores: int) -> int:
    """Return how many cores a side can use at the same time: its worker processes, or the servers' cores if fewer.

    How many processes a side's own command starts is not known; it may use all cores.

    Args:
        side: with its settings.
        cores: that it has.
    """
    workers = _workers(side)
    return cores if workers is None or side.settings.get("command") else min(int(workers), cores)


def resources(side: SideRecord, scenario: str, cores: int) -> Resources | None:
    """Return what a build has for a scenario of the catalogue; None if it is no build, or may come to a deadlock.

    Args:
        side: with its settings.
        scenario: its name, parameters included.
        cores: that the servers were pinned to.
    """
    return _resources_of_build(side, cores, holds=holds_a_connection(scenario))


def _resources_of_build(side: SideRecord, cores: int, *, holds: bool) -> Resources | None:
    known = blog.resources_of(side.settings)
    if known is None or (holds and known.can_deadlock):
        return None
    return Resources(
        cores=min(known.workers, cores),
        threads=known.all_threads,
        connections=known.all_connections if holds else None,
    )


def _resources_of_app(
    side: SideRecord, cores: int, handler: HandlerRecord | None, executed: ExecutedRecord | None
) -> SideResources:
    workers = _workers(side)
    known_workers = isinstance(workers, int) and "command" not in side.settings
    processes = workers if isinstance(workers, int) and known_workers else 1
    threads = _threads(handler, executed)
    connections = executed.connections if executed is not None and executed.count else None
    has = Resources(
        cores=min(processes, cores),
        threads=None if threads is None else processes * threads,
        connections=None if connections is None else processes * connections,
    )
    assumed = [] if known_workers else ["only one process computes at a time"]
    assumed += [*_about_threads(handler, executed), *_about_connections(has.connections, executed)]
    is_async = handler is not None and not handler.missing and set(handler.runs) == {"async def"}
    return SideResources(has, tuple(assumed), is_told=known_workers and (is_async or threads is not None))


def _workers(side: SideRecord) -> str | int | float | None:
    return side.settings.get("workers") if side.agent is None else side.agent.workers


def _threads(handler: HandlerRecord | None, executed: ExecutedRecord | None) -> int | None:
    """Return how many threads of a process its handlers run in; None where they need none, or nobody knows."""
    if handler is None or handler.missing or set(handler.runs) != {"def"}:
        return None
    if executed is None:
        return DEFAULT_THREADS
    return executed.threads


def _about_threads(handler: HandlerRecord | None, executed: ExecutedRecord | None) -> Iterator[str]:
    if handler is None or handler.missing or not handler.runs:
        yield "requests never queue for a thread, because its handlers are not known"
    elif len(set(handler.runs)) > 1:
        yield "requests never queue for a thread, because its handlers are of both kinds"
    elif "def" in handler.runs:
        if executed is None:
            yield f"it has {DEFAULT_THREADS} threads, AnyIO's default, because its limit was not read"
        elif executed.threads is None:
            yield "requests never queue for a thread, because it is not known how many it has"
    elif handler.in_threads:
        names = ", ".join(handler.in_threads)
        yield f"what it calls in a thread ({names}) takes almost no time"


def _about_connections(connections: int | None, executed: ExecutedRecord | None) -> Iterator[str]:
    if connections is not None:
        yield f"a request holds one of its {connections} database connections from start to end"
    elif executed is None:
        yield "requests never queue for a database connection, because its SQL was not seen"
    elif executed.count:
        yield "requests never queue for a database connection, because no limit of its pool could be read"
