"""Doubts about the conditions of a run: blocks, cores, machine, database, code, load driver, kind of load (pure).

It also says what every run leaves open, and has the words that flags are shown by.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.analysis.condition_checks import THROTTLED_LIMIT
from loadtests.analysis.flag_checks import DRIVER_BUSY_LIMIT
from loadtests.analysis.flags import MEANING
from loadtests.analysis.trial_summary import samples_needed, unseen_s
from loadtests.experiment.loads import OpenLoop
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.experiment.sides import LABELS
from loadtests.report.view import RunView
from loadtests.report.wording import listed, named, number

OF_ALL_CELLS = frozenset({"shared-core", "cpu-quota"})
"""Flags that no cell earns by itself: here they are told of the whole run."""
MORE_BLOCKS = (
    "Run it again with a longer --budget, or with fewer scenarios or loads; where starting a side takes most of the"
    f" time, with --blocks {MIN_BLOCKS}."
)
BUSY_MACHINE = 0.5
"""Load average per core, when the run began, above which something else was running."""


@dataclass(frozen=True)
class Doubt:
    """A reason not to believe, or not to generalise.

    Attributes:
        title: in a few words.
        text: in a sentence or two.
        serious: whether it touches this run's verdicts, rather than what they say of other machines.
    """

    title: str
    text: str
    serious: bool = False


def flag_words(run: RunView, flag: str) -> tuple[str, str]:
    """Return a flag as a reader should see it, ``driver-bound (async)``, and what it means."""
    name, _, label = flag.partition(":")
    side = {"a": run.names["a"], "b": run.names["b"]}.get(label)
    return f"{name} ({side})" if side else name, MEANING.get(name, "")


def blocks(run: RunView) -> Iterator[Doubt]:
    """Say how much so many blocks can carry."""
    if run.blocks < run.manifest.least_blocks:
        yield Doubt(
            f"{run.blocks} block{'s are' if run.blocks != 1 else ' is'} too few",
            f"A reliable interval needs at least {run.manifest.least_blocks} blocks, so no verdict is given."
            f" {MORE_BLOCKS if run.manifest.budget_s else f'Run it again with --blocks {MIN_BLOCKS}.'}",
            serious=True,
        )
    else:
        yield Doubt(
            f"{run.blocks} blocks",
            "With so few blocks the intervals assume that the logarithms of the blocks' ratios are roughly normally"
            " distributed. More blocks make them narrower and more reliable.",
        )


def cores(run: RunView) -> Iterator[Doubt]:
    """Say whether servers and driver were in each other's way."""
    if run.manifest.machines is not None:
        return  # the load came from elsewhere
    server, driver = set(run.manifest.server_cores), set(run.manifest.driver_cores)
    if not server:
        yield Doubt(
            "Nothing was pinned to a core",
            "Servers, driver and upstream could take CPU time from each other.",
            serious=True,
        )
    elif server & driver:
        yield Doubt(
            "Server and driver shared a core",
            f"The servers ran on {_cores_named(server)}, the driver and the upstream on {_cores_named(driver)}: CPU"
            " time that one uses is missing for the other.",
            serious=True,
        )
    elif run.manifest.shared_core:
        yield Doubt(
            "Server and driver shared a physical core",
            f"The servers ran on {_cores_named(server)}, the driver and the upstream on {_cores_named(driver)}:"
            " hardware threads of one physical core, each of which is slower while the other works.",
            serious=True,
        )


def quota(run: RunView) -> Iterator[Doubt]:
    """Say what a CPU quota left to the run, and whether it stopped it."""
    cores = run.manifest.cpu_quota
    lost = max((m.throttled for m in run.manifest.machine if m.throttled is not None), default=None)
    if cores is None and lost is None:
        return
    stopped = lost is not None and lost > THROTTLED_LIMIT
    found = "It is not known how much time it took."
    if lost is not None:
        found = f"In the worst block it took {lost:.1%} of the cores' time."
    yield Doubt(
        "A CPU quota" if cores is None else f"A CPU quota of {cores:g} core{'s' if cores != 1 else ''}",
        "Servers, driver and upstream share it; once it is used up, all of them pause until its next period."
        f" {found}{' Response times include these pauses, which pull ratios towards 1.' if stopped else ''}",
        serious=any("cpu-quota" in c.flags for c in run.headlines()),
    )


def machine(run: RunView) -> Iterator[Doubt]:
    """Say what of the machine may have disturbed."""
    if run.manifest.machines is not None:
        return  # it neither served nor sent
    machine = run.manifest.environment
    if machine.virtualisation:
        affects = "That affects both sides alike, because they take turns, but it widens the intervals."
        if run.manifest.schedule is not None:
            affects = "That affects the side that is measured at the time."
        yield Doubt(
            "A virtual machine",
            f"It runs in {machine.virtualisation}: other guests, invisible from here, may take CPU time. {affects}",
        )
    if machine.governor not in (None, "performance"):
        yield Doubt(
            f"CPU frequency governor “{machine.governor}”",
            "The clock may follow the load, which favours whichever side keeps the core busier.",
        )
    if machine.load_average > BUSY_MACHINE * machine.cores:
        yield Doubt(
            "The machine was busy",
            f"Its load average was {machine.load_average:g} on {machine.cores} cores when the run began.",
            serious=True,
        )


def database(run: RunView) -> Iterator[Doubt]:
    """Say what is particular to the database."""
    manifest = run.manifest
    if not run.has_build:
        return  # nothing is known of an app's own
    if manifest.database == "sqlite":
        yield Doubt(
            "SQLite",
            "Its asynchronous driver uses a thread for each connection, not non-blocking I/O: what the database"
            " scenarios show holds for this pair of drivers. --database postgres uses a server over a socket.",
        )
    elif manifest.database == "postgres":
        yield Doubt(
            "A database server on the same machine",
            f"{manifest.database_version} ran with its default settings on the cores of the driver and the upstream;"
            " its CPU time is not part of a side's CPU per request.",
        )


def provenance(run: RunView) -> Iterator[Doubt]:
    """Say what is not known of the code and the servers."""
    commit = run.manifest.environment.commit
    whose = "The code is" if run.has_build else "The harness’s own code is"
    if commit is None:
        yield Doubt(f"{whose} not known", "The run was made outside a git checkout.")
    elif commit.endswith("+"):
        yield Doubt(f"{whose} not known exactly", f"Files differed from commit {commit[:-1]}.")
    for label, side in zip(LABELS, (run.manifest.a, run.manifest.b), strict=True):
        if "url" in side.settings:
            watched = not {"pid", "agent"}.isdisjoint(side.settings)
            unknown = "settings and database" if watched else "settings, database, CPU and memory"
            yield Doubt(
                f"{run.names[label]} was already running",
                f"The harness did not start it: its {unknown} are not known, and it was not restarted for each block."
                " It also keeps running during the other side's turns: if they share cores, its background work takes"
                " time from that side.",
                serious=True,
            )


def certificates(run: RunView) -> Iterator[Doubt]:
    """Say that any certificate was trusted."""
    if run.manifest.insecure:
        yield Doubt(
            "Certificates were not checked",
            "With --insecure, whatever server answered at a side's URL was measured, intended or not.",
        )


def always(run: RunView) -> Iterator[Doubt]:
    """Say what is true of every run."""
    yield Doubt(
        "One machine",
        "Ratios carry over better than absolute figures, but neither is guaranteed on other hardware, other versions or"
        " another database.",
    )
    if not any("url" in side.settings for side in (run.manifest.a, run.manifest.b)):
        yield Doubt(
            "Loopback",
            "Requests cross no network: no latency, no TLS, no proxy, no slow clients. A real network adds waiting"
            " outside the handler, which neither side can avoid.",
        )


def _cores_named(cores: set[int]) -> str:
    return f"core{'s' if len(cores) > 1 else ''} {listed([str(core) for core in sorted(cores)])}"


def driver(run: RunView) -> Iterator[Doubt]:
    """Say how much room the load driver had."""
    busiest = max(run.cells.values(), key=lambda cell: cell.driver_peak, default=None)
    if run.open_loop or busiest is None or busiest.driver_peak > DRIVER_BUSY_LIMIT:
        return  # in an open loop it asks the clock until a request is due: busy, and not the limit
    yield Doubt(
        "The load driver had room",
        f"In its busiest second it took {busiest.driver_peak:.0%} of its core ({busiest.scenario} at"
        f" {named([busiest.load])}, {run.names[busiest.label]}). Had the client been busier, the run would have"
        " measured it instead of the server.",
    )


def ceiling(run: RunView) -> Iterator[Doubt]:
    """Say how near the fastest cell came to what the driver can send at all."""
    ceiling_rps = run.manifest.driver_ceiling_rps
    if run.manifest.machines is not None:
        yield Doubt(
            "The load machines' ceiling is not known",
            "It is not measured: a server that does nothing would be the limit itself, or the network to it.",
        )
        return
    if ceiling_rps is None:
        yield Doubt("The load driver's ceiling is not known", "It was not measured by itself when the run began.")
        return
    fastest_rps = max((cell.throughput.value for cell in run.cells.values() if cell.throughput), default=0.0)
    yield Doubt(
        "The load driver's ceiling",
        f"Against a server that does nothing it reached {ceiling_rps:,.0f} requests/s when the run began; the fastest"
        f" cell reached {fastest_rps / ceiling_rps:.0%} of that.",
    )


def locust(run: RunView) -> Iterator[Doubt]:
    """Say what it means that Locust put on the load."""
    if run.manifest.driver != "locust":
        return
    workers = run.manifest.workers
    if run.manifest.machines is not None:
        text = "Its workers ran on load machines."
    elif workers > 1:
        text = (
            f"{workers} Locust processes sent the requests. The figure for how busy they were is that of the busiest"
            " one, or of all together on the cores they share, whichever is closer to its limit."
        )
    else:
        text = "One Locust process sent all requests."
    yield Doubt("Locust generated the load", f"{text} Journeys pause between requests, which limits their throughput.")


def load_machines(run: RunView) -> Iterator[Doubt]:
    """Say which machines sent the requests, and how well their clocks agree."""
    known = [machine for machine in run.manifest.load_machines if machine.requests]
    if not known:
        return
    total = sum(machine.requests for machine in known)
    shares = listed([f"{machine.name} ({machine.requests / total:.0%})" for machine in known])
    furthest = max(known, key=lambda machine: machine.clock_uncertainty_s or 0.0)
    moved = max(known, key=lambda machine: machine.clock_moved_s or 0.0)
    text = (
        f"The requests were sent by {shares}. Each machine measured its own response times. Clocks were compared before"
        f" and after each cell, which decides which requests count in a window: to within"
        f" {number(1000 * (furthest.clock_uncertainty_s or 0.0))} ms ({furthest.name})."
    )
    if moved.clock_moved_s:
        text += (
            f" The clock of {moved.name} was {number(1000 * moved.clock_moved_s)} ms further off after one cell than"
            " before it: something set it meanwhile."
        )
    yield Doubt("Load machines", text, serious=bool(moved.clock_moved_s))


def rare(run: RunView) -> Iterator[Doubt]:
    """Say what the windows are too short to have seen."""
    shortest_s = min((cell.windows_s for cell in run.cells.values() if cell.windows_s), default=None)
    if shortest_s is None:
        return
    yield Doubt(
        "Rare pauses",
        f"The shortest windows of any cell add up to {number(shortest_s)} s for each side. A random pause that happens"
        f" less than once in {number(unseen_s(shortest_s))} s may not have occurred in them; when it occurs, it delays"
        " all requests in flight at once. So more requests do not settle the slowest 1 %, but a longer --time does.",
    )


def loop(run: RunView) -> Iterator[Doubt]:
    """Say what this kind of load hides."""
    if not run.open_loop:
        yield Doubt(
            "A closed loop",
            "Users wait for an answer before they ask again, so a slow server gets fewer requests. At a fixed arrival"
            " rate (open loop) its response times would be longer; --rate measures them.",
        )
        return
    yield from _few_requests(run)
    yield Doubt(
        "An open loop",
        "Requests arrive at a fixed rate, however slow the server is, as if each came from a new user. Real users leave"
        " a slow site, or try again. Near a server's limit a slightly higher rate means a much longer wait: what holds"
        " at one rate says little about the next.",
    )
    yield Doubt(
        "Short windows",
        "A queue that takes minutes to build up does not show within a few seconds. A side that barely keeps up here"
        " may fall behind over an hour.",
    )
    if any(isinstance(load, OpenLoop) and load.arrivals == "constant" for load in run.loads):
        yield Doubt(
            "Evenly spaced arrivals",
            "There are no bursts, so requests delay each other less than those of independent users would.",
        )


def _few_requests(run: RunView) -> Iterator[Doubt]:
    needed = samples_needed(99)
    short = [
        load for load in run.loads if any("too-few-samples" in c.flags and c.load == load for c in run.headlines())
    ]
    if short:
        times = listed([f"{needed / load.size:.1f} s at {named([load])}" for load in short])
        yield Doubt(
            "Too few requests for a 99th percentile",
            f"It needs {needed} requests to each side in every block, which takes windows of {times} in total; use a"
            " longer --time.",
            serious=True,
        )
