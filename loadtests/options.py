"""From the options of ``bench run`` to an experiment: everything that can be checked before a server starts."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from loadtests.databases.choice import SQLITE
from loadtests.design import Timing, choose
from loadtests.drivers.choice import DriverName, check_driver, everything
from loadtests.experiment import Experiment
from loadtests.loads import Arrivals, Load, parse_rates, parse_users
from loadtests.scenario_spec import parse_scenario
from loadtests.scenarios import REPRESENTATIVE
from loadtests.sides import parse_side
from loadtests.system.errors import UsageError

USERS = "1,8,32,128"
MAX_BLOCKS = 1000
MAX_ARRIVALS = 1_000_000
"""In one slice."""
MAX_SLICE_S = 600.0
MAX_START_LIMIT_S = 600.0


class RunOptions(BaseModel):
    """The options of ``bench run``, as typed."""

    model_config = ConfigDict(frozen=True)

    scenarios: tuple[str, ...]
    a: str
    b: str
    users: str | None
    rate: str | None
    arrivals: Arrivals
    blocks: int
    slice_s: float | None
    time_s: float | None
    seed: int
    full: bool
    start_limit: float
    out: Path | None
    driver: DriverName = "httpx"
    workers: int = 0
    database: str = SQLITE
    observe: bool = False

    def experiment(self) -> Experiment:
        """Check everything that can be checked without starting a server; raises UsageError."""
        if not 1 <= self.blocks <= MAX_BLOCKS:
            raise UsageError(f"--blocks {self.blocks}: must be from 1 to {MAX_BLOCKS}; a verdict needs at least 6")
        if not 0 < self.start_limit <= MAX_START_LIMIT_S:
            raise UsageError(f"--start-limit {self.start_limit:g}: must be above 0 and at most {MAX_START_LIMIT_S:g}")
        if self.full and self.scenarios:
            raise UsageError("--full takes every scenario; leave it out, or name no scenario")
        names = self.scenarios or (everything(self.driver) if self.full else REPRESENTATIVE)
        scenarios = {scenario.name: scenario for scenario in map(parse_scenario, names)}
        a, b = parse_side(self.a), parse_side(self.b)
        if a.server.port is not None and a.server.port == b.server.port:
            raise UsageError(f"--a {a.spec} --b {b.spec}: both want port {a.server.port}; give one of them another")
        for side in (a, b):
            if own := {"database_url", "upstream_url"} & dict(side.knobs).keys():
                raise UsageError(f"side {side.spec!r}: a run gives each side its own {own.pop()}; leave it out")
            if self.database == SQLITE and "database_driver" in dict(side.knobs):
                raise UsageError(f"side {side.spec!r}: SQLite has no choice of drivers; add --database postgres")
        if self.observe and a.url is not None and b.url is not None:
            raise UsageError("--observe looks into servers that this harness starts; these run already: leave it out")
        loads = self._loads()
        check_driver(self.driver, self.workers, scenarios.values(), loads)
        timing = self._timing(loads, len(loads) * len(scenarios))
        return Experiment(
            a,
            b,
            tuple(scenarios.values()),
            loads,
            blocks=self.blocks,
            slice_s=timing.slice_s,
            pairing_s=timing.pairing_s,
            seed=self.seed,
            start_limit_s=self.start_limit,
            driver=self.driver,
            workers=self.workers,
            database=self.database,
            observe=self.observe,
        )

    def _loads(self) -> tuple[Load, ...]:
        if self.users and self.rate:
            raise UsageError("--users is a closed loop, --rate an open one: give one of them")
        return parse_rates(self.rate, self.arrivals) if self.rate else parse_users(self.users or USERS)

    def _timing(self, loads: tuple[Load, ...], cells: int) -> Timing:
        """Return what was asked for, the rest by default; raises UsageError."""
        for name, value in (("--slice", self.slice_s), ("--time", self.time_s)):
            if value is not None and not 0 < value <= MAX_SLICE_S:
                raise UsageError(f"{name} {value:g}: must be more than 0 and at most {MAX_SLICE_S:g} seconds")
        default = choose(loads, cells)
        slice_s, time_s = self.slice_s or default.slice_s, self.time_s or default.pairing_s
        if self.slice_s and not self.time_s:
            time_s = max(time_s, 2 * slice_s)
        if self.time_s and not self.slice_s:
            slice_s = min(slice_s, time_s / 2)
        if slice_s > time_s / 2:
            raise UsageError(f"--slice {slice_s:g}: two of them don't fit into --time {time_s:g}; raise --time")
        if self.rate and loads[-1].size * slice_s > MAX_ARRIVALS:
            raise UsageError(f"--rate {self.rate}: more than {MAX_ARRIVALS:,} arrivals in a slice; shorten --slice")
        return Timing(slice_s, time_s)
