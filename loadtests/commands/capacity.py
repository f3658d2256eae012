"""``bench capacity``: what the model says of a request, without measuring anything."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from loadtests.analysis.model.capacity import Demand, Prediction, Resources, predict
from loadtests.analysis.model.crossover import SHORTEST_S, WORTH, crossing_users, crossing_wait_s
from loadtests.experiment.loads import ClosedLoop, parse_users
from loadtests.records.outcome import Limit
from loadtests.system.errors import UsageError

MOST_MS = 60_000.0
MOST_RESOURCES = 100_000


@dataclass(frozen=True)
class Question:
    """What if: a request, a server and its users, as typed.

    Attributes:
        cpu_ms: CPU time of a request, in milliseconds.
        wait_ms: what it waits for besides, in milliseconds.
        users: of the closed loops to look at.
        threads: of the sync build.
        pool: connections of either build that a request holds; None where it needs none.
        cores: that the server can use.
        think_ms: how long users pause before they ask again, in milliseconds.
    """

    cpu_ms: float
    wait_ms: float
    users: tuple[ClosedLoop, ...]
    threads: int
    pool: int | None
    cores: int
    think_ms: float

    @property
    def demand(self) -> Demand:
        """What one request needs, the same in both builds."""
        return Demand(self.cpu_ms / 1000, self.wait_ms / 1000)

    @property
    def sync(self) -> Resources:
        """What the build with `def` routes has."""
        return Resources(self.cores, threads=self.threads, connections=self.pool)

    @property
    def async_(self) -> Resources:
        """What the build with `async def` routes has: no thread for a request."""
        return Resources(self.cores, connections=self.pool)


def question(
    cpu_ms: float | None,
    wait_ms: float | None,
    users: str,
    threads: int,
    pool: int | None,
    cores: int,
    think_ms: float,
) -> Question:
    """Check what was typed; raises UsageError."""
    if cpu_ms is None or wait_ms is None:
        raise UsageError("capacity: give --cpu-ms and --wait-ms to ask the model, or --slo to measure")
    for name, value in (("--cpu-ms", cpu_ms), ("--wait-ms", wait_ms), ("--think-ms", think_ms)):
        if not 0 <= value <= MOST_MS:
            raise UsageError(f"{name} {value:g}: must be from 0 to {MOST_MS:,.0f} milliseconds")
    for name, number in (("--threads", threads), ("--pool", pool), ("--cores", cores)):
        if number is not None and not 1 <= number <= MOST_RESOURCES:
            raise UsageError(f"{name} {number}: must be from 1 to {MOST_RESOURCES:,}")
    if cpu_ms + wait_ms <= 0:
        raise UsageError("--cpu-ms 0 --wait-ms 0: a request that takes no time has no limit; give one of them")
    return Question(cpu_ms, wait_ms, parse_users(users), threads, pool, cores, think_ms)


def show(asked: Question) -> None:
    """Print what the model predicts for both builds, which limit binds, and where they part."""
    console = Console()
    table = Table(title=_title(asked), title_justify="left", title_style="bold")
    table.add_column("users", justify="right")
    for name in ("sync", "async"):
        table.add_column(f"{name}, requests/s", justify="right")
        table.add_column("limit")
    table.add_column("async ÷ sync", justify="right")
    for load in asked.users:
        sync, async_ = (predict(asked.demand, r, load.users, asked.think_ms / 1000) for r in (asked.sync, asked.async_))
        ratio = f"{async_.throughput_rps / sync.throughput_rps:.2f}"
        cells = [cell for side in (sync, async_) for cell in (f"{side.throughput_rps:,.0f}", _limit(side, asked))]
        table.add_row(str(load.users), *cells, ratio)
    console.print(table)
    for line in _crossings(asked):
        console.print(line, highlight=False, markup=False)


def _title(asked: Question) -> str:
    holds = f", which holds one of {asked.pool} connections" if asked.pool else ""
    think = f", {asked.think_ms:g} ms between requests" if asked.think_ms else ""
    cores = f"{asked.cores} core{'s' if asked.cores > 1 else ''}"
    return f"A request of {asked.cpu_ms:g} ms CPU and {asked.wait_ms:g} ms wait{holds}, on {cores}{think}: predicted"


def _limit(side: Prediction, asked: Question) -> str:
    words: dict[Limit, str] = {
        "users": "users",
        "cpu": "CPU",
        "threads": f"{asked.threads} threads",
        "connections": f"{asked.pool} connections",
    }
    return words[side.limit]


def _crossings(asked: Question) -> list[str]:
    percent = f"{WORTH - 1:.0%}"
    most = asked.users[-1].users
    sides = asked.sync, asked.async_, asked.demand, asked.demand
    users, wait_s = crossing_users(*sides), crossing_wait_s(*sides, most)
    lines = [
        f"async answers {percent} more from {users} users on."
        if users
        else f"With no number of users does async answer {percent} more."
    ]
    lines.append(
        f"With {most} users there is no wait with which it does."
        if wait_s is None
        else f"With {most} users it does at any wait."
        if wait_s <= SHORTEST_S
        else f"With {most} users it does from a wait of {wait_s * 1000:.3g} ms on."
    )
    if asked.think_ms:
        lines = [f"Without time to think: {lines[0][0].lower()}{lines[0][1:]}", lines[1]]
    return [*lines, "Both builds are taken to need the same CPU time; measure to see what they do need."]
