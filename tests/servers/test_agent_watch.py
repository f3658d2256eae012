"""Whatever goes wrong with an agent is one sentence: before a run an error, in a run a trial without figures."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.records.samples import Recording
from loadtests.servers import agent_client
from loadtests.servers.agent import about
from loadtests.servers.agent_check import check_agents
from loadtests.servers.agent_messages import About
from loadtests.servers.agent_watch import AgentWatch
from loadtests.system.errors import UsageError
from loadtests.system.resources import free_port
from tests.e2e.harness import eventually
from tests.made_up_samples import recording
from tests.servers.agents import HOST, SIDE, agent, answering, burn


def other_protocol(_: str) -> bytes:
    return json.dumps({"agent": "bench serve", "protocol": 2, "news": []}).encode()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (lambda _: b"<html>", 200, "what answers there is none; name the port that was given to bench serve --agent"),
        (lambda _: b"{}", 200, "what answers there is none"),
        (lambda _: b"[" * 10_000, 200, "what answers there is none"),
        (other_protocol, 404, "what answers there is none"),
        (other_protocol, 200, "speaks protocol 2, and this bench protocol 1; use the same version of bench"),
    ],
)
def test_a_server_that_is_no_agent_is_told_from_one(body: Callable[[str], bytes], status: int, said: str) -> None:
    with answering(body, status) as port, pytest.raises(UsageError, match="its agent") as error:
        check_agents([parse_side(f"http://{HOST}:8000,agent={port}")])
    assert said in str(error.value)


def test_an_agent_that_is_not_there_or_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = parse_side(f"http://{HOST}:8000,agent={free_port()}")
    with pytest.raises(UsageError, match=r"can't be reached at .* \(connection refused\); start the server there with"):
        check_agents([absent])
    monkeypatch.setattr(agent_client, "LIMIT_S", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UsageError, match=r"no answer within 0\.2 s"):
            check_agents([parse_side(f"http://{HOST}:8000,agent={port}")])


def test_a_clock_that_stands_still_is_no_clock(tmp_path: Path) -> None:
    told = about(SIDE, 8000, None).model_dump_json().encode()

    def body(path: str) -> bytes:
        return b'{"clock_s": 5.0}' if path == "/clock" else told

    with answering(body) as port, pytest.raises(UsageError, match="has a clock that does not run like this machine's"):
        check_agents([parse_side(f"http://{HOST}:8000,agent={port}")])


def test_an_agent_of_another_server_is_refused(tmp_path: Path) -> None:
    with agent(tmp_path, server_port=8000) as started:
        own = parse_side(f"http://{HOST}:8000,agent={started.port}")
        other = parse_side(f"http://{HOST}:8001,agent={started.port}")
        behind_a_proxy = parse_side(f"http://{HOST}:8001,agent={HOST}:{started.port}")
        assert check_agents([own, own]).keys() == {own.spec}
        assert isinstance(check_agents([behind_a_proxy])[behind_a_proxy.spec], About)
        with pytest.raises(UsageError, match="is that of main:app at port 8000, not at 8001"):
            check_agents([other])
        with pytest.raises(UsageError, match=f"its agent is that of http://{HOST}:8000 as well"):
            check_agents([own, behind_a_proxy])
    assert check_agents([parse_side("sync"), parse_side(f"http://{HOST}:8000")]) == {}


def trial() -> Recording:
    """Return a trial of a third of a second, that has just ended."""
    begun_s = time.perf_counter()
    burn(0.3)
    took_s = time.perf_counter() - begun_s
    made = recording([(0.0, took_s)], (0.1, took_s), (took_s, took_s))
    return Recording(made.samples, begun_s, made.slices[:1], None, None, None)


def test_a_trial_gets_its_figures_and_busy_cores_are_told(tmp_path: Path) -> None:
    with agent(tmp_path) as started:
        watch = AgentWatch(f"{HOST}:{started.port}")
        assert eventually(lambda: started.readings.between(0.0, 1e12)[1])
        watch.before_trial()
        made = trial()
        found, why_not = watch.after_trial(made)
        assert watch.busy(0.05) >= 0.0
    assert why_not == ""
    assert found.rss_bytes is not None
    assert found.slices[0].server_cpu_s is not None
    assert found.slices[0].server_cpu_s > 0.1


def test_an_agent_that_is_gone_leaves_a_trial_as_it_is(tmp_path: Path) -> None:
    with agent(tmp_path) as started:
        address = f"{HOST}:{started.port}"
        watch = AgentWatch(address)
        watch.before_trial()
    made = trial()
    assert watch.after_trial(made) == (made, f"can't be reached at {address} (connection refused)")
    watch.before_trial()
    with agent(tmp_path, port=started.port):  # it came back too late for this one
        assert watch.after_trial(made) == (made, f"can't be reached at {address} (connection refused)")
        watch.before_trial()
    with agent(tmp_path, port=started.port):
        assert watch.after_trial(made) == (made, "was started again")
    assert watch.busy(0.01) == 0.0
