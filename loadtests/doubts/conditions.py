"""Doubts about the conditions: blocks, cores, machine, code, and what no run can tell (pure)."""

from collections.abc import Iterator

from loadtests.analysis.comparison import MIN_BLOCKS
from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import listed
from loadtests.doubts.doubt import Doubt

BUSY_MACHINE = 0.5
"""Load average per core, when the run began, above which something else was running."""


def blocks(run: View) -> Iterator[Doubt]:
    """Say how much so many blocks can carry."""
    if run.blocks < MIN_BLOCKS:
        yield Doubt(
            f"{run.blocks} block{'s are' if run.blocks != 1 else ' is'} too few",
            f"An interval needs at least {MIN_BLOCKS} blocks to deserve its name; every verdict is left open.",
            serious=True,
        )
    else:
        yield Doubt(
            f"{run.blocks} blocks",
            "Intervals this short of data lean on the blocks' logarithms being about normal. More blocks make them"
            " narrower and safer.",
        )


def cores(run: View) -> Iterator[Doubt]:
    """Say whether servers and driver were in each other's way."""
    server, driver = set(run.manifest.server_cores), set(run.manifest.driver_cores)
    if not server:
        yield Doubt(
            "Nothing was pinned to a core",
            "Servers, driver and upstream could take each other's CPU time.",
            serious=True,
        )
    elif server & driver:
        yield Doubt(
            "Server and driver shared a core",
            f"The servers ran on {_cores_named(server)}, the driver and the upstream on {_cores_named(driver)}: what"
            " one spends, the other lacks.",
            serious=True,
        )


def machine(run: View) -> Iterator[Doubt]:
    """Say what of the machine may have disturbed."""
    machine = run.manifest.environment
    if machine.virtualisation:
        yield Doubt(
            "A virtual machine",
            f"It runs in {machine.virtualisation}: neighbours, unseen from here, may take CPU time. Both sides meet"
            " that alike, since they take turns, but intervals grow.",
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


def database(run: View) -> Iterator[Doubt]:
    """Say what is particular to the database."""
    manifest = run.manifest
    if manifest.database == "sqlite":
        yield Doubt(
            "SQLite",
            "Its asynchronous driver is a thread for each connection, not non-blocking I/O: what the database scenarios"
            " show is true of this pair of drivers. --database postgres asks a server over a socket.",
        )
    elif manifest.database == "postgres":
        yield Doubt(
            "A database server on the same machine",
            f"{manifest.database_version} shared the cores of the driver and the upstream, with its default settings;"
            " its CPU time is not part of a side's CPU per request.",
        )


def provenance(run: View) -> Iterator[Doubt]:
    """Say what is not known of the code and the servers."""
    commit = run.manifest.environment.commit
    if commit is None:
        yield Doubt("The code is not known", "The run was made outside a git checkout.")
    elif commit.endswith("+"):
        yield Doubt("The code is not known exactly", f"Files differed from commit {commit[:-1]}.")
    for label, side in zip(LABELS, (run.manifest.a, run.manifest.b), strict=True):
        if "url" in side.settings:
            yield Doubt(
                f"{run.names[label]} ran already",
                "The harness did not start it: its settings, database, CPU and memory are not known, and it was not"
                " started afresh for each block.",
                serious=True,
            )


def always(run: View) -> Iterator[Doubt]:
    """Say what is true of every run."""
    yield Doubt(
        "One machine",
        "Ratios travel better than absolute figures, but neither is a promise for other hardware, other versions or"
        " another database.",
    )
    if not any("url" in side.settings for side in (run.manifest.a, run.manifest.b)):
        yield Doubt(
            "Loopback",
            "Requests cross no network: no latency, no TLS, no proxy, no slow clients. Real networks add waiting"
            " outside the handler, which neither side can save.",
        )


def _cores_named(cores: set[int]) -> str:
    return f"core{'s' if len(cores) > 1 else ''} {listed([str(core) for core in sorted(cores)])}"
