"""Which load machines are asked for, and what can't be asked of them."""

import pytest

from loadtests.experiment.load_machines import PORT, LoadMachines, is_loopback, parse_place
from loadtests.experiment.options import RunOptions
from loadtests.system.errors import UsageError

SIDES = {"a": "http://10.0.0.11:8000", "b": "http://10.0.0.12:8000", "allow_remote": ("10.0.0.11", "10.0.0.12")}
ASKED = {**SIDES, "driver": "locust", "machines": 3, "bind": "10.0.0.1"}


def options(**changes: object) -> RunOptions:
    return RunOptions.model_validate({**ASKED, **changes})


def test_load_machines_are_told_where_the_master_listens() -> None:
    machines = options().experiment().machines
    assert machines == LoadMachines(3, "10.0.0.1", PORT)
    assert machines.where == "10.0.0.1:5557"
    assert options(bind="load-master:6000").experiment().machines == LoadMachines(3, "load-master", 6000)
    assert options(machines=0, bind=None).experiment().machines is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bind": None}, "with --bind HOST"),
        ({"machines": 0}, "--machines 3"),
        ({"machines": 65}, "from 1 to 64"),
        ({"machines": -1}, "from 1 to 64"),
        ({"driver": "httpx"}, "add --driver locust"),
        ({"workers": 2}, "bench worker once for each process"),
        ({"bind": "*"}, "write one address"),
        ({"bind": "[::]"}, "write one address"),
        ({"bind": "10.0.0.1:port"}, "write one address"),
        ({"bind": "10.0.0.1/x"}, "write one address"),
        ({"bind": ""}, "write one address"),
        ({"a": "sync"}, "bench serve SIDE --host HOST"),
        ({"b": "http://127.0.0.1:8000"}, "own loopback"),
        ({"b": "http://localhost:8000"}, "own loopback"),
        ({"users": None, "rate": "50"}, "an open loop is driven by httpx only"),
    ],
)
def test_what_load_machines_cannot_do_is_said_beforehand(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        options(**changes).experiment()


def test_workers_on_one_machine_may_load_its_own_loopback() -> None:
    here = {"a": "http://127.0.0.1:8000", "b": "http://localhost:8001", "bind": "127.0.0.1:5557"}
    assert options(**here).experiment().machines == LoadMachines(3, "127.0.0.1", 5557)


@pytest.mark.parametrize(
    ("text", "place"), [("h", ("h", PORT)), ("h:1", ("h", 1)), ("[::1]:7", ("::1", 7)), ("::1", None)]
)
def test_a_place_is_a_host_and_perhaps_a_port(text: str, place: tuple[str, int] | None) -> None:
    if place is None:
        with pytest.raises(UsageError, match=r"--bind ::1: write one address"):
            parse_place(text, "--bind")
    else:
        assert parse_place(text, "--bind") == place


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost", "x.localhost"])
def test_loopback_is_recognised(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback(f"{host}.example")
