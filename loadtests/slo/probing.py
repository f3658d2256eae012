"""Carry the searches out: fresh servers for each start, the sides in turn, a rate at a time."""

import contextlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.analysis.summary import Summary, percentile, summarise
from loadtests.drivers.jobs import PairingJob, Target
from loadtests.drivers.process import Driver, DriverFailed
from loadtests.experiment.loads import MAX_RATE, OpenLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import Label
from loadtests.runner.block import Arena
from loadtests.runner.cell import PHASE_LIMIT_S, STALL_S
from loadtests.runner.single_server import measure_ceiling
from loadtests.servers.auxiliary import SlowApi
from loadtests.servers.databases import Databases
from loadtests.servers.probe import warm
from loadtests.servers.server import Server
from loadtests.slo.objective import Objective
from loadtests.slo.record import Found, Probe, SloRecord
from loadtests.slo.search import RateSearch
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError

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
    labels: Sequence[Label]
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
        last: dict[Label, float] = {}
        most = self._most()
        with SlowApi(self._cores, self._work / "upstream" / "log") as slow_api:
            for start in range(self._inquiry.starts):
                folder = self._work / f"start{start}"
                arena = Arena(
                    self._inquiry.experiment,
                    databases,
                    work=folder,
                    upstream_url=slow_api.url,
                    cores=self._cores,
                    warm=self._warm,
                    labels=self._inquiry.labels,
                )
                with Driver(self._cores, folder / "driver.log") as driver, arena:
                    arena.start()
                    if arena.broken:
                        label, reason = next(iter(arena.broken.items()))
                        raise RunError(f"{self._spec(label)} {reason}")
                    self._search(start, arena, driver, last, most)
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

    def _search(self, start: int, arena: Arena, driver: Driver, last: dict[Label, float], most: float) -> None:
        least = self._inquiry.objective.requests / LONGEST_S
        searches = {
            label: RateSearch(BACK * last.get(label, START_RPS / BACK), most, least) for label in self._inquiry.labels
        }
        while open_ := [label for label, search in searches.items() if search.state == "searching"]:
            for label in open_:
                search = searches[label]
                kept = self._probe(start, label, search.rate_rps, arena, driver)
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

    def _probe(self, start: int, label: Label, rate_rps: float, arena: Arena, driver: Driver) -> bool:
        self._tell(
            self.record, f"start {start + 1} of {self._inquiry.starts}, {self._spec(label)} at {rate_rps:,.4g}/s"
        )
        summary = self._measure(label, rate_rps, arena, driver)
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

    def _measure(self, label: Label, rate_rps: float, arena: Arena, driver: Driver) -> Summary:
        """Ask one side at one rate, once; a side that breaks is replaced, for the next probe."""
        server, [scenario] = arena.server(label), self._inquiry.experiment.scenarios
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
            if arena.restart(label) is None:
                raise RunError(f"{self._spec(label)} {arena.broken[label]}")
            return replace(summarise(recording, arrivals=True), collapsed=reason)
        if scenario.writes:
            arena.restore(label)
        return summarise(recording, arrivals=True)

    def _warm(self, servers: list[Server]) -> None:
        [scenario] = self._inquiry.experiment.scenarios
        warm([server.url for server in servers], scenario.requests[:1], WARM_LIMIT_S + scenario.wait_s)

    def _spec(self, label: Label) -> str:
        return self._inquiry.experiment.side(label).spec
