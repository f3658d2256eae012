"""Both builds meet one contract: every test here runs once against each, some also on every database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import httpx
import pytest

from loadtests.servers.postgres_databases import PostgresDatabases
from loadtests.servers.postgres_server import PostgresServer
from tests.contract.servers import Server, serve, serve_build

numbers = count(1)
SQLITE = ["sync", "async"]
POSTGRESQL = ["sync psycopg", "async psycopg", "async asyncpg"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask both builds on SQLite; on PostgreSQL too, through each driver, what a database or its driver can change."""
    if "server" in metafunc.fixturenames:
        everywhere = metafunc.definition.get_closest_marker("every_database") is not None
        metafunc.parametrize("server", SQLITE + POSTGRESQL if everywhere else SQLITE, indirect=True, scope="session")


@pytest.fixture(scope="session")
def slow_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a stand-in for the slow external API."""
    log = tmp_path_factory.mktemp("slow_api") / "server.log"
    with serve("tests.contract.slow_api:app", log, ("--timeout-keep-alive", "75")) as (url, _pid):
        yield url


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabases]:
    """Run a real PostgreSQL."""
    with (
        PostgresServer(tmp_path_factory.mktemp("postgres") / "server") as cluster,
        closing(PostgresDatabases(cluster.url, "contract")) as databases,
    ):
        yield databases


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, slow_api: str
) -> Iterator[Callable[[str], Server]]:
    """Serve a build on a database from the first test that asks it to the last one: most take less than a start.

    Whatever the tests send it, it must never log a traceback or a warning.
    """
    running: dict[str, Server] = {}

    def serving(name: str) -> Server:
        if name not in running:
            build, _, driver = name.partition(" ")
            environment, folder = {"PYTHONWARNINGS": "always"}, tmp_path_factory.mktemp(build)
            if driver:
                database = request.getfixturevalue("postgres").new(folder, "contract")
                database.create()
                environment |= {"BLOG_DATABASE_URL": database.url, "BLOG_DATABASE_DRIVER": driver}
            running[name] = stack.enter_context(serve_build(build, folder, slow_api, (), **environment))
        return running[name]

    with ExitStack() as stack:
        yield serving
    for name, server in running.items():
        log = server.log.read_text()
        assert "Traceback" not in log, name
        # SQLAlchemy drops the cursor that it made on the way to MissingGreenlet; only the route `lazy` gets there.
        warnings = [line for line in log.splitlines() if "Warning" in line and "'Connection.cursor'" not in line]
        assert [line for line in warnings if "Enable tracemalloc" not in line] == [], name
        assert not list(server.database.parent.glob("def-or-async-*")), name


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Return one build on one database, which all tests on it share."""
    return servers(request.param)


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    """Ask that build."""
    with server.client() as client:
        yield client


@pytest.fixture
def user(client: httpx.Client) -> dict[str, Any]:
    """Create a user for one test."""
    return new_user(client)


@pytest.fixture
def post(client: httpx.Client, user: dict[str, Any]) -> dict[str, Any]:
    """Create a post for one test."""
    return new_post(client, user)


def new_user(client: httpx.Client) -> dict[str, Any]:
    """Create a user whom no other test knows."""
    name = f"user{next(numbers)}"
    answer = client.post("/api/users", json={"username": name, "email": f"{name}@example.com"})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def new_post(
    client: httpx.Client, user: dict[str, Any], title: str = "A title", content: str = "Words"
) -> dict[str, Any]:
    """Create a post by this user."""
    answer = client.post("/api/posts", json={"title": title, "content": content, "user_id": user["id"]})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]
