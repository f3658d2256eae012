import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, MissingGreenlet, OperationalError, StatementError
from sqlalchemy.orm.exc import StaleDataError

from shared import cpu, errors, queries, seed
from shared.models import Base, User, UtcDateTime
from shared.schemas import PostUpdate, UserUpdate
from shared.settings import Settings
from shared.templating import day
from shared.upstream import read_answer

SQLITE, POSTGRESQL = sqlite.dialect(), postgresql.dialect()  # type: ignore[no-untyped-call]


def violated(reason: str) -> IntegrityError:
    return IntegrityError("INSERT", {}, Exception(reason))


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (violated("UNIQUE constraint failed: users.username"), 400, "Username already exists"),
        (violated("UNIQUE constraint failed: users.email"), 400, "Email already exists"),
        (
            violated('duplicate key value violates unique constraint "uq_users_username"'),
            400,
            "Username already exists",
        ),
        (violated('duplicate key value violates unique constraint "uq_users_email"'), 400, "Email already exists"),
        (violated("FOREIGN KEY constraint failed"), 404, "User not found"),
        (
            violated('insert or update on table "posts" violates foreign key constraint "fk_posts_user_id"'),
            404,
            "User not found",
        ),
        (StaleDataError("UPDATE statement on table 'posts' expected to update 1 row(s)"), 404, "Post not found"),
        (StaleDataError("UPDATE statement on table 'users' expected to update 1 row(s)"), 404, "User not found"),
        (httpx.ConnectError("refused"), 502, errors.UPSTREAM_MESSAGE),
        (httpx.ReadTimeout("late"), 502, errors.UPSTREAM_MESSAGE),
    ],
)
def test_lost_races_are_translated(error: Exception, status: int, detail: str) -> None:
    answer = errors.translated(error)
    assert (answer.status_code, answer.detail) == (status, detail)


@pytest.mark.parametrize("error", [violated("NOT NULL constraint failed: users.username"), ValueError("?")])
def test_real_mistakes_are_not_translated(error: Exception) -> None:
    with pytest.raises(type(error)):
        errors.translated(error)


def test_only_a_missing_greenlet_teaches_about_loading() -> None:
    greenlet = MissingGreenlet("await_() here")
    assert errors.not_loaded(greenlet).status_code == 409
    assert errors.not_loaded(StatementError("x", "SELECT", {}, greenlet)).status_code == 409
    with pytest.raises(OperationalError):
        errors.not_loaded(OperationalError("SELECT", {}, Exception("database is locked")))


@pytest.mark.parametrize(
    ("value", "echo"),
    [
        ("plain", "plain"),
        ("\ud800x", "?x"),
        (b"\xff", "�"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**4000, 10**4000),
        ({"\ud800": (1, 2.5, None, True)}, {"?": [1, 2.5, None, True]}),
        (ValueError("why"), "why"),
    ],
)
def test_an_echo_can_be_written_as_json(value: Any, echo: Any) -> None:
    (detail,) = errors.answerable(RequestValidationError([{"input": value}])).errors()
    assert detail == {"input": echo}
    assert json.loads(json.dumps(detail, allow_nan=False).encode()) == detail


def test_an_echo_has_a_bottom() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    (detail,) = errors.answerable(RequestValidationError([{"input": deep}])).errors()
    assert len(json.dumps(detail)) < 100
    while deep:  # or the interpreter recurses while it throws it away
        deep = deep.pop()


@pytest.mark.parametrize(
    ("path", "api"),
    [("/api", True), ("/api/", True), ("/api/posts", True), ("/apiary", False), ("/", False), ("/posts/api", False)],
)
def test_the_api_is_told_by_its_path(path: str, api: bool) -> None:
    assert errors.is_api(path) is api


@pytest.mark.parametrize(("date", "text"), [((2026, 11, 23), "November 23, 2026"), ((2026, 3, 4), "March 4, 2026")])
def test_dates_are_written_out_without_a_leading_zero(date: tuple[int, int, int], text: str) -> None:
    assert day(datetime(*date, tzinfo=UTC)) == text


def test_dates_come_back_in_utc_from_any_database() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    elsewhere = noon.astimezone(timezone(timedelta(hours=5)))
    column, dialect = UtcDateTime(), SQLITE
    assert column.process_bind_param(elsewhere, dialect).utcoffset() == timedelta(0)  # type: ignore[union-attr]
    for stored in (noon, elsewhere, noon.replace(tzinfo=None)):
        found = column.process_result_value(stored, dialect)
        assert found == noon
        assert found.tzinfo is UTC
    assert column.process_result_value(None, dialect) is None
    assert column.process_bind_param(None, dialect) is None


@pytest.mark.parametrize(
    ("image_file", "path"),
    [
        (None, "/static/profile_pics/default.jpg"),
        ("me.jpg", "/media/profile_pics/me.jpg"),
        ('a b/"<é>?#', "/media/profile_pics/a%20b%2F%22%3C%C3%A9%3E%3F%23"),
    ],
)
def test_the_avatars_path_is_quoted(image_file: str | None, path: str) -> None:
    assert User(image_file=image_file).image_path == path


def test_what_is_not_sent_is_no_change_and_null_is_refused() -> None:
    assert UserUpdate().model_dump() == PostUpdate().model_dump() == {}
    assert UserUpdate(image_file=None).model_dump() == {"image_file": None}
    with pytest.raises(ValidationError):
        PostUpdate.model_validate({"title": None})


def test_sleeping_is_done_by_the_database() -> None:
    query = queries.sleep(50)
    assert "sleep_ms(" in str(query.compile(dialect=SQLITE))
    assert re.search(r"pg_sleep\(.* / 1000\.0\)", str(query.compile(dialect=POSTGRESQL)))


def test_every_constraint_that_is_translated_has_a_name() -> None:
    names = {str(constraint.name) for table in Base.metadata.tables.values() for constraint in table.constraints}
    assert {"uq_users_username", "uq_users_email", "fk_posts_user_id"} <= names


def test_the_seed_is_five_users_one_of_them_silent_and_twenty_posts() -> None:
    defaults = Settings()
    users = seed.users(defaults.seed_users)
    posts = seed.posts(defaults.seed_posts, defaults.seed_users)
    names, authors = {user["username"] for user in users}, {post["author"] for post in posts}
    assert (len(names), len(authors), len(posts)) == (5, 4, 20)
    assert authors < names


@pytest.mark.parametrize(("users", "posts", "authors"), [(1, 20, 1), (5, 5000, 4), (101, 100, 100), (300, 40, 40)])
def test_a_seed_of_any_size_keeps_the_tables_rules(users: int, posts: int, authors: int) -> None:
    people, written = seed.users(users), seed.posts(posts, users)
    assert len({user["username"] for user in people}) == len({user["email"] for user in people}) == users
    assert len({post["author"] for post in written}) == authors
    assert {post["author"] for post in written} <= {user["username"] for user in people}
    dates = [post["date_posted"] for post in written]
    assert dates == sorted(set(dates), key=str)
    assert all(0 < len(str(post["title"])) <= 50 for post in written)
    assert written[:20] == seed.posts(20, users)  # a larger blog begins with the rows of a smaller one


@pytest.mark.parametrize("content", [b"", b"oops", b"{}", b'{"waited_ms": null}', b"\xff"])
def test_nonsense_from_upstream_is_an_http_error(content: bytes) -> None:
    with pytest.raises(httpx.HTTPError):
        read_answer(httpx.Response(200, content=content, request=httpx.Request("GET", "http://upstream")))


def test_fnv_1a_is_the_published_hash() -> None:
    assert cpu.fnv1a(0) == 0xCBF29CE484222325
    assert cpu.fnv1a(1) == 0xAF63BD4C8601B7DF


@pytest.mark.parametrize(
    ("settings", "sessions"),
    [
        ({}, 15),
        ({"pool_size": 2, "max_overflow": 0}, 2),
        ({"session_limit": "7"}, 7),
        ({"session_limit": "none"}, None),
    ],
)
def test_the_session_limit_follows_the_pool_unless_told_otherwise(settings: Any, sessions: int | None) -> None:
    assert Settings(**settings).max_sessions == sessions


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///x", "postgresql+psycopg://x", "mysql://x", "blog.db"])
def test_a_database_url_names_no_driver(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url=url)
