"""The options of ``bench run`` as they are typed, checked and turned into an experiment.

Everything is checked that can be before a server starts, and that does not depend on the machine. ``bench dial`` is a
run of the scenario ``mixed`` over a grid of CPU time and waiting time.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, InstanceOf

from loadtests.experiment.blog import DATABASE_DRIVER, GIVEN_BY_A_RUN
from loadtests.experiment.catalogue import REPRESENTATIVE, everything
from loadtests.experiment.exploration import CASES, DOCUMENT, SECONDS, Exploration
from loadtests.experiment.load_machines import LoadMachines, check_load_machines, parse_load_machines
from loadtests.experiment.loads import Arrivals, Load, OpenLoop, parse_rates, parse_users
from loadtests.experiment.plan import BUDGET_S, MIN_BLOCKS, PRECISION, DriverName, Experiment, Timing, default_timing
from loadtests.experiment.request import TOKEN
from loadtests.experiment.request_options import TypedOption
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.scenario_text import parse_scenarios, with_variables
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import Side, check_remote
from loadtests.system.errors import UsageError

USERS = "1,8,32,128"
MAX_BLOCKS = 1000
MAX_ARRIVALS = 1_000_000
"""In one slice."""
MAX_SLICE_S = 600.0
MAX_START_LIMIT_S = 600.0
MAX_BUDGET_S = 86_400.0
UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}
PRECISION_LEAST = 0.005
PRECISION_MOST = 0.5
_PLACE = re.compile(r"\$(?:\.{1,2}[^.\[\]\s]+|\[(?:\d+|\*)\])*")
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smh])?")
MAX_TIMEOUT_S = 3600.0
DIAL_LEAST = 2
DIAL_MOST = 12
"""Values of either axis: fewer make no grid, more no picture."""
MAX_WORKERS = 64
SQLITE = "sqlite"
POSTGRES = "postgres"


class RunOptions(BaseModel):
    """The options of ``bench run``, as typed, or as a file has them.

    ``offered`` are scenarios of a file: all of them are asked if none is typed, else those that are typed by name.
    ``slo`` and ``alone`` are about a schedule, which is no experiment of cells: ``cli/schedule.py`` takes them out.
    """

    model_config = ConfigDict(frozen=True)

    scenarios: tuple[str, ...] = ()
    offered: tuple[InstanceOf[Scenario], ...] = ()
    typed: tuple[TypedOption, ...] = ()
    sequence: bool = False
    values: str | None = None
    a: str = "sync"
    b: str = "async"
    users: str | None = None
    rate: str | None = None
    arrivals: Arrivals = "poisson"
    budget: str | None = None
    precision: str = f"{100 * PRECISION:g}%"
    blocks: int | None = None
    slice_s: float | None = None
    time_s: float | None = None
    seed: int = 0
    full: bool = False
    start_limit: float = 20.0
    out: Path | None = None
    driver: DriverName = "httpx"
    workers: int = 0
    machines: int = 0
    bind: str | None = None
    database: str = SQLITE
    observe: bool = False
    control: bool = True
    timeout_s: float | None = None
    allow_remote: tuple[str, ...] = ()
    cafile: str | None = None
    insecure: bool = False
    unequal: bool = False
    ignore: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    explore: bool = False
    explore_cases: int | None = None
    explore_time: float | None = None
    explore_writes: bool = False
    explore_document: str | None = None
    slo: str | None = None
    alone: bool = False

    def exploration(self) -> Exploration | None:
        """Return how far the sides are explored before the run; None if they are not; raises UsageError."""
        more = {
            "--explore-cases": self.explore_cases,
            "--explore-time": self.explore_time,
            "--explore-writes": self.explore_writes or None,
            "--explore-document": self.explore_document,
        }
        if not self.explore:
            if given := next((name for name, value in more.items() if value is not None), None):
                raise UsageError(f"{given} works only with --explore; add that, or leave it out")
            return None
        return Exploration(
            cases=CASES if self.explore_cases is None else self.explore_cases,
            seconds=SECONDS if self.explore_time is None else self.explore_time,
            writes=self.explore_writes,
            document=DOCUMENT if self.explore_document is None else self.explore_document,
            seed=self.seed,
        )

    def experiment(self) -> Experiment:
        """Check everything that can be checked without starting a server; raises UsageError."""
        if self.blocks is not None and not 1 <= self.blocks <= MAX_BLOCKS:
            least = f"a verdict needs at least {MIN_BLOCKS}"
            raise UsageError(f"--blocks {self.blocks}: must be from 1 to {MAX_BLOCKS}; {least}")
        if not 0 < self.start_limit <= MAX_START_LIMIT_S:
            raise UsageError(f"--start-limit {self.start_limit:g}: must be above 0 and at most {MAX_START_LIMIT_S:g}")
        if self.timeout_s is not None and not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise UsageError(f"--timeout {self.timeout_s:g}: must be above 0 and at most {MAX_TIMEOUT_S:,.0f} seconds")
        if given := next((name for name, value in (("--slo", self.slo), ("--alone", self.alone)) if value), None):
            raise UsageError(f"{given} works only with a schedule, as in --rate '0..400/s in 2m'; leave it out")
        if self.full and self.scenarios:
            raise UsageError("--full measures every scenario; leave it out, or name no scenario")
        scenarios: dict[str, Scenario] = {}
        for scenario in self._scenarios():
            if scenarios.setdefault(scenario.name, scenario) != scenario:
                raise UsageError(
                    f"scenario {scenario.name!r} is given twice, with different requests; measure one of"
                    " them in a run of its own"
                )
        a, b = parse_side(self.a), parse_side(self.b)
        if a.server.port is not None and a.server.port == b.server.port:
            raise UsageError(f"--a {a.spec} --b {b.spec}: both use port {a.server.port}; give one of them another")
        for side in (a, b):
            check_remote(side, self.allow_remote)
            if own := GIVEN_BY_A_RUN & dict(side.knobs).keys():
                raise UsageError(f"side {side.spec!r}: a run gives each side its own {min(own)}; leave it out")
            if self.database == SQLITE and DATABASE_DRIVER in dict(side.knobs):
                raise UsageError(f"side {side.spec!r}: SQLite has no choice of drivers; add --database postgres")
        if self.observe and a.url is not None and b.url is not None:
            raise UsageError(
                "--observe looks into servers that this harness starts; these run already: leave it out, or start them"
                " with bench serve SIDE,observe=on --agent PORT, and name that with agent="
            )
        self._check_trust(a, b)
        loads = self._loads()
        check_driver(self.driver, self.workers, scenarios.values(), loads)
        machines = self._machines(a, b)
        timing = self._timing(loads, len(loads) * len(scenarios))
        return Experiment(
            a,
            b,
            tuple(scenarios.values()),
            loads,
            blocks=MIN_BLOCKS if self.blocks is None else self.blocks,
            slice_s=timing.slice_s,
            pairing_s=timing.pairing_s,
            seed=self.seed,
            start_limit_s=self.start_limit,
            driver=self.driver,
            workers=self.workers,
            machines=machines,
            database=self.database,
            observe=self.observe,
            budget_s=self._budget_s(),
            precision=parse_precision(self.precision),
            has_control=self.control and a.url is None,
            timeout_s=self.timeout_s,
            cafile=self.cafile,
            insecure=self.insecure,
            unequal=self.unequal,
            ignored=tuple(_checked_place(place, "--ignore", headers=True) for place in self.ignore),
            unordered=tuple(_checked_place(place, "--unordered", headers=False) for place in self.unordered),
        )

    def _machines(self, a: Side, b: Side) -> LoadMachines | None:
        """Return which load machines there are; None if this one sends the load; raises UsageError."""
        machines = parse_load_machines(self.machines, self.bind)
        if machines is not None:
            if self.driver != "locust":
                raise UsageError(f"--machines {machines.count}: only Locust drives several; add --driver locust")
            if self.workers:
                raise UsageError(
                    f"--workers {self.workers}: on load machines, start bench worker once for each process instead"
                )
            check_load_machines(machines, a, b)
        return machines

    def _check_trust(self, *sides: Side) -> None:
        """Raise UsageError if it is said which certificates are trusted, and there are none, or it is said twice."""
        given = f"--cafile {self.cafile}" if self.cafile is not None else "--insecure" if self.insecure else None
        if given and not any((side.url or "").startswith("https:") for side in sides):
            raise UsageError(f"{given} is about certificates, and neither side is an https URL: leave it out")
        if self.cafile is not None and self.insecure:
            raise UsageError(f"{given}: with --insecure every certificate is trusted; give one of them")

    def _scenarios(self) -> list[Scenario]:
        if self.scenarios or self.typed or self.sequence or self.values is not None:
            return parse_scenarios(
                self.scenarios, self.typed, sequence=self.sequence, values=self.values, offered=self.offered
            )
        if self.offered and not self.full:
            return with_variables(self.offered)
        return parse_scenarios(everything(self.driver) if self.full else REPRESENTATIVE)

    def _budget_s(self) -> float | None:
        """Return what the run may take in seconds; None for a fixed design."""
        fixed = next((name for name, value in (("--blocks", self.blocks), ("--time", self.time_s)) if value), None)
        if self.budget is None:
            return None if fixed or self.rate else BUDGET_S
        if self.rate:
            raise UsageError(f"--budget {self.budget}: with --rate the design is fixed; give --blocks and --time")
        if fixed:
            raise UsageError(
                f"--budget {self.budget}: {fixed} makes a fixed design, which has no budget; leave out one of them"
            )
        return parse_duration(self.budget, "--budget")

    def _loads(self) -> tuple[Load, ...]:
        if self.users and self.rate:
            raise UsageError("--users is a closed loop, --rate an open one: give one of them")
        return parse_rates(self.rate, self.arrivals) if self.rate else parse_users(self.users or USERS)

    def _timing(self, loads: tuple[Load, ...], cells: int) -> Timing:
        """Return what was asked for, the rest by default; raises UsageError."""
        for name, value in (("--slice", self.slice_s), ("--time", self.time_s)):
            if value is not None and not 0 < value <= MAX_SLICE_S:
                raise UsageError(f"{name} {value:g}: must be more than 0 and at most {MAX_SLICE_S:g} seconds")
        default = default_timing(loads, cells)
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


def _checked_place(text: str, option: str, *, headers: bool) -> str:
    """Return a place of an answer as it was typed; raises UsageError if it is none."""
    if _PLACE.fullmatch(text) or (headers and TOKEN.fullmatch(text) and not text.startswith("$")):
        return text
    header = ", or a header's name" if headers else ""
    raise UsageError(
        f"{option} {text}: write a place of a JSON answer, as in {option} '$.items[*].id' or '$..created_at'{header}"
    )


def parse_duration(text: str, option: str) -> float:
    """Parse ``4m``, ``90s`` or ``90`` into seconds; raises UsageError."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match["number"]) * UNITS_S[match["unit"] or "s"] if match else 0.0
    if not 0 < seconds <= MAX_BUDGET_S:
        raise UsageError(f"{option} {text}: write seconds, minutes or hours, up to a day, as in {option} 4m")
    return seconds


def parse_precision(text: str) -> float:
    """Parse ``5%`` or ``0.05`` into a share; raises UsageError."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = 0.0
    if not PRECISION_LEAST <= share <= PRECISION_MOST:
        raise UsageError(f"--precision {text}: must be from 0.5% to 50%, as in --precision 5%")
    return share


def dial_options(*, cpu_ms: str, wait_ms: str, users: int, **others: Any) -> RunOptions:  # noqa: ANN401 - as RunOptions has them
    """Return the options of ``bench dial``.

    Args:
        cpu_ms: CPU times of a request in milliseconds, with commas between them.
        wait_ms: its waiting times, likewise.
        users: concurrent users of every cell.
        others: options of ``bench run``.

    Raises:
        UsageError: an axis is no good.
    """
    cpus, waits = _dial_axis("--cpu-ms", cpu_ms, 1000), _dial_axis("--wait-ms", wait_ms, 10_000)
    scenarios = tuple(f"mixed[cpu_ms={cpu:g},wait_ms={wait:g}]" for cpu in cpus for wait in waits)
    return RunOptions(scenarios=scenarios, users=str(users), **others)


def _dial_axis(name: str, text: str, most: float) -> list[float]:
    try:
        values = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise UsageError(f"{name} {text}: write milliseconds, as in {name} 0.1,1,5") from None
    if wrong := [value for value in values if not 0 <= value <= most]:
        raise UsageError(f"{name} {text}: {wrong[0]:g} is outside 0 to {most:,.0f} milliseconds")
    if not DIAL_LEAST <= len(values) <= DIAL_MOST:
        raise UsageError(f"{name} {text}: a grid takes {DIAL_LEAST} to {DIAL_MOST} different values")
    return values


def check_driver(name: DriverName, workers: int, scenarios: Iterable[Scenario], loads: Iterable[Load]) -> None:
    """Raise UsageError if a driver can't do what is asked of it."""
    if not 0 <= workers <= MAX_WORKERS:
        raise UsageError(f"--workers {workers}: must be from 0 to {MAX_WORKERS}")
    open_loop = any(isinstance(load, OpenLoop) for load in loads)
    if name == "locust":
        if open_loop:
            raise UsageError("--driver locust: an open loop is driven by httpx only; give --users instead of --rate")
        for scenario in scenarios:
            _check_for_locust(scenario)
        return
    if workers:
        raise UsageError(f"--workers {workers}: only Locust has workers; add --driver locust")
    for scenario in scenarios:
        if scenario.journeys is not None:
            raise UsageError(f"scenario {scenario.name!r} is a journey, which only Locust makes; add --driver locust")
        if open_loop and scenario.sequence:
            raise UsageError(
                f"{scenario.name}: --sequence needs users, and arrivals of an open loop have none; give --users"
            )


def _check_for_locust(scenario: Scenario) -> None:
    """Raise UsageError for a scenario that Locust's users can't send here."""
    if scenario.sequence:
        raise UsageError("--driver locust: --sequence is for the httpx driver only; leave out one of them")
    for request in scenario.requests:
        names = [name.lower() for name, _ in request.headers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UsageError(f"--driver locust sends a header once; {request} has {twice} twice")
