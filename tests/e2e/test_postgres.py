"""Runs on a real PostgreSQL: one of the run's own, one that stands, and one that fails."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.postgres_databases import PostgresDatabases
from loadtests.servers.postgres_server import PostgresServer
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.resources import free_port
from tests.e2e.harness import bench_here, eventually, started, summary

SHORT = ("--users=2", "--blocks=1", "--time=0.3", "--no-control")
LONG = ("run", "get_post", "noop", "--users=1,4", "--blocks=50", "--time=0.3")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("postgres") / "server") as cluster:
        yield cluster


def trials(run: Path) -> int:
    return len(list((run / "trials").glob("*.npz")))


def rows(url: str) -> dict[str, object]:
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        found: dict[str, object] = {
            name: connection.execute(f'SELECT * FROM public."{name}" ORDER BY 1').fetchall()  # noqa: S608
            for (name,) in tables
        }
        return found


@pytest.mark.slow
def test_a_run_with_a_postgresql_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "run"
    status, _, errors = bench_here("run", "get_post", "create_post", "--database=postgres", *SHORT, f"--out={out}")
    assert status == 0, errors
    manifest = json.loads((out / "run.json").read_text())
    assert manifest["database"] == "postgres"
    assert manifest["database_version"].startswith("PostgreSQL ")
    assert all(cell["failures"] == {} and cell["collapsed"] == [] for cell in summary(out)["cells"])
    assert manifest["database_version"] in (out / "report.html").read_text()
    assert not (out / "work").exists()


@pytest.mark.slow
def test_asyncpg_beside_psycopg_on_a_server_that_stands(cluster: PostgresServer, tmp_path: Path) -> None:
    sides = ("--a=async", "--b=async,database_driver=asyncpg")
    out = tmp_path / "run"
    status, _, errors = bench_here("run", "get_post", *sides, f"--database={cluster.url}", *SHORT, f"--out={out}")
    assert status == 0, errors
    assert all(cell["failures"] == {} and cell["collapsed"] == [] for cell in summary(out)["cells"])
    assert _left(cluster, "bench_") == []


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_postgresql_of_the_runs_own_ends_with_it(number: signal.Signals, tmp_path: Path) -> None:
    out, before = tmp_path / "run", set(Path("/tmp").glob("bench-postgres-*"))  # noqa: S108
    with started(*LONG, "--database=postgres", f"--out={out}") as harness:
        assert eventually(lambda: trials(out) >= 1)
        assert any(process.name().startswith("postgres") for process in harness.family())
        harness.process.send_signal(number)
        assert eventually(lambda: not harness.family(), limit_s=30)
    assert bench_here("report", str(out))[0] == 0
    assert not (out / "work").exists()
    assert set(Path("/tmp").glob("bench-postgres-*")) <= before  # noqa: S108 - where root has to put them


def test_a_server_that_is_down_is_named(tmp_path: Path) -> None:
    port = free_port()
    status, _, errors = bench_here("run", f"--database=postgresql://x@127.0.0.1:{port}/x", f"--out={tmp_path / 'run'}")
    assert status == 3
    assert f"the PostgreSQL server at 127.0.0.1:{port}:" in errors
    assert "refused" in errors
    assert len(errors.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_refuses_is_quoted(cluster: PostgresServer, tmp_path: Path) -> None:
    url = cluster.url.replace("/postgres", "/no_such_database")
    status, _, errors = bench_here("run", f"--database={url}", f"--out={tmp_path / 'run'}")
    assert status == 3
    assert 'database "no_such_database" does not exist' in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.slow
def test_a_server_that_dies_ends_the_run_and_keeps_what_was_measured(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with (
        PostgresServer(tmp_path / "server") as mortal,
        started(*LONG, f"--database={mortal.url}", f"--out={out}") as harness,
    ):
        assert eventually(lambda: trials(out) >= 2)
        mortal.stop()
        status, _, errors = harness.finish()
    assert status == 3
    assert "the PostgreSQL server at 127.0.0.1" in errors
    assert len(errors.splitlines()) == 1
    assert bench_here("report", str(out))[0] == 0
    assert summary(out)["complete"] is False


@pytest.mark.slow
def test_a_server_without_connections_left_shows_in_the_report(cluster: PostgresServer, tmp_path: Path) -> None:
    with psycopg.connect(cluster.url) as connection:
        connection.execute("DROP ROLE IF EXISTS poor")
        connection.execute("CREATE ROLE poor LOGIN CREATEDB CONNECTION LIMIT 12")
    url, out = cluster.url.replace("bench@", "poor@"), tmp_path / "run"
    options = (f"--database={url}", "--users=32", "--blocks=2", "--time=0.3", "--no-control", f"--out={out}")
    status, _, errors = bench_here("run", "query[wait_ms=50]", *options)
    assert status == (3 if errors else 0), errors  # 3 where not even the rows could be put back, twice
    assert bench_here("report", str(out))[0] == status
    flags = [flag for comparison in summary(out)["comparisons"] for flag in comparison["flags"]]
    assert "failures:a" in flags or "collapsed:a" in flags
    assert "too many connections for role" in errors + (out / "report.html").read_text() or "failures:a" in flags


@pytest.mark.parametrize(
    "side",
    [*(pytest.param(side, marks=pytest.mark.slow) for side in ("sync", "async")), "async,database_driver=asyncpg"],
)
def test_rows_come_back_under_a_running_server(side: str, cluster: PostgresServer, tmp_path: Path) -> None:
    [request] = parse_scenario("create_post").requests
    databases = PostgresDatabases(cluster.url, "restore")
    database = databases.new(tmp_path, "x")
    database.create()
    with Server(
        parse_side(side),
        database_url=database.url,
        upstream_url="http://127.0.0.1:9",
        cores=Cores((), ()),
        log=tmp_path / "log",
    ) as server:
        server.wait_until_ready(60.0)
        database.snapshot()
        before = rows(database.url)
        with closing(ProbeConnection(server.url, limit_s=30.0)) as asker:
            for turn in range(2):
                for _ in range(3):
                    asker.ask(request.method, request.path, request.body, request.headers)
                written = rows(database.url)
                assert len(written["posts"]) == len(before["posts"]) + 3, turn  # type: ignore[arg-type]
                database.restore()
                assert rows(database.url) == before
    database.drop()
    with pytest.raises(RunError, match="does not exist"):
        database.snapshot()
    databases.close()


def test_what_a_killed_run_left_on_a_server_is_dropped_by_the_next(cluster: PostgresServer, tmp_path: Path) -> None:
    with closing(PostgresDatabases(cluster.url, "left")) as databases:
        databases.new(tmp_path, "a").create()
        with closing(PostgresDatabases(cluster.url, "left2")) as others:
            others.new(tmp_path, "a").create()
            assert len(_left(cluster, "bench_left")) == 2
            databases.clear()
            assert [name[:12] for name in _left(cluster, "bench_left")] == ["bench_left2_"]
            others.clear()


def _left(cluster: PostgresServer, prefix: str) -> list[str]:
    with psycopg.connect(cluster.url) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{prefix}%"]).fetchall()
        return [name for (name,) in found]
