"""After a cell that writes, the next one finds the rows that the first one found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.databases import SqliteDatabase
from loadtests.servers.probe import ProbeConnection
from loadtests.servers.server import Server
from loadtests.system.cores import Cores


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: database.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}  # noqa: S608


@pytest.mark.parametrize("side", ["sync", "async"])
def test_rows_come_back_under_a_running_server(side: str, tmp_path: Path) -> None:
    [request] = parse_scenario("create_post").requests
    database = SqliteDatabase(tmp_path / "blog.db")
    with Server(
        parse_side(side),
        database_url=database.url,
        upstream_url="http://127.0.0.1:9",
        cores=Cores((), ()),
        log=tmp_path / "log",
    ) as server:
        server.wait_until_ready(60.0)
        database.snapshot()
        before = rows(database.path)
        assert sum(map(len, before.values())) > 20
        with closing(ProbeConnection(server.url, limit_s=30.0)) as asker:
            for turn in range(2):  # a restore is no use if the server can't write after it
                for _ in range(3):
                    asker.ask(request.method, request.path, request.body, request.headers)
                written = rows(database.path)
                assert sum(map(len, written.values())) == sum(map(len, before.values())) + 3, turn
                database.restore()
                assert rows(database.path) == before
            asker.ask("GET", "/api/posts")
        database.drop()
