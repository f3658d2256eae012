"""Carry the searches out: fresh servers for each start, the sides in turn, a rate at a time."""

import contextlib
import math
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loadtests.analysis.summary import Summary, percentile, summarise
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed, PairingJob, Target
from loadtests.experiment.loads import MAX_RATE, OpenLoop
from loadtests.experiment.options import check_driver, parse_scenario
from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import SideLabel, parse_side
from loadtests.records.json_files import write_json
from loadtests.records.run_folder import check_free, new_folder
from loadtests.runner.block import BlockServers
from loadtests.runner.cell import PHASE_LIMIT_S, STALL_S
from loadtests.runner.run import check_importable
from loadtests.runner.single_server import measure_ceiling
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases, check_database, check_reachable, open_databases
from loadtests.servers.probe import warm
from loadtests.servers.server import Server
from loadtests.slo.objective import Found, Objective, Probe, RateSearch, SloRecord, parse_objective
from loadtests.system.cores import Cores, assign_cores, pinned
from loadtests.system.errors import BenchError, Interrupted, RunError, UsageError
from loadtests.system.machine import command_line, read_environment

START_RPS = 50.0
SHORTEST_S, LONGEST_S = 2.0, 30.0
"""A probe lasts at least and at most so long."""
CEILING_SHARE = 0.8
"""Of what the driver can send: beyond, it would be measured itself."""
WARM_LIMIT_S = 2.0
BACK = 0.7
"""A further start begins at this share of what the one before has found."""
Tell = Callable[[SloRecord, str], None]
"""Takes what is known by now, and what is being done."""
BOTH = ("sync", "async")
MAX_STARTS = 100


@dataclass(frozen=True)
class Inquiry:
    """What is searched for.

    Attributes:
        experiment: the sides and the one scenario; its loads and blocks do not matter.
        labels: the sides that are asked, ``a`` alone or both.
        objective: what has to be kept.
        starts: how many fresh starts, each with a search of its own.
    """

    experiment: Experiment
    labels: Sequence[SideLabel]
    objective: Objective
    starts: int


class Prober:
    """Carries out an inquiry; call ``run`` once."""

    def __init__(self, inquiry: Inquiry, record: SloRecord, work: Path, cores: Cores, tell: Tell) -> None:
        self._inquiry = inquiry
        self._work = work
        self._cores = cores
        self._tell = tell
        self._rng = random.Random(inquiry.experiment.seed)
        self.record = record

    def run(self, databases: Databases) -> SloRecord:
        """Search on every side after every fresh start; whatever ends it early, ``record`` holds what was found."""
        last: dict[SideLabel, float] = {}
        most = self._most()
        with SlowApi(self._cores, self._work / "slow_api" / "log") as slow_api:
            for start in range(self._inquiry.starts):
                folder = self._work / f"start{start}"
                block_servers = BlockServers(
                    self._inquiry.experiment,
                    databases,
                    work=folder,
                    upstream_url=slow_api.url,
                    cores=self._cores,
                    warm=self._warm,
                    labels=self._inquiry.labels,
                )
                with Driver(self._cores, folder / "driver.log") as driver, block_servers:
                    block_servers.start()
                    if block_servers.broken:
                        label, reason = next(iter(block_servers.broken.items()))
                        raise RunError(f"{self._spec(label)} {reason}")
                    self._search(start, block_servers, driver, last, most)
                databases.check()
        self.record = self.record.model_copy(update={"complete": True})
        return self.record

    def _most(self) -> float:
        """Return the highest rate that may be asked for; it is the driver's, if that can be measured."""
        self._tell(self.record, "measuring the load driver")
        folder = self._work / "ceiling"
        ceiling = None
        with Driver(self._cores, folder / "driver.log") as driver, contextlib.suppress(RunError, DriverFailed):
            ceiling = measure_ceiling(self._cores, driver, folder / "null_server.log")
        self.record = self.record.model_copy(update={"driver_ceiling_rps": ceiling and round(ceiling, 1)})
        return min(MAX_RATE, CEILING_SHARE * ceiling) if ceiling else MAX_RATE

    def _search(
        self, start: int, block_servers: BlockServers, driver: Driver, last: dict[SideLabel, float], most: float
    ) -> None:
        least = self._inquiry.objective.requests / LONGEST_S
        searches = {
            label: RateSearch(BACK * last.get(label, START_RPS / BACK), most, least) for label in self._inquiry.labels
        }
        while open_ := [label for label, search in searches.items() if search.state == "searching"]:
            for label in open_:
                search = searches[label]
                kept = self._probe(start, label, search.rate_rps, block_servers, driver)
                search.tell(kept=kept)
        for label, search in searches.items():
            last[label] = search.kept_rps or START_RPS
            found = Found(
                start=start,
                side=self._spec(label),
                state=search.state,
                kept_rps=search.kept_rps,
                missed_rps=search.missed_rps,
            )
            self.record = self.record.model_copy(update={"found": [*self.record.found, found]})

    def _probe(
        self, start: int, label: SideLabel, rate_rps: float, block_servers: BlockServers, driver: Driver
    ) -> bool:
        self._tell(
            self.record, f"start {start + 1} of {self._inquiry.starts}, {self._spec(label)} at {rate_rps:,.4g}/s"
        )
        summary = self._measure(label, rate_rps, block_servers, driver)
        missed = self._inquiry.objective.missed(summary)
        value = percentile(summary.latencies_s, self._inquiry.objective.wanted)
        probe = Probe(
            start=start,
            side=self._spec(label),
            rate_rps=round(rate_rps, 3),
            requests=summary.requests,
            answered_rps=round(summary.throughput_rps, 3),
            percentile_s=None if value is None or not math.isfinite(value) else value,
            missed=missed,
        )
        self.record = self.record.model_copy(update={"probes": [*self.record.probes, probe]})
        return missed is None

    def _measure(self, label: SideLabel, rate_rps: float, block_servers: BlockServers, driver: Driver) -> Summary:
        """Ask one side at one rate, once; a side that breaks is replaced, for the next probe."""
        server, [scenario] = block_servers.server(label), self._inquiry.experiment.scenarios
        seconds = min(LONGEST_S, max(SHORTEST_S, self._inquiry.objective.requests / rate_rps))
        job = PairingJob(
            targets={label: Target(server.url, tuple(server.pids))},
            requests=scenario.requests,
            load=OpenLoop(rate_rps),
            slice_s=seconds,
            pairing_s=0.0,
            wait_s=scenario.wait_s,
            seed=self._rng.randrange(2**32),
            stall_s=STALL_S + scenario.wait_s,
            limit_s=PHASE_LIMIT_S,
        )
        recording = driver.drive(job)[label]
        gone = server.child is not None and not server.child.alive
        if recording.stalled or recording.abandoned or gone:
            left = f"{recording.abandoned:,} requests were unanswered long after the last arrival"
            reason = recording.stalled or (left if recording.abandoned else "it exited")
            if block_servers.restart(label) is None:
                raise RunError(f"{self._spec(label)} {block_servers.broken[label]}")
            return replace(summarise(recording, arrivals=True), collapsed=reason)
        if scenario.writes:
            block_servers.restore(label)
        return summarise(recording, arrivals=True)

    def _warm(self, servers: list[Server]) -> None:
        [scenario] = self._inquiry.experiment.scenarios
        warm([server.url for server in servers], scenario.requests[:1], WARM_LIMIT_S + scenario.wait_s)

    def _spec(self, label: SideLabel) -> str:
        return self._inquiry.experiment.side(label).spec


@dataclass(frozen=True)
class SloOptions:
    """What was typed."""

    sides: tuple[str, ...]
    slo: str
    scenario: str
    database: str
    starts: int
    seed: int
    out: Path | None

    def inquiry(self) -> Inquiry:
        """Check everything that can be checked before a server starts; raises UsageError."""
        names = self.sides or BOTH
        if len(names) > len(BOTH):
            raise UsageError(f"{' '.join(names)}: name one side or two")
        if not 1 <= self.starts <= MAX_STARTS:
            raise UsageError(f"--starts {self.starts}: must be from 1 to {MAX_STARTS}")
        sides = [parse_side(name) for name in names]
        scenario, load = parse_scenario(self.scenario), OpenLoop(1.0)
        check_driver("httpx", 0, [scenario], [load])
        check_importable(sides[0], sides[-1])
        check_database(self.database)
        labels: tuple[SideLabel, ...] = ("a", "b") if len(sides) > 1 else ("a",)
        experiment = Experiment(
            sides[0], sides[-1], (scenario,), (load,), 1, 1.0, 1.0, self.seed, database=self.database
        )
        return Inquiry(experiment, labels, parse_objective(self.slo), self.starts)


def search(options: SloOptions, telling: Callable[[], AbstractContextManager[Tell]]) -> tuple[SloRecord, Path]:
    """Search and keep every probe; return what was found, and the folder that it is in.

    Args:
        options: what was typed.
        telling: lends what is told of every probe.

    Raises:
        UsageError: what was asked for cannot be done; nothing was written.
        Interrupted, RunError: it could not be completed; what was found is kept.
    """
    inquiry = options.inquiry()
    now = datetime.now(UTC)
    out = options.out or new_folder("slo")
    check_free(out)
    check_reachable(options.database)
    cores = assign_cores()
    record = SloRecord(
        created=now,
        argv=command_line(),
        complete=False,
        objective=str(inquiry.objective),
        scenario=inquiry.experiment.scenarios[0].name,
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
            telling() as tell,
        ):
            prober = Prober(inquiry, record.model_copy(update={"database": databases.version}), work, cores, tell)
            try:
                prober.run(databases)
            finally:
                record = prober.record
    except (BenchError, Interrupted) as error:
        kept = f"what was found is kept in {out}" if record.probes else "nothing was measured"
        told = Interrupted(f"{error}; {kept}") if isinstance(error, Interrupted) else RunError(f"{error}; {kept}")
        raise told from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if record.probes:
            write_json(out / "slo.json", record)
        else:
            shutil.rmtree(out, ignore_errors=True)
    return record, out
