"""Each check by value: what is fine, and that it can fail."""

import io
import resource
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from rich.console import Console

from loadtests.cli.doctor import table
from loadtests.doctor import Check
from loadtests.doctor.hardware import (
    Clock,
    MachineSample,
    check_cores,
    check_load,
    check_noise,
    check_steal,
    judge_ceiling,
    judge_clock,
    judge_governors,
    judge_quota,
    neighbour_noise,
)
from loadtests.doctor.installation import (
    FILES_NEEDED,
    PORTS_NEEDED,
    Ports,
    judge_open_files,
    judge_ports,
    judge_tools,
    judge_versions,
    parse_ports,
    unmet,
)
from loadtests.doctor.storage import (
    Address,
    call_with_timeout,
    check_postgres,
    check_sqlite,
    judge_folder,
    judge_postgres,
    judge_sqlite,
    parse_url,
)
from loadtests.records.manifest import MachineRecord
from loadtests.system.cores import Cores
from loadtests.system.errors import UsageError

QUIET = MachineSample(
    cores=2,
    load_average=0.1,
    machine=MachineRecord(block=0, seconds=1.0, steal=0.0, foreign=0.01),
    speeds=(100.0, 101.0) * 10,
    wall_step_s=0.0,
)
GOOD_CLOCK = Clock(source="tsc", monotonic=True, resolution_s=1e-9, read_s=5e-8, wall_step_s=1e-6)
SUSPENDED = replace(GOOD_CLOCK, wall_step_s=-3.0)
APART = Cores((0,), (1,))
UNLIMITED = resource.RLIM_INFINITY
HERE = Path("here")
THERE = Address("db", 5432)


def busy(foreign: float, load_average: float = 0.1) -> MachineSample:
    return replace(QUIET, load_average=load_average, machine=QUIET.machine.model_copy(update={"foreign": foreign}))


def stolen(steal: float | None) -> MachineSample:
    return replace(QUIET, machine=QUIET.machine.model_copy(update={"steal": steal}))


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (check_cores(Cores((0,), (1,))), "servers on core 0, driver on core 1"),
        (check_cores(Cores((0, 1), (2, 3))), "servers on cores 0 to 1, driver on cores 2 to 3"),
        (check_cores(Cores((0, 2), (5, 7))), "servers on cores 0, 2, driver on cores 5, 7"),
        (judge_quota(None, APART, None), "no CPU quota"),
        (judge_quota(2.0, APART, 0.0), "2 cores; 0.0% of the cores' time"),
        (judge_quota(1.0, Cores((0,), (0,)), 0.0), "1 core; 0.0%"),
        (judge_governors([]), "none is visible"),
        (judge_governors({"performance"}), "performance"),
        (check_load(QUIET), "other processes took 1%"),
        (check_steal(QUIET), "0.0%"),
        (check_steal(stolen(None)), "not counted"),
        (check_noise(QUIET), "differ by 0.0%"),
        (judge_clock(GOOD_CLOCK), "tsc, steps of 1 ns, 50 ns to read"),
        (judge_clock(replace(GOOD_CLOCK, source=None)), "not visible"),
        (judge_open_files(FILES_NEEDED, FILES_NEEDED), "enough for 4,096 users"),
        (judge_open_files(UNLIMITED, UNLIMITED), "no limit"),
        (judge_ports(Ports(PORTS_NEEDED, 0, 0), bound=True), "enough for 4,096 users"),
        (judge_ports(Ports(None, 0, 0), bound=True), "not visible"),
        (judge_folder(HERE, 10**9, None), "1.0 GB free in here/"),
        (judge_folder(Path(), 10**9, None), "1.0 GB free in this folder"),
        (judge_sqlite(HERE, "wal", None), "write-ahead log"),
        (judge_postgres(THERE, b"S", None), "answers at db:5432"),
        (judge_postgres(THERE, b"N", None), "answers at db:5432"),
        (judge_versions((3, 11), (3, 40, 1), 21, []), "21 packages as declared"),
        (judge_tools({"git": False, "wrk": True}), "no git (runs will not know their commit), wrk"),
        (judge_ceiling(8000.0, None), "8,000 requests/s"),
        (judge_ceiling(8000.0, None, 35.4e-6), "with 1 user 35 µs of each request are the driver's own"),
    ],
)
def test_what_is_fine_is_reported_without_a_fix(check: Check, words: str) -> None:
    assert check.ok
    assert check.fix == ""
    assert words in check.finding


@pytest.mark.parametrize(
    ("check", "words", "fix"),
    [
        (check_cores(Cores((0,), (0,))), "one core", "two cores"),
        (check_cores(Cores((), ())), "pins no process", "Linux"),
        (check_cores(Cores((1,), (5,), ((1, 5),))), "cores 1, 5 are threads of one physical core", "cpuset"),
        (judge_quota(1.5, APART, 0.0), "1.5 cores; 0.0%", "--cpus"),
        (judge_quota(1.5, Cores((), ()), None), "stop together", "CPUQuota"),
        (judge_quota(4.0, APART, 0.02), "4 cores; 2.0% of the cores' time", "2 cores or more"),
        (judge_governors({"performance", "powersave"}), "powersave: the clock may follow", "cpupower"),
        (check_load(busy(foreign=0.2)), "took 20%", "end what else runs"),
        (check_load(busy(foreign=0.0, load_average=1.1)), "load average 1.10 on 2 cores", "end what else runs"),
        (check_steal(stolen(0.03)), "3.0%", "a machine of your own"),
        (check_noise(replace(QUIET, speeds=(100.0, 90.0, 90.0, 100.0))), "differ by 14.9%", "quieter"),
        (judge_clock(replace(GOOD_CLOCK, source="hpet", read_s=2e-6)), "hpet", "available_clocksource"),
        (judge_clock(replace(GOOD_CLOCK, resolution_s=1e-3)), "too coarse", "nanoseconds"),
        (judge_clock(replace(GOOD_CLOCK, monotonic=False)), "not monotonic", "monotonic"),
        (judge_clock(SUSPENDED), "jumped by -3000 ms", "synchronisation"),
        (judge_open_files(1024, UNLIMITED), "enough for 384 of 4,096 users", "ulimit -n 8448"),
        (judge_open_files(100, 4096), "enough for 0 of 4,096 users", "raise the hard limit from 4,096"),
        (judge_ports(Ports(28232, 0, 0), bound=False), "no port", "loopback"),
        (judge_ports(Ports(3000, 0, 0), bound=True), "enough for 1,000 of 4,096 users", "ip_local_port_range"),
        (judge_ports(Ports(28232, 0, 28000), bound=True), "28,000 more are held back", "wait for a minute"),
        (judge_ports(Ports(100, 200, 0), bound=True), "0, enough for 0", "ip_local_port_range"),
        (judge_folder(HERE, 10**9 // 2, None), "0.5 GB free in here/, less than 1", "remove old runs"),
        (judge_folder(HERE, None, "Permission denied"), "Permission denied", "--out"),
        (judge_sqlite(HERE, "delete", None), "its journal is 'delete'", "local disk"),
        (judge_sqlite(HERE, None, "disk I/O error"), "disk I/O error", "local disk"),
        (judge_postgres(THERE, b"H", None), "does not answer as PostgreSQL", "5432"),
        (judge_postgres(THERE, b"", None), "does not answer as PostgreSQL", "5432"),
        (judge_postgres(THERE, None, "Connection refused"), "db:5432: connection refused", "start the server"),
        (judge_versions((3, 10), (3, 40, 1), 21, []), "3.11 or later", "uv sync"),
        (judge_versions((3, 11), (3, 34, 0), 21, []), "SQLite 3.34.0 is older", "uv"),
        (judge_versions((3, 11), (3, 40, 1), 21, ["uvloop is missing"]), "uvloop is missing", "uv sync"),
        (judge_ceiling(1999.0, None), "1,999 requests/s", "quieter or faster"),
        (judge_ceiling(None, "the load driver died"), "the load driver died", "mend"),
    ],
)
def test_what_needs_attention_names_its_fix(check: Check, words: str, fix: str) -> None:
    assert not check.ok
    assert words in check.finding
    assert fix in check.fix


def test_noise_is_of_neighbours_not_of_a_slow_drift() -> None:
    assert neighbour_noise([100, 100, 50, 50, 25, 25]) == 0
    assert neighbour_noise([100, 50, 50, 100]) == pytest.approx(0.980, abs=0.001)


@pytest.mark.parametrize(
    ("port_range", "sockets", "expected"),
    [
        (
            "32768\t60999",
            "sockets: used 11\nTCP: inuse 5 orphan 0 tw 7 alloc 9 mem 0\nUDP: inuse 3",
            Ports(28232, 5, 7),
        ),
        ("32768 60999", None, Ports(28232, 0, 0)),
        ("32768 60999", "TCP:", Ports(28232, 0, 0)),
        (None, "TCP: inuse 5", Ports(None, 0, 0)),
        ("many", None, Ports(None, 0, 0)),
    ],
)
def test_ports_are_read_as_linux_writes_them(port_range: str | None, sockets: str | None, expected: Ports) -> None:
    assert parse_ports(port_range, sockets) == expected


def test_requirements_that_are_not_met_are_named() -> None:
    declared = [Requirement(text) for text in ("a~=1.2", "b[extra]~=2.0", "c", "d>=1")]
    installed = {"a": "1.1", "b": "2.5", "d": "1.0rc1"}
    assert unmet(declared, installed) == ["a 1.1 is not ~=1.2", "c is missing", "d 1.0rc1 is not >=1"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://db.example:6543/blog", Address("db.example", 6543)),
        ("postgresql+psycopg://me:secret@db/blog", THERE),
        ("postgres://[::1]/", Address("::1", 5432)),
    ],
)
def test_an_address_is_read_from_a_url(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize("url", ["", "db:5432", "mysql://db/x", "postgresql:///x", "postgresql://me:secret@db:port/x"])
def test_other_urls_are_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(UsageError, match="write postgresql://") as refusal:
        parse_url(url)
    assert "secret" not in str(refusal.value)


def test_a_name_that_cannot_exist_is_told_like_one_that_does_not() -> None:
    assert "nothing can be reached" in check_postgres(Address("a..b", 1)).finding


def test_sqlite_is_tried_for_good_and_leaves_nothing(tmp_path: Path) -> None:
    assert check_sqlite(tmp_path).ok
    assert list(tmp_path.iterdir()) == []
    assert not check_sqlite(tmp_path / "missing").ok


def test_a_call_that_hangs_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        call_with_timeout(0, never.wait)
    never.set()


def test_a_call_in_time_hands_on_what_it_returns_or_raises() -> None:
    def fails() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    assert call_with_timeout(30, lambda: 7) == 7
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        call_with_timeout(30, fails)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_its_terminal_and_prints_brackets_as_they_are(width: int) -> None:
    checks = [
        Check("driver ceiling", ok=False, finding="it says [bold] " + "and goes on " * 20, fix="ulimit -n 8448"),
        Check("cores", ok=True, finding="two"),
    ]
    console = Console(width=width, file=io.StringIO())
    with console.capture() as printed:
        console.print(table(checks))
    lines = printed.get().splitlines()
    assert max(map(len, lines)) <= width
    assert any("attention" in line and "[bold]" in line for line in lines)
    assert any("→ ulimit -n 8448" in line for line in lines)
    assert any(line.split() == ["cores", "ok", "two"] for line in lines)
