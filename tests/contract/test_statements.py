import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from loadtests.experiment.loads import ClosedLoop
from loadtests.experiment.plan import Experiment
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.servers.handlers import handlers_of
from tests.contract.in_process import in_process

POST = {"title": "x", "content": "y", "user_id": 1}
# Each request with the number of statements it may cost, on a fresh blog.
REQUESTS: list[tuple[str, str, Any, int]] = [
    ("GET", "/", None, 2),
    ("GET", "/posts", None, 2),
    ("GET", "/posts/1", None, 2),
    ("GET", "/posts/999", None, 1),
    ("GET", "/users/1/posts", None, 3),
    ("GET", "/users/5/posts", None, 2),
    ("GET", "/users/999/posts", None, 1),
    ("GET", "/api/posts", None, 2),
    ("GET", "/api/posts/1", None, 2),
    ("GET", "/api/users/1", None, 1),
    ("GET", "/api/users/1/posts", None, 3),
    ("POST", "/api/users", {"username": "x", "email": "x@example.com"}, 2),
    ("POST", "/api/users", {"username": "x", "email": "y@example.com"}, 1),
    ("POST", "/api/users", {"username": "y", "email": "x@example.com"}, 1),
    ("POST", "/api/users", {"username": "", "email": "x@example.com"}, 0),
    ("PATCH", "/api/users/6", {}, 2),
    ("PATCH", "/api/users/6", {"username": "z", "email": "z@example.com", "image_file": "z"}, 3),
    ("PATCH", "/api/users/6", {"image_file": "z"}, 2),
    ("POST", "/api/posts", POST, 2),
    ("POST", "/api/posts", POST | {"user_id": 999}, 1),
    ("PUT", "/api/posts/21", POST, 3),
    ("PUT", "/api/posts/21", POST | {"user_id": 6}, 4),
    ("PATCH", "/api/posts/21", {"title": "z"}, 3),
    ("PATCH", "/api/posts/21", {}, 2),
    ("DELETE", "/api/posts/21", None, 2),
    ("DELETE", "/api/posts/21", None, 1),
    ("DELETE", "/api/users/2", None, 2),
    ("GET", "/api/workloads/noop", None, 0),
    ("GET", "/api/workloads/count", None, 1),
    ("GET", "/api/workloads/query?wait_ms=1", None, 1),
    ("GET", "/api/workloads/blocking-session?wait_ms=1", None, 1),
    ("GET", "/static/blog.css", None, 0),
]


@contextmanager
def recorded() -> Iterator[list[str]]:
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", record)


async def statements_of_each(
    build: str, folder: Path, upstream: str, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> list[list[str]]:
    """Return the statements that start-up and then each request execute."""
    with recorded() as statements:
        async with in_process(build, folder, upstream, monkeypatch, **environment) as client:
            collected = [list(statements)]
            for method, url, body, _cost in REQUESTS:
                statements.clear()
                answer = await client.request(method, url, json=body)
                assert answer.status_code < 500
                collected.append(list(statements))
    return collected


def test_both_builds_execute_the_same_sql(tmp_path: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = asyncio.run(statements_of_each("sync", tmp_path, slow_api, monkeypatch))
    async_ = asyncio.run(statements_of_each("async", tmp_path, slow_api, monkeypatch))
    assert sync[0] == async_[0]
    assert any("INSERT INTO posts" in statement for statement in sync[0])
    for request, in_sync, in_async in zip(REQUESTS, sync[1:], async_[1:], strict=True):
        assert in_sync == in_async, request
        assert len(in_sync) == request[3], (request, in_sync)


def test_lazy_loading_costs_the_sync_build_a_query_for_each_author(
    tmp_path: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lazy = asyncio.run(statements_of_each("sync", tmp_path, slow_api, monkeypatch, BLOG_LOADING="lazy"))
    assert len(lazy[1]) == 1 + 4  # four of the seed's five users have posts


SHOWN = {"home_page": "/", "post_page": "/posts/1", "list_posts": "/api/posts", "get_post": "/api/posts/1"}
SHOWN |= {"create_post": "/api/posts", "query": "/api/workloads/query?wait_ms=1", "noop": "/api/workloads/noop"}
SHOWN |= {"count": "/api/workloads/count"}


def test_the_sql_that_a_report_shows_is_what_is_executed(
    tmp_path: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = asyncio.run(statements_of_each("sync", tmp_path, slow_api, monkeypatch))[1:]
    scenarios = tuple(parse_scenario(name) for name in SHOWN)
    sync, async_ = parse_side("sync"), parse_side("async")
    shown = handlers_of(Experiment(sync, async_, scenarios, (ClosedLoop(1),), 1, 0.1, 0.1, 0))
    for scenario in scenarios:
        asked = next(
            number
            for number, (method, url, *_) in enumerate(REQUESTS)
            if (method, url) == (scenario.requests[0].method, SHOWN[scenario.name])
        )
        assert [bare(statement) for statement in shown[scenario.name]["a"].statements] == [
            bare(statement) for statement in executed[asked]
        ]


def bare(statement: str) -> str:
    """Return a statement without line breaks, and without its values' names and, in a list, their number."""
    return re.sub(r"\s+", " ", re.sub(r":\w+", "?", statement)).replace("IN (?, ?, ?, ?)", "IN (?)")
