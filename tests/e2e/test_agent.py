"""A run that loads a server through its URL, and asks the server's agent what it used."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psutil import CONN_LISTEN as LISTEN

from loadtests.experiment.side_parser import parse_side
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.samples import Recording
from loadtests.servers.agent import Agent, about
from loadtests.servers.agent_client import AgentClient, NoAgent
from loadtests.servers.agent_figures import Clocks, Told, span_of, with_figures
from loadtests.servers.agent_readings import PERIOD_S, AgentReadings
from loadtests.system.resources import free_port
from tests.e2e.harness import LIMIT_S, bench, bench_here, eventually, started, summary

HOST = "127.0.0.1"
FEW = ("get_post", "--blocks", "1", "--time", "0.6", "--no-control")

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Served:
    """A side that `bench serve` serves, with an agent beside it."""

    url: str
    agent: int
    pid: int


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port, agent = tmp_path_factory.mktemp("serve"), free_port(), free_port()
    database = f"sqlite:///{folder}/blog.db"
    with started("serve", "sync,observe=on", f"--port={port}", f"--agent={agent}", f"--database={database}") as harness:
        client = AgentClient(f"{HOST}:{agent}")
        assert eventually(lambda: _answers(client))
        [pid] = [
            process.pid
            for process in harness.family()
            if any(each.laddr.port == port and each.status == LISTEN for each in process.net_connections("tcp"))
        ]
        yield Served(f"http://{HOST}:{port}", agent, pid)


def _answers(client: AgentClient) -> bool:
    try:
        with client.connected():
            return client.about().side == "sync,observe=on"
    except NoAgent:
        return False


def asked(recording: Recording, agent: int) -> Recording:
    """Return a trial's recording with what the agent tells of it."""
    client = AgentClient(f"{HOST}:{agent}")
    with client.connected():
        offset, now_s = client.clock_offset(), time.perf_counter()
        since_s, until_s = span_of(recording)
        readings = client.readings(since_s - 0.1 - offset.offset_s, until_s + 0.1 - offset.offset_s)
    return with_figures(recording, Told(*readings), Clocks(now_s, offset, now_s, offset))


def test_figures_by_agent_are_those_that_are_read_on_this_machine(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "run"
    sides = [f"--a={served.url},agent={served.agent}", f"--b={served.url},pid={served.pid}"]

    status, _output, errors = bench("run", *FEW, "--users=1,8", *sides, "--unequal", f"--out={out}")

    assert status == 0, errors
    trials = dict(RunFolder(out).read_trials())
    assert len(trials) == 4
    for key, recording in trials.items():
        assert recording.slices, key
        assert all(turn.server_cpu_s for turn in recording.slices), key
        assert recording.rss_bytes, key
        assert recording.busy_after is not None, key
        assert (recording.timeline is not None) == (key.label == "a"), key
        if key.label == "b":  # the same windows, once read here and once told by the agent
            for ours, theirs in zip(recording.slices, asked(recording, served.agent).slices, strict=True):
                assert theirs.server_cpu_s == pytest.approx(ours.server_cpu_s, rel=0.05, abs=PERIOD_S)
                assert theirs.rss_bytes == pytest.approx(ours.rss_bytes, rel=0.1)
    cells = summary(out)["cells"]
    assert all(cell["cpu_per_request"]["value"] > 0 for cell in cells)
    assert {cell["label"] for cell in cells if cell["seen"]} == {"a"}
    manifest = RunFolder(out).read_manifest()
    assert manifest.a.agent is not None
    assert (manifest.a.agent.side, manifest.a.agent.workers) == ("sync,observe=on", 1)
    assert [event.message for event in manifest.events if event.kind == "agent"] == []


@pytest.mark.quiet
def test_an_agent_that_is_lost_costs_the_figures_from_then_on_and_not_the_run(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "run"
    port = int(served.url.rpartition(":")[2])
    agent = Agent(about(parse_side("sync"), port, None), AgentReadings(lambda: [served.pid], None), HOST, 0)

    def end_after_a_trial() -> None:
        eventually(lambda: any((out / "trials").glob("*.npz")), 2 * LIMIT_S)
        agent.stop()

    ended = threading.Thread(target=end_after_a_trial)
    ended.start()
    sides = [f"--a={served.url},agent={agent.port}", f"--b={served.url}"]

    status, _output, errors = bench("run", *FEW, "--users=1,2,3,4", *sides, "--unequal", f"--out={out}")
    ended.join()

    assert status == 0, errors
    known = [
        all(turn.server_cpu_s is not None for turn in recording.slices)
        for key, recording in RunFolder(out).read_trials()
        if key.label == "a"
    ]
    manifest: Manifest = RunFolder(out).read_manifest()
    said = [event.message for event in manifest.events if event.kind == "agent"]
    assert known.count(True) >= 1
    assert known.count(False) == len(said) >= 1
    assert all("its agent can't be reached" in each for each in said)
    assert "Some figures of a server are not known" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("agent", "said"),
    [("{port}", "what answers there is none; name the port"), ("1", "start the server there with bench serve")],
)
def test_a_wrong_port_is_told_before_anything_is_measured(
    served: Served, tmp_path: Path, agent: str, said: str
) -> None:
    port = served.url.rpartition(":")[2]
    side = f"{served.url},agent={agent.format(port=port)}"
    status, _output, errors = bench_here("run", *FEW, f"--a={side}", "--b=sync", f"--out={tmp_path / 'run'}")
    assert (status, said in errors) == (2, True), errors
    assert not (tmp_path / "run").exists()
