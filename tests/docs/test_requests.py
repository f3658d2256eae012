"""What docs/requests.md says is asked of its app, is asked, and answered well."""

import re
import shlex
from collections.abc import Iterator

import pytest
import uvloop

from loadtests.cli.run import run_
from loadtests.drivers.job import PairingJob, Target
from loadtests.drivers.load_generator import drive
from loadtests.experiment.options import RunOptions
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.sides import LABELS
from loadtests.records.samples import Failure
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from tests.docs.test_pages import FENCE, ROOT, TYPED, lines_of

PAGE = (ROOT / "docs" / "requests.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`(?P<name>[\w.]+)`:\n\n```\w+\n(?P<content>.*?)^```$", re.DOTALL | re.MULTILINE)
EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)
COMMANDS = [
    line
    for block in FENCE.finditer(PAGE)
    if block["kind"] == "sh"
    for line in lines_of("sh", block["body"])
    if TYPED.fullmatch(line)
]
USERS = "2"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the page's app from a folder with the page's files; everything is read from there."""
    folder = tmp_path_factory.mktemp("shop")
    for file in FILE.finditer(PAGE):
        (folder / file["name"]).write_text(file["content"], encoding="utf-8")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for name, value in EXPORT.findall(PAGE):
            monkeypatch.setenv(name, value)
        options = {"database_url": "sqlite://", "upstream_url": "http://127.0.0.1:9", "cores": Cores((), ())}
        with Server(parse_side("shop:app"), log=folder / "log", **options) as server:  # type: ignore[arg-type]
            server.wait_until_ready(60.0)
            yield server.url


def test_the_page_has_files_and_commands() -> None:
    assert {file["name"] for file in FILE.finditer(PAGE)} == {"shop.py", "order.json", "orders.csv", "request.txt"}
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_asks_what_is_answered_well(command: str, shop: str) -> None:
    _, *arguments = shlex.split(command.partition("bench ")[2])
    given = run_.make_context("run", arguments).params
    users = None if given["rate"] else USERS
    experiment = RunOptions.model_validate({**given, "users": users}).experiment()
    asked = {(scenario, scenario.requests_of(label)) for scenario in experiment.scenarios for label in LABELS}
    for scenario, requests in asked:
        job = PairingJob(
            {"a": Target(shop)},
            requests,
            experiment.loads[0],
            0.2,
            0.0,
            0.0,
            seed=1,
            sequence=scenario.sequence,
            variables=scenario.variables(),
        )
        samples = uvloop.run(drive(job))["a"].samples
        assert len(samples) > len(scenario.requests)
        assert {Failure(each).name for each in samples.failure} == {"NONE"}
        assert set(samples.request.tolist()) == set(range(len(scenario.requests)))
