"""What to doubt about a run: how it was measured, and which of its cells are flagged (pure)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.charts import View
from loadtests.charts.view import LABELS
from loadtests.charts.wording import listed, named
from loadtests.comparison import MIN_BLOCKS
from loadtests.outcome import Outcome
from loadtests.warnings import DRIVER_BUSY_LIMIT, MEANING

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


def doubts(run: View, outcome: Outcome) -> list[Doubt]:
    """Return every doubt that the run itself gives rise to, the serious ones first."""
    found = [
        *_incomplete(run, outcome),
        *_collapses(run),
        *_flagged(run),
        *_ceiling(run),
        *_blocks(run),
        *_cores(run),
        *_machine(run),
        *_driver(run),
        *_provenance(run),
        *_always(run),
    ]
    return sorted(found, key=lambda doubt: not doubt.serious)


def flag_words(run: View, flag: str) -> tuple[str, str]:
    """Return a flag as a reader should see it, ``driver-bound (async)``, and what it means."""
    name, _, label = flag.partition(":")
    side = {"a": run.names["a"], "b": run.names["b"]}.get(label)
    return f"{name} ({side})" if side else name, MEANING.get(name, "")


def _incomplete(run: View, outcome: Outcome) -> Iterator[Doubt]:
    if run.manifest.complete and outcome.complete:
        return
    planned, measured = len(run.manifest.cells()), run.headlines()
    fewest = min((c.blocks for c in measured), default=0)
    yield Doubt(
        "The run is incomplete",
        f"It ended before its plan did: of {planned} cells {planned - len(measured)} were not measured at all, and the "
        f"others rest on {fewest} to {max((c.blocks for c in measured), default=0)} of {run.blocks} blocks. If it was "
        "stopped because of what it showed, its verdicts mean little.",
        serious=True,
    )


def _collapses(run: View) -> Iterator[Doubt]:
    for label in LABELS:
        cells = [cell for (_, _, side), cell in run.cells.items() if side == label and cell.collapsed]
        if not cells:
            continue
        said = [
            f"{cell.scenario} at {named([cell.load])}, in {len(cell.collapsed)} of {run.blocks} blocks:"
            f" “{Counter(cell.collapsed).most_common(1)[0][0]}”"
            for cell in cells
        ]
        yield Doubt(
            f"{run.names[label]} collapsed",
            f"{'; '.join(said)}. Its figures are of the blocks that were left, if any.",
            serious=True,
        )


def _flagged(run: View) -> Iterator[Doubt]:
    cells: dict[str, list[str]] = {}
    for c in run.headlines():
        for flag in c.flags:
            if flag.partition(":")[0] not in ("collapsed", "small", "too-few-blocks"):
                cells.setdefault(flag, []).append(f"{c.scenario} at {named([c.load])}")
    for flag, where in cells.items():
        words, meaning = flag_words(run, flag)
        count = f"{len(where)} cell{'s' if len(where) > 1 else ''}"
        yield Doubt(f"Flagged {words}: {count}", f"{_sentence(meaning)}: {listed(where)}.", serious=True)
    busiest = max(run.cells.values(), key=lambda cell: cell.driver_busy, default=None)
    if busiest is not None and busiest.driver_busy <= DRIVER_BUSY_LIMIT:
        yield Doubt(
            "The load driver had room",
            f"It was busy {busiest.driver_busy:.0%} of the time at most (mean of {busiest.scenario} at"
            f" {named([busiest.load])}, {run.names[busiest.label]}). A busier client would have been measured"
            " instead of the server.",
        )


def _ceiling(run: View) -> Iterator[Doubt]:
    ceiling_rps = run.manifest.driver_ceiling_rps
    if ceiling_rps is None:
        yield Doubt("The load driver's ceiling is not known", "It was not measured by itself when the run began.")
        return
    fastest_rps = max((cell.throughput.value for cell in run.cells.values() if cell.throughput), default=0.0)
    yield Doubt(
        "The load driver's ceiling",
        f"Against a server that does nothing it reached {ceiling_rps:,.0f} requests/s when the run began; the fastest"
        f" cell came to {fastest_rps / ceiling_rps:.0%} of that.",
    )


def _blocks(run: View) -> Iterator[Doubt]:
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


def _cores(run: View) -> Iterator[Doubt]:
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


def _machine(run: View) -> Iterator[Doubt]:
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


def _driver(run: View) -> Iterator[Doubt]:
    if run.manifest.driver != "locust":
        return
    workers = run.manifest.workers
    if workers > 1:
        text = (
            f"A master and {workers} workers. How busy they were is said of the busiest of them, or of all together on"
            " the cores they share, whichever is nearer to its limit."
        )
    else:
        text = "One process of Locust sent all requests."
    yield Doubt("Locust put on the load", f"{text} Journeys think between requests, which bounds their throughput.")


def _provenance(run: View) -> Iterator[Doubt]:
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
    mishaps = [event.message for event in run.manifest.events if event.kind == "restarted"]
    if mishaps:
        yield Doubt("Something was tried again", "; ".join(mishaps) + ".")
    if sittings := [event.message for event in run.manifest.events if event.kind == "resumed"]:
        yield Doubt(
            "The run was interrupted",
            f"It was {', and '.join(sittings)}. Between the sittings the machine may have changed in what can't be"
            " checked; sides were only ever compared within one.",
        )


def _always(run: View) -> Iterator[Doubt]:
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
    yield Doubt(
        "A closed loop",
        "Users wait for their answer before they ask again, so a slow server is asked less often. Under arrivals that"
        " do not wait, its response times would be worse than these.",
    )


def _cores_named(cores: set[int]) -> str:
    return f"core{'s' if len(cores) > 1 else ''} {listed([str(core) for core in sorted(cores)])}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
