"""The commands of docs/distributed.md run on the hosts that they are written for."""

import re
import shlex
from pathlib import Path

import pytest

from tests.distributed.hosts import Hosts
from tests.distributed.permission import skip_without_namespaces
from tests.distributed.trial import SERVERS, SPECS, START_LIMIT_S, WORKERS, Trial, trials_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PAGE = Path(__file__).parents[2] / "docs" / "distributed.md"
COMMAND = re.compile(r"^(?P<host>[a-z]+\d?)\$ (?P<command>bench .*)$", re.MULTILINE)
SHORT = ("--blocks=1", "--time=1")


def commands() -> list[tuple[str, list[str]]]:
    """Return what the page has run, and where, in its order."""
    return [(found["host"], shlex.split(found["command"])) for found in COMMAND.finditer(PAGE.read_text())]


def test_the_pages_commands_make_a_run_of_all_load_machines(tmp_path: Path) -> None:
    skip_without_namespaces()
    out = tmp_path / "run"
    asked = commands()
    assert [host for host, _ in asked] == [*SERVERS, *WORKERS, "master"]
    with Hosts(SPECS.values(), tmp_path) as hosts:
        trial = Trial(hosts)
        for host, command in asked[:2]:  # a busy machine may take long to start a server
            slow = [f"{word},start_limit={START_LIMIT_S:g}" if word in SERVERS.values() else word for word in command]
            trial.servers[host] = trial.start(host, *slow)
        trial.wait_for_servers()
        trial.workers = {host: trial.start(host, *command) for host, command in asked[2:-1]}
        host, command = asked[-1]
        said = trial.finish(trial.start(host, *command, *SHORT, f"--out={out}"))
    assert "waiting for 3 load machines; on each: bench worker master:5557" in said
    trials = trials_of(out)
    assert len(trials) == 4  # two scenarios, both sides
    for _, recording in trials:
        assert [machine.name for machine in recording.machines] == list(WORKERS)
        assert all(turn.server_cpu_s is not None for turn in recording.slices)  # the agents told
