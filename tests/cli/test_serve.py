"""What can't be served is refused before anything is started."""

import pytest

from loadtests.cli.serve import check_host
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.server import EVERY_ADDRESS
from loadtests.system.errors import UsageError


def test_a_side_listens_at_any_address_of_this_machine() -> None:
    for host in ("127.0.0.1", EVERY_ADDRESS, "localhost"):
        check_host(parse_side("main:app"), host)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "::1"])
def test_an_address_that_is_none_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match=f"--host {host}: .* or 0.0.0.0 for all"):
        check_host(parse_side("main:app"), host)


def test_a_command_that_does_not_take_the_address_is_refused_unless_it_is_the_usual_one() -> None:
    fixed = parse_side("command='serve --bind 127.0.0.1 --port {port}'")
    check_host(fixed, "127.0.0.1")
    with pytest.raises(UsageError, match=r"write \{host\} there for --host 0\.0\.0\.0"):
        check_host(fixed, EVERY_ADDRESS)
    check_host(parse_side("command='serve --bind {host} --port {port}'"), EVERY_ADDRESS)
