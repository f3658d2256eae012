"""What is run for a scenario is read from the source: the right handler, its SQL, and nothing of other apps."""

from pathlib import Path

import pytest

from loadtests.experiment.catalogue import CATALOGUE
from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.request import Request
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.handler_statements import AT_THE_END, LAZILY, statements
from loadtests.servers.handlers import Handlers, handlers_of, routes

ROOT = Path(__file__).parents[2]


def of(*names: str, a: str = "sync", b: str = "async", database: str = "sqlite") -> Handlers:
    scenarios = tuple(parse_scenario(name) for name in names)
    sides = parse_side(a), parse_side(b)
    return handlers_of(Experiment(*sides, scenarios, (ClosedLoop(1),), 1, 0.1, 0.1, 0, database=database))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_scenario_has_a_handler_in_both_builds(name: str) -> None:
    found = of(name)[name]
    assert set(found) == {"a", "b"}
    one, other = (found[label].lines[0].partition(", responses=")[0].rstrip(")") for label in ("a", "b"))
    assert one == other
    assert found["a"].lines[0].startswith("@router.")
    assert any(line.startswith("def ") for line in found["a"].lines)
    assert any(line.startswith("async def ") for line in found["b"].lines)
    assert found["a"].statements == found["b"].statements


@pytest.mark.parametrize(
    ("method", "path", "handler"),
    [
        ("GET", "/", "home"),
        ("GET", "/posts/1", "post_page"),
        ("GET", "/api/posts", "get_posts"),
        ("POST", "/api/posts", "create_post"),
        ("GET", "/api/posts/7?x=1", "get_post"),
        ("PATCH", "/api/posts/1", "update_post_partial"),
        ("GET", "/api/users/1/posts", "get_user_posts"),
        ("GET", "/api/workloads/query?wait_ms=20", "query"),
    ],
)
def test_a_request_finds_its_handler(method: str, path: str, handler: str) -> None:
    request = Request(method, path)
    found = next(route for route in routes(ROOT / "sync_app") if route.answers(request))
    assert any(line.startswith(f"def {handler}(") for line in found.lines)


def test_what_is_no_route_has_no_handler() -> None:
    assert of("GET /nowhere/at/all") == {}


def test_of_other_apps_nothing_is_known() -> None:
    found = of("get_post", a="my.module:app", b="http://127.0.0.1:8000")
    assert found == {}
    assert set(of("get_post", a="sync", b="my.module:app")["get_post"]) == {"a"}


def test_a_journey_shows_every_handler_once() -> None:
    record = of("writer")["writer"]["a"]
    assert [line for line in record.lines if line.startswith("@")] == [
        '@router.post("", response_model=PostResponse, status_code=201, responses=BAD_REQUEST | NOT_FOUND)',
        '@router.patch("/{post_id}", response_model=PostResponse, responses=BAD_REQUEST | NOT_FOUND)',
        '@router.delete("/{post_id}", status_code=204, responses=NOT_FOUND)',
    ]
    assert record.files == ["sync_app/routers/posts.py"]


def test_a_query_is_written_down_with_what_loads_along_with_it() -> None:
    post, author = of("get_post")["get_post"]["a"].statements
    assert "WHERE posts.id = :id_1" in post
    assert "FROM users" in author
    assert "POSTCOMPILE" not in author
    assert of("get_post", a="sync,loading=lazy")["get_post"]["a"].statements == [post, LAZILY]


def test_what_is_added_is_written_down() -> None:
    _, insert = of("create_post")["create_post"]["b"].statements
    assert insert.startswith("INSERT INTO posts (title, content, user_id, date_posted) VALUES")


def test_changes_are_at_least_told() -> None:
    assert statements("def f(db):\n    post = db.scalar(queries.post(1))\n    db.commit()", "sqlite")[-1] == AT_THE_END


def test_each_database_is_asked_in_its_own_words() -> None:
    [asked] = of("query")["query"]["a"].statements
    assert "sleep_ms(:param_1)" in asked
    [asked] = of("query", database="postgres")["query"]["a"].statements
    assert "pg_sleep(:param_1 / 1000.0)" in asked


def test_a_handler_without_a_query_makes_none() -> None:
    assert of("hash")["hash"]["a"].statements == []
