"""The size of the data is a setting: both builds begin with as much of it, and the same."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.contract.in_process import in_process
from tests.contract.test_statements import recorded

SIZES = {"BLOG_SEED_USERS": "31", "BLOG_SEED_POSTS": "60"}


async def posts_of(
    build: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **sizes: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return all posts of a new blog, and the statements that their list took."""
    with recorded() as statements:
        async with in_process(build, folder, "http://127.0.0.1:9", monkeypatch, **sizes) as client:
            statements.clear()
            answer = await client.get("/api/posts")
            return answer.json(), list(statements)


def test_both_builds_begin_with_as_many_users_and_posts_as_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_sync, statements = asyncio.run(posts_of("sync", tmp_path, monkeypatch, **SIZES))
    in_async, same_statements = asyncio.run(posts_of("async", tmp_path, monkeypatch, **SIZES))
    assert in_sync == in_async
    assert [post["id"] for post in in_sync] == list(range(60, 0, -1))
    assert len({post["author"]["id"] for post in in_sync}) == 30  # all users but the silent one
    assert statements == same_statements
    assert len(statements) == 2


def test_a_database_that_has_users_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, _ = asyncio.run(posts_of("sync", tmp_path, monkeypatch))
    after, _ = asyncio.run(posts_of("sync", tmp_path, monkeypatch, **SIZES))
    assert before == after
    assert len(before) == 20


def test_lazy_loading_costs_a_query_for_each_of_many_authors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, statements = asyncio.run(posts_of("sync", tmp_path, monkeypatch, BLOG_LOADING="lazy", **SIZES))
    assert len(statements) == 1 + 30
