"""Runs that never happened, in the shapes that real ones take; for looking at charts and reports, and testing them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from loadtests.analysis.cells import CellTrials, compare_cells
from loadtests.analysis.flow import Flow
from loadtests.analysis.trial_summary import Summary
from loadtests.experiment.catalogue import CATALOGUE, REPRESENTATIVE
from loadtests.experiment.loads import ClosedLoop, Load, OpenLoop
from loadtests.experiment.plan import ORDERS
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.sides import SideLabel
from loadtests.records.manifest import Event, Manifest, PairingRecord, SideRecord
from loadtests.records.samples import Failure
from loadtests.records.scenario_record import ScenarioRecord, record_of
from loadtests.records.summary import Outcome
from loadtests.system.machine import PACKAGES, Environment

Run = tuple[Manifest, Outcome]
Trial = Callable[[Summary, str, int, SideLabel, int], Summary | None]

USERS = (1, 8, 32, 128)
SHAPES: Mapping[str, tuple[float, float, float, float, float]] = {
    # requests/s with one user, sync's and async's ceiling, ms of CPU sync and async, as measured while this was planned
    "noop": (1900, 2596, 4902, 0.38, 0.2),
    "get_post": (480, 1018, 640, 0.98, 1.55),
    "home_page": (160, 215, 205, 4.6, 4.8),
    "create_post": (260, 420, 335, 2.2, 2.9),
    "query": (43, 700, 706, 1.1, 1.3),
    "external_api": (18.6, 727, 1790, 1.3, 0.55),
    "hash": (505, 512, 509, 1.95, 1.97),
    "mixed": (18.1, 690, 1480, 1.4, 0.66),
}


def as_measured(summary: Summary, *_: object) -> Summary:
    """Leave a trial as it is."""
    return summary


def make_run(
    scenarios: Sequence[str] = REPRESENTATIVE,
    users: Sequence[int] = USERS,
    *,
    rates: Sequence[int] = (),
    a: str = "sync",
    b: str = "async",
    blocks: int = 6,
    noise: float = 0.02,
    slice_s: float = 0.5,
    alike: bool = False,
    change: Trial = as_measured,
    complete: bool = True,
    seed: int = 7,
) -> Run:
    """Make up a run; ``change`` may alter any trial, or drop it with None. ``alike`` makes b as fast as a.

    With ``rates`` it is a run of open loops, and ``users`` does not matter.
    """
    rng = np.random.default_rng(seed)
    cells = []
    loads: list[Load] = [OpenLoop(rate) for rate in rates] or [ClosedLoop(count) for count in users]
    for name in scenarios:
        for load in loads:
            trials: dict[int, dict[SideLabel, Summary]] = {}
            for block in range(blocks):
                for label in ("a", "b"):
                    made = _closed if isinstance(load, ClosedLoop) else _open
                    summary = made(rng, name, int(load.size), "a" if alike else label, noise, slice_s)
                    if (kept := change(summary, name, int(load.size), label, block)) is not None:
                        trials.setdefault(block, {})[label] = kept
            cells.append(CellTrials(name, load, trials))
    manifest = _manifest(scenarios, loads, a, b, blocks, slice_s, complete=complete)
    return manifest, compare_cells(manifest.name, complete=complete, sides=(a, b), cells=cells)


def collapsing(
    label: SideLabel, scenarios: Iterable[str], users: Iterable[int], blocks: Iterable[int] = range(99)
) -> Trial:
    """Return a change that makes one side give no answer in those cells and blocks."""
    where, loads, when = set(scenarios), set(users), set(blocks)

    def change(summary: Summary, scenario: str, load: int, side: SideLabel, block: int) -> Summary:
        if side != label or scenario not in where or load not in loads or block not in when:
            return summary
        sentence = f"gave no answer for 5 s with {load} requests waiting"
        return Summary(0.0, load, {Failure.CUT_OFF: load}, np.full(load, math.inf), None, None, None, 0.0, sentence)

    return change


def driver_bound(scenarios: Iterable[str], loads: Iterable[int]) -> Trial:
    """Return a change that makes the driver's core busy in those cells."""
    where, when = set(scenarios), set(loads)

    def change(summary: Summary, scenario: str, load: int, *_: object) -> Summary:
        return replace(summary, driver_peak=0.97) if scenario in where and load in when else summary

    return change


def slower(share: float, scenarios: Iterable[str], loads: Iterable[int]) -> Trial:
    """Return a change that makes side b slower in those cells: by 0.1 of its throughput, say."""
    where, when = set(scenarios), set(loads)

    def change(summary: Summary, scenario: str, load: int, side: SideLabel, _block: int) -> Summary:
        if side != "b" or scenario not in where or load not in when:
            return summary
        return replace(
            summary,
            throughput_rps=(1 - share) * summary.throughput_rps,
            latencies_s=summary.latencies_s / np.float32(1 - share),
        )

    return change


def failing(share: float, label: SideLabel, blocks: Iterable[int] = range(99)) -> Trial:
    """Return a change that makes one side fail a share of its requests, the fastest ones, in those blocks."""
    when = set(blocks)

    def change(summary: Summary, _scenario: str, _load: int, side: SideLabel, block: int) -> Summary:
        if side != label or block not in when:
            return summary
        count = math.ceil(share * summary.requests)
        latencies = np.append(summary.latencies_s[count:], np.full(count, np.inf, np.float32))
        return replace(summary, failures={Failure.STATUS: count}, latencies_s=latencies)

    return change


def _shape(name: str, label: SideLabel) -> tuple[float, float, float]:
    """Return requests/s with one user, the most requests/s, and ms of CPU a request."""
    alone, ceiling_a, ceiling_b, cpu_a, cpu_b = SHAPES.get(name.split("[", maxsplit=1)[0], (300, 600, 520, 1.5, 1.8))
    return (alone, ceiling_a, cpu_a) if label == "a" else (alone, ceiling_b, cpu_b)


def _open(rng: np.random.Generator, name: str, rate: int, label: SideLabel, noise: float, slice_s: float) -> Summary:
    """Make up a trial of an open loop: waits grow as a server nears its ceiling, and without end above it."""
    alone, ceiling, cpu_ms = _shape(name, label)
    speed = math.exp(rng.normal(0, noise))
    ceiling *= speed
    window_s = 4 * slice_s
    offered = rate + rng.normal(0, 0.1)
    count = max(1, round(offered * window_s))
    answered = min(offered, ceiling)
    busy = min(rate / ceiling, 0.97)
    queue_s = rng.exponential(1 / ceiling / (1 - busy), count) * busy + window_s * rng.random(count) * (
        1 - answered / offered
    )
    service = np.sort(np.exp(rng.normal(0, 0.1, count)) / alone / speed + queue_s)
    lags = np.sort(rng.exponential(0.00003, count))
    in_flight = answered * float(service.mean())
    grown = 1.0 if answered == offered else 1.6
    flow = Flow(window_s, answered * window_s, in_flight * window_s, count, float(service.sum()))
    half = Flow(window_s / 2, answered * window_s / 2, in_flight * window_s / 2, count // 2, float(service.sum()) / 2)
    return replace(
        _summary(answered, count, service + lags, cpu_ms / speed, 40 if label == "a" else 17, min(100, int(in_flight))),
        offered_rps=offered,
        service_s=service.astype(np.float32),
        lags_s=lags.astype(np.float32),
        flow=flow,
        earlier=replace(half, in_flight_s=half.in_flight_s / grown),
        later=replace(half, in_flight_s=half.in_flight_s * grown),
    )


def _closed(rng: np.random.Generator, name: str, users: int, label: SideLabel, noise: float, slice_s: float) -> Summary:
    alone, ceiling, cpu_ms = _shape(name, label)
    rate = 1 / ((users * alone) ** -4 + ceiling**-4) ** 0.25 * math.exp(rng.normal(0, noise))
    count = max(1, round(rate * slice_s))
    latencies = np.sort(users / rate * np.exp(rng.normal(0, 0.2, count)))
    threads = min(users, 40) + 4 if label == "a" else 17
    flow = Flow(slice_s, rate * slice_s, users * slice_s, count, users / rate * count)
    made = _summary(rate, count, latencies, cpu_ms * math.exp(rng.normal(0, noise)), threads, users)
    return replace(made, offered_rps=rate, service_s=latencies, lags_s=np.zeros(count, np.float32), flow=flow)


def _summary(
    rate: float, count: int, latencies: npt.NDArray[np.floating], cpu_ms: float, threads: int, connections: int
) -> Summary:
    driver_busy = min(0.75, 0.05 + rate / 6000)
    return Summary(
        throughput_rps=rate,
        requests=count,
        failures={},
        latencies_s=latencies.astype(np.float32),
        cpu_per_request_s=cpu_ms / 1000,
        rss_bytes=(92 + connections // 16) * 2**20,
        threads=threads,
        driver_busy=driver_busy,
        driver_peak=driver_busy + 0.03,
        collapsed=None,
    )


def _scenario(name: str) -> ScenarioRecord:
    if name.split("[", maxsplit=1)[0] in CATALOGUE or name.startswith("GET "):
        return record_of(parse_scenario(name))
    return ScenarioRecord(name=name, kind="custom", title=f"what {name} asks", hypothesis="None was stated.")


def _side(spec: str) -> SideRecord:
    if "://" in spec:
        return SideRecord(spec=spec, settings={"url": spec})
    build, *pairs = spec.split(",")
    settings: dict[str, str | int | float | None] = {
        "app": f"{build}_app.main:app",
        "loop": "uvloop",
        "http": "httptools",
        "workers": 1,
        "port": None,
        "pool_size": 5,
        "max_overflow": 10,
        "session_limit": "pool",
        "thread_limit": 40,
        "loading": "eager",
    }
    return SideRecord(spec=spec, settings=settings | dict(pair.split("=", 1) for pair in pairs))


def _manifest(
    scenarios: Sequence[str], loads: Sequence[Load], a: str, b: str, blocks: int, slice_s: float, *, complete: bool
) -> Manifest:
    plan = [
        [
            PairingRecord(scenario=name, load=load, order=ORDERS[(block + i) % 2])
            for i, load in enumerate(loads)
            for name in scenarios
        ]
        for block in range(blocks)
    ]
    return Manifest(
        name="2026-05-09T12-00-00",
        created=datetime(2026, 5, 9, 12, 0, tzinfo=UTC),
        argv=["bench", "run", "--a", a, "--b", b],
        complete=complete,
        seconds=612.4 if complete else None,
        seed=1,
        slice_s=slice_s,
        pairing_s=0.8,
        a=_side(a),
        b=_side(b),
        scenarios=[_scenario(name) for name in scenarios],
        blocks=plan,
        server_cores=[0],
        driver_cores=[1],
        environment=Environment(
            cpu="Intel(R) Xeon(R) Processor @ 2.90GHz",
            cores=2,
            memory_bytes=8 * 2**30,
            system="Linux 6.1.0",
            virtualisation="a hypervisor",
            governor=None,
            load_average=0.42,
            python="CPython 3.13.3",
            packages=dict.fromkeys(PACKAGES, "1.2.3"),
            sqlite="3.46.1",
            commit="0123456789ab+",
        ),
        events=[Event(block=0, label="a", kind="started", message=f"{a} was ready", seconds=1.7)],
    )
