"""run.json, the manifest of a run: plan, settings, machine and events. Written before the first trial, then updated.

It quotes the latest validation of the machine, so that the report can.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from loadtests.experiment.load_machines import LoadMachines
from loadtests.experiment.loads import Load, ascending
from loadtests.experiment.plan import least_blocks
from loadtests.experiment.sides import SideLabel
from loadtests.records.answer_differences import Difference
from loadtests.records.handler_record import ExecutedRecord, HandlerRecord
from loadtests.records.json_files import Record
from loadtests.records.scenario_record import ScenarioRecord
from loadtests.records.schedule_record import ScheduleRecord
from loadtests.system.machine import Environment


class AgentRecord(Record):
    """What the agent of a server that ran already has told of it before the run.

    Attributes:
        side: the server's app, with those of its settings that can be no secret.
        workers: processes that serve; None if that is not known.
        observes: whether the server was looked into.
        cpu: model of its machine's processor.
        cores: how many the server may use there.
        system: operating system and kernel.
    """

    side: str
    workers: int | None
    observes: bool
    cpu: str
    cores: int
    system: str


class SideRecord(Record):
    """A side and every setting it ran with.

    Attributes:
        spec: as it was typed.
        settings: every setting by name, defaults included.
        python: version of its interpreter; None where that is the harness's, or not known.
        versions: of the packages there that matter, by name.
        commit: of the git repository that its folder is in, in full, with a plus sign if files differed from it; None
            where there is none, of a URL, and in runs that were made before it was kept.
        agent: what its agent told; None if it has none.
    """

    spec: str
    settings: dict[str, str | int | float | None]
    python: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None
    agent: AgentRecord | None = None


class PairingRecord(Record):
    """One cell of one block, in the order in which it was planned.

    Attributes:
        scenario: its name.
        load: its load.
        order: which side went first.
        rounds: how many turns each side was to have; 0 for as many as fitted into the time of a cell.
        control: whether side a was compared with itself.
    """

    scenario: str
    load: Load
    order: tuple[SideLabel, SideLabel]
    rounds: int = 0
    control: bool = False


class Event(Record):
    """Something that happened to a side and is worth a line in the report.

    Attributes:
        block: block number, from 0.
        label: the side, or None if it concerns both.
        kind: ``started`` (with the seconds it took), ``collapsed``, ``restarted`` (the driver, the slow API),
            ``resumed`` (the run, after an interruption), ``clock`` (the wall clock was set), ``log`` (how the log of a
            side ends that gave no good answer), ``warm-up`` (a side hung in it, was still getting faster, or a
            sequence was broken off), ``values`` (a values file had fewer rows than requests to fill), ``explored``
            (what was asked of both sides before the run, beside its scenarios, and what failed on both), ``commit``
            (which commits the sides are, and what of that matters), ``load`` (which load machines sent it from there
            on), or ``agent`` (what the agent of a side's server could not tell of a trial).
        message: a sentence.
        seconds: how long it took, if that matters.
    """

    block: int
    label: SideLabel | None
    kind: Literal[
        "started",
        "collapsed",
        "restarted",
        "resumed",
        "clock",
        "log",
        "warm-up",
        "values",
        "explored",
        "commit",
        "load",
        "agent",
    ]
    message: str
    seconds: float | None = None


class MachineRecord(Record):
    """What else the machine did while one block's cells were driven, or in a span of a schedule.

    Attributes:
        block: block number, from 0.
        seconds: how long the cells were driven, altogether; or how long the span was.
        steal: share of the cores' time that the hypervisor gave to others, 0 to 1; None where that is not counted.
        foreign: share of the cores' time that processes used which are not of this run, 0 to 1; None where a side is
            a server that ran already.
        throttled: share of the cores' time that was lost because a CPU quota was used up, 0 to 1; None where there is
            no quota, and in runs that were made before it was counted.
        label: under a schedule, the side that was measured; else None.
        begin_s: where the span begins, in seconds from the beginning of the trial; None without a schedule.
    """

    block: int
    seconds: float
    steal: float | None
    foreign: float | None
    throttled: float | None = None
    label: SideLabel | None = None
    begin_s: float | None = None


class LoadMachineRecord(Record):
    """A load machine.

    Attributes:
        name: what its worker calls itself, the host name unless told otherwise; a number follows where several do so.
        cores: how many it has; None of one that came later.
        system: operating system and kernel; likewise.
        python: version of the worker's interpreter; likewise.
        requests: how many it sent in all trials that were kept.
        clock_uncertainty_s: how far the offset of its clock could be wrong in any trial, in seconds; None before one.
        clock_moved_s: the largest step of its clock in a trial that this does not explain, in seconds; likewise.
    """

    name: str
    cores: int | None = None
    system: str | None = None
    python: str | None = None
    requests: int = 0
    clock_uncertainty_s: float | None = None
    clock_moved_s: float | None = None


class QuotedFinding(Record):
    """One target: what it is about, what was found and what was aimed at, in words, and whether it was met."""

    check: str
    name: str
    found: str
    aim: str
    status: Literal["met", "missed", "undecided"]


class ValidationDigest(Record):
    """A machine's validation in a few lines.

    Attributes:
        machine: the machine's id.
        created: when its latest check was started.
        commits: of this project, one for each state of the code that its checks were made with.
        findings: every target.
    """

    machine: str
    created: AwareDatetime
    commits: list[str]
    findings: list[QuotedFinding]


class Manifest(Record):
    """The whole of run.json.

    Attributes:
        schema_version: of this file and of the trial files.
        name: the run's name, also its folder's.
        created: when it was started.
        argv: the command, as typed.
        complete: whether every planned trial was tried.
        seconds: how long it has been measured, in all sittings; None before the first block was done.
        seed: everything random follows from it.
        slice_s: length of the steady window in each slice, in seconds.
        pairing_s: how long the sides take turns in one cell of a block, in seconds.
        start_limit_s: how long a side may take until it answers, in seconds.
        a: the first side.
        b: the second side.
        scenarios: what was asked.
        blocks: the plan, block by block.
        server_cores: cores the servers were pinned to; empty where nothing was.
        driver_cores: cores of the driver and the upstream.
        shared_core: whether servers and driver are on one physical core, be it on different threads of it; None if
            nothing was pinned, and in runs that were made before it was kept.
        cpu_quota: what the control groups allow the whole run, in cores' worth of CPU time; None if nothing binds.
        driver: what put on the load.
        workers: Locust's worker processes; 0 or 1: one process sent all requests.
        machines: load machines that sent the requests; None if this machine did.
        load_machines: what is known of each that took part, in the order of their names.
        database: ``sqlite``, ``postgres``, or a PostgreSQL server's URL, which holds no password.
        database_version: product and version; None before the run has begun.
        observe: whether both sides' servers were looked into.
        budget_s: how long the run might take, its report included, in seconds; None for a fixed design.
        precision: half-width of an interval, as a share of the ratio, at which a cell was settled.
        has_control: whether side a was compared with itself in every block, in a second process.
        timeout_s: how long an answer might take, and silence last, in seconds; None for the usual limits.
        cafile: a PEM file of the certificates that were trusted; None for the system's.
        insecure: whether any certificate was.
        environment: machine and versions.
        events: starts and collapses.
        driver_ceiling_rps: what the driver reached against a server that does nothing, when the run began, in
            requests/s; None where it was not measured.
        driver_overhead_s: what the driver itself added to a single user's response time then, in seconds; None where it
            was not measured.
        machine: what else the machine did, one record for each block that was driven to its end; of a schedule, one for
            each span of some seconds.
        validation: what `bench validate` had found on this machine before the run; None if it had not been asked.
        unequal: whether it was meant that the sides answer differently.
        ignored: places in their answers, and headers, that may differ.
        unordered: lists in their answers whose order does not matter.
        differences: how their answers to the same request differed before the run.
        handlers: by scenario and side, what it runs for it, or why that is not known; empty in runs that were made
            before it was kept.
        executed: by scenario and side, what it did and had when it answered before the run; nothing where answers were
            not compared, or where the harness could not look.
        next_rows: by values file, the row that is used next, from 0; it goes on behind the last row.
        schedule: the load over time, of a run that has one instead of cells; else None.
    """

    schema_version: Literal[2] = Field(2, alias="schema")
    name: str
    created: AwareDatetime
    argv: list[str]
    complete: bool
    seconds: float | None
    seed: int
    slice_s: float
    pairing_s: float
    start_limit_s: float = 20.0
    a: SideRecord
    b: SideRecord
    scenarios: list[ScenarioRecord]
    blocks: list[list[PairingRecord]]
    server_cores: list[int]
    driver_cores: list[int]
    shared_core: bool | None = None
    cpu_quota: float | None = None
    driver: Literal["httpx", "locust"] = "httpx"
    workers: int = 0
    machines: LoadMachines | None = None
    load_machines: list[LoadMachineRecord] = Field(default_factory=list)
    database: str = "sqlite"
    database_version: str | None = None
    observe: bool = False
    budget_s: float | None = None
    precision: float = 0.05
    has_control: bool = False
    timeout_s: float | None = None
    cafile: str | None = None
    insecure: bool = False
    environment: Environment
    events: list[Event]
    driver_ceiling_rps: float | None = None
    driver_overhead_s: float | None = None
    machine: list[MachineRecord] = Field(default_factory=list)
    validation: ValidationDigest | None = None
    unequal: bool = False
    ignored: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    differences: list[Difference] = Field(default_factory=list)
    handlers: dict[str, dict[SideLabel, HandlerRecord]] = Field(default_factory=dict)
    executed: dict[str, dict[SideLabel, ExecutedRecord]] = Field(default_factory=dict)
    next_rows: dict[str, int] = Field(default_factory=dict)
    schedule: ScheduleRecord | None = None

    def cells(self) -> list[tuple[ScenarioRecord, Load]]:
        """Return the cells in catalogue order: scenarios as named, loads ascending."""
        planned = {(p.scenario, p.load) for block in self.blocks for p in block if not p.control}
        loads = ascending({load for _, load in planned})
        return [(s, load) for s in self.scenarios for load in loads if (s.name, load) in planned]

    @property
    def least_blocks(self) -> int:
        """From how many blocks on a verdict is given."""
        return least_blocks(len(self.cells()), self.budget_s)

    @property
    def control(self) -> tuple[ScenarioRecord, Load] | None:
        """The cell in which side a was compared with itself; None if there is none."""
        return next(
            (
                (scenario, pairing.load)
                for block in self.blocks
                for pairing in block
                for scenario in self.scenarios
                if pairing.control and scenario.name == pairing.scenario
            ),
            None,
        )
