"""Search for the highest rate that meets an objective: options, measurement of each rate, and the written record.

Each start has fresh servers and a search for each side; the sides are probed in turn, one rate at a time.
"""

import contextlib
import math
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from loadtests.analysis.trial_summary import Summary, percentile, summarise
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed, PairingJob, Target
from loadtests.drivers.loops import LEAD_IN_WAITS
from loadtests.experiment.loads import MAX_RATE, OpenLoop
from loadtests.experiment.options import check_driver
from loadtests.experiment.plan import Experiment, ServerName
from loadtests.experiment.request_options import TypedOption
from loadtests.experiment.scenario_text import parse_scenarios
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import SideLabel
from loadtests.records.json_files import write_json
from loadtests.records.run_folder import check_free, new_folder
from loadtests.runner.block import BlockServers
from loadtests.runner.next_rows import NextRows
from loadtests.runner.single_server import measure_ceiling
from loadtests.runner.warm_up import WarmUps
from loadtests.servers.app_check import check_sides
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases, check_database, check_reachable, open_databases
from loadtests.servers.server import Server
from loadtests.slo.objective import (
    MAX_WINDOW_S,
    Objective,
    Probe,
    RateSearch,
    SearchResult,
    SloRecord,
    parse_objective,
    probe_timing,
)
from loadtests.system.cores import Cores, assign_cores, pinned
from loadtests.system.errors import BenchError, Interrupted, RunError, UsageError
from loadtests.system.machine import command_line, read_environment

DEFAULT_SIDES = ("sync", "async")
MAX_STARTS = 100
START_RPS = 50.0
CEILING_SHARE = 0.8
"""Highest rate ÷ the driver's ceiling: above it, the driver would be the limit."""
OnProgress = Callable[[SloRecord, str], None]
"""Called with the record so far, and what is being done."""


@dataclass(frozen=True)
class SearchPlan:
    """What is to be searched.

    Attributes:
        experiment: the sides and the one scenario; its loads and blocks are not used.
        labels: the sides to search, ``a`` alone or both.
        objective: the objective to meet.
        starts: number of fresh starts, each with its own searches.
    """

    experiment: Experiment
    labels: Sequence[SideLabel]
    objective: Objective
    starts: int


@dataclass(frozen=True)
class SloOptions:
    """The options of ``bench capacity --slo``, as typed."""

    sides: tuple[str, ...]
    slo: str
    scenario: str
    database: str
    starts: int
    seed: int
    out: Path | None
    typed: tuple[TypedOption, ...] = ()
    values: str | None = None

    def plan(self) -> SearchPlan:
        """Check everything that can be checked before a server starts; raises UsageError."""
        names = self.sides or DEFAULT_SIDES
        if len(names) > len(DEFAULT_SIDES):
            raise UsageError(f"{' '.join(names)}: name one side or two")
        if not 1 <= self.starts <= MAX_STARTS:
            raise UsageError(f"--starts {self.starts}: must be from 1 to {MAX_STARTS}")
        sides = [parse_side(name) for name in names]
        [scenario] = parse_scenarios([self.scenario], self.typed, values=self.values)
        load = OpenLoop(1.0)
        check_driver("httpx", 0, [scenario], [load])
        sides = list(check_sides(sides).sides)
        check_database(self.database)
        labels: tuple[SideLabel, ...] = ("a", "b") if len(sides) > 1 else ("a",)
        experiment = Experiment(
            sides[0], sides[-1], (scenario,), (load,), 1, 1.0, 1.0, self.seed, database=self.database
        )
        return SearchPlan(experiment, labels, parse_objective(self.slo), self.starts)


def search(
    options: SloOptions, progress_display: Callable[[], AbstractContextManager[OnProgress]]
) -> tuple[SloRecord, Path]:
    """Search, and write slo.json; return the record, and the folder that it is in.

    Args:
        options: as typed.
        progress_display: opens a display, whose function is called before every probe.

    Raises:
        UsageError: the options are not possible; nothing was written.
        Interrupted, RunError: it could not be completed; the probes so far are written.
    """
    plan = options.plan()
    now = datetime.now(UTC)
    out = options.out or new_folder("slo")
    check_free(out)
    check_reachable(options.database)
    cores = assign_cores()
    record = SloRecord(
        created=now,
        argv=command_line(),
        complete=False,
        objective=str(plan.objective),
        scenario=plan.experiment.scenarios[0].name,
        database="",
        driver_ceiling_rps=None,
        environment=read_environment(),
    )
    out.mkdir(parents=True)
    work = out / "work"
    try:
        with (
            pinned(cores.driver),
            open_databases(options.database, work, cores) as databases,
            progress_display() as on_progress,
        ):
            record = record.model_copy(update={"database": databases.version})
            runner = SearchRunner(plan, record, work, cores, on_progress)
            try:
                runner.run(databases)
            finally:
                record = runner.record
    except (BenchError, Interrupted) as error:
        kept = f"what was found is kept in {out}" if record.probes else "nothing was measured"
        failure = Interrupted if isinstance(error, Interrupted) else RunError
        raise failure(f"{error}; {kept}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if record.probes:
            write_json(out / "slo.json", record)
        else:
            shutil.rmtree(out, ignore_errors=True)
    return record, out


class SearchRunner:
    """Carries out a search plan; call ``run`` once. ``record`` holds the results so far at any time."""

    def __init__(self, plan: SearchPlan, record: SloRecord, work: Path, cores: Cores, on_progress: OnProgress) -> None:
        self._plan = plan
        self._work = work
        self._cores = cores
        self._on_progress = on_progress
        self._rng = random.Random(plan.experiment.seed)
        self._next_rows = NextRows()
        self._warm_ups = WarmUps(plan.experiment.scenarios, plan.experiment.timeout_s, next_rows=self._next_rows)
        self.record = record

    def run(self, databases: Databases) -> None:
        """Search on every side after every fresh start."""
        found_rps: dict[SideLabel, float] = {}
        max_rps = self._max_rps()
        with SlowApi(self._cores, self._work / "slow_api" / "log") as slow_api:
            for start in range(self._plan.starts):
                folder = self._work / f"start{start}"
                block_servers = BlockServers(
                    self._plan.experiment,
                    databases,
                    work=folder,
                    upstream_url=slow_api.url,
                    cores=self._cores,
                    warm=partial(self._warm, start),
                    labels=self._plan.labels,
                )
                with Driver(self._cores, folder / "driver.log") as driver, block_servers:
                    block_servers.start()
                    if block_servers.broken:
                        name, reason = next(iter(block_servers.broken.items()))
                        raise RunError(f"{self._plan.experiment.side(name).spec} {reason}")
                    block_servers.hold()
                    self._search(start, block_servers, driver, found_rps, max_rps)
                databases.check()
        self.record = self.record.model_copy(update={"complete": True})

    def _max_rps(self) -> float:
        """Return the highest rate that may be sent, from the driver's ceiling if that can be measured."""
        self._on_progress(self.record, "measuring the load driver")
        folder = self._work / "ceiling"
        ceiling = None
        with Driver(self._cores, folder / "driver.log") as driver, contextlib.suppress(RunError, DriverFailed):
            ceiling = measure_ceiling(self._cores, driver, folder / "null_server.log")
        self.record = self.record.model_copy(update={"driver_ceiling_rps": ceiling and round(ceiling, 1)})
        return min(MAX_RATE, CEILING_SHARE * ceiling) if ceiling else MAX_RATE

    def _search(
        self,
        start: int,
        block_servers: BlockServers,
        driver: Driver,
        found_rps: dict[SideLabel, float],
        max_rps: float,
    ) -> None:
        """Search on every side after one fresh start.

        Args:
            start: its number, from 0.
            block_servers: the servers.
            driver: puts load on them.
            found_rps: the rates that the start before found, from which thorough probes begin at once; replaced by
                those of this one.
            max_rps: the highest rate that may be sent.
        """
        min_rps = self._plan.objective.requests / MAX_WINDOW_S
        searches = {label: RateSearch(START_RPS, max_rps, min_rps, found_rps.get(label)) for label in self._plan.labels}
        while searching := [label for label, search in searches.items() if search.state == "searching"]:
            for label in searching:
                search = searches[label]
                search.record(kept=self._probe(start, label, search, block_servers, driver))
        for label, search in searches.items():
            found = SearchResult(
                start=start,
                side=self._spec(label),
                state=search.state,
                kept_rps=search.kept_rps,
                missed_rps=search.missed_rps,
            )
            found_rps.pop(label, None)
            if found.middle_rps is not None:
                found_rps[label] = found.middle_rps
            self.record = self.record.model_copy(update={"found": [*self.record.found, found]})

    def _probe(
        self, start: int, label: SideLabel, search: RateSearch, block_servers: BlockServers, driver: Driver
    ) -> bool:
        """Measure one side at the rate that its search asks for; record it, and return whether it was kept."""
        rate_rps, hint = search.rate_rps, "" if search.thorough else ", briefly"
        self._on_progress(
            self.record, f"start {start + 1} of {self._plan.starts}, {self._spec(label)} at {rate_rps:,.4g}/s{hint}"
        )
        summary = self._measure(label, rate_rps, block_servers, driver, thorough=search.thorough)
        missed = self._plan.objective.missed(summary)
        value = percentile(summary.latencies_s, self._plan.objective.wanted)
        probe = Probe(
            start=start,
            side=self._spec(label),
            rate_rps=round(rate_rps, 3),
            thorough=search.thorough,
            requests=summary.requests,
            answered_rps=round(summary.throughput_rps, 3),
            percentile_s=None if value is None or not math.isfinite(value) else value,
            missed=missed,
        )
        self.record = self.record.model_copy(update={"probes": [*self.record.probes, probe]})
        return missed is None

    def _measure(
        self, label: SideLabel, rate_rps: float, block_servers: BlockServers, driver: Driver, *, thorough: bool
    ) -> Summary:
        """Measure one side at one rate; a server that fails is replaced for the next probe."""
        server, [scenario] = block_servers.server(label), self._plan.experiment.scenarios
        lead_in_s, window_s = probe_timing(self._plan.objective, rate_rps, thorough=thorough)
        load = OpenLoop(rate_rps)
        limits = self._warm_ups.limits(scenario, load)
        [series] = self._next_rows.series(scenario, [label])
        job = PairingJob(
            targets={label: Target(server.url, tuple(server.pids), series=series)},
            requests=scenario.requests,
            variables=scenario.variables(),
            load=load,
            slice_s=window_s,
            pairing_s=0.0,
            wait_s=max(scenario.wait_s, lead_in_s / LEAD_IN_WAITS),
            seed=self._rng.randrange(2**32),
            stall_s=limits.stall_s,
            limit_s=limits.phase_s,
            drain_s=limits.drain_s,
            timeout_s=limits.timeout_s,
        )
        with block_servers.running([label]):  # the other side is stopped meanwhile
            recording = driver.drive(job)[label]
            self._next_rows.used(scenario, recording.next_row)
            gone = server.exit_status() is not None
            failed = recording.stalled or recording.abandoned or gone
            if scenario.writes and not failed:
                block_servers.restore(label)
        if failed:
            left = f"{recording.abandoned:,} requests were unanswered long after the last arrival"
            reason = recording.stalled or (left if recording.abandoned else "it exited")
            if block_servers.restart(label) is None:
                raise RunError(f"{self._spec(label)} {block_servers.broken[label]}")
            block_servers.hold()
            return replace(summarise(recording, arrivals=True), collapsed=reason)
        return summarise(recording, arrivals=True)

    def _warm(self, start: int, servers: Mapping[ServerName, Server]) -> None:
        for sentence in self._warm_ups.warm(servers, start):
            self._on_progress(self.record, sentence)

    def _spec(self, label: SideLabel) -> str:
        return self._plan.experiment.side(label).spec
