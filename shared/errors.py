"""What goes wrong, translated into answers; pure functions of exceptions and values."""

import math
from collections.abc import Sequence
from typing import Any

import httpx
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError, MissingGreenlet
from sqlalchemy.orm.exc import StaleDataError

from shared.models import User
from shared.schemas import Detail

DEFAULT_MESSAGE = "An error occurred. Please check your request and try again."
INVALID_MESSAGE = "Invalid request. Please check your input and try again."
LAZY_MESSAGE = (
    "MissingGreenlet: `post.author` was not loaded, and touching it would have run a query without `await`. "
    "A sync Session loads it on the spot, one query for each post; an AsyncSession cannot. "
    "Load it with the posts: `select(Post).options(selectinload(Post.author))`."
)
UPSTREAM_MESSAGE = "The upstream API could not be reached, or did not answer as it should (BLOG_UPSTREAM_URL)."
# Deeper than any body the API takes. A client can nest deeper than a recursive encoder reaches.
ECHO_DEPTH = 8

# How routes tell OpenAPI about their errors.
Responses = dict[int | str, dict[str, Any]]
BAD_REQUEST: Responses = {400: {"model": Detail}}
NOT_FOUND: Responses = {404: {"model": Detail}}
CONFLICT: Responses = {409: {"model": Detail}}
BAD_GATEWAY: Responses = {502: {"model": Detail}}


def is_api(path: str) -> bool:
    """Tell the JSON API's paths from the pages'."""
    return path == "/api" or path.startswith("/api/")


def refuse_duplicate(username: str, email: str, others: Sequence[User]) -> None:
    """Raise 400 where one of these users has the name already or, failing that, the address."""
    if username in {other.username for other in others}:
        raise HTTPException(400, "Username already exists")
    if email in {other.email for other in others}:
        raise HTTPException(400, "Email already exists")


def translated(error: Exception) -> HTTPException:
    """Say in HTTP what the database or the upstream raised; what is nobody's race is raised again."""
    match error:
        case IntegrityError():
            return _from_integrity_error(error)
        case StaleDataError():
            return HTTPException(404, "Post not found" if "'posts'" in str(error) else "User not found")
        case httpx.HTTPError():
            return HTTPException(502, UPSTREAM_MESSAGE)
        case _:
            raise error


def not_loaded(error: Exception) -> HTTPException:
    """Teach what went wrong where a relationship was touched that had not been loaded."""
    # Some drivers meet the missing greenlet while they make a cursor, and SQLAlchemy wraps that.
    if isinstance(getattr(error, "orig", error), MissingGreenlet):
        return HTTPException(409, LAZY_MESSAGE)
    raise error


def _from_integrity_error(error: IntegrityError) -> HTTPException:
    # PostgreSQL names the constraint, SQLite the columns, and of a foreign key nothing at all.
    reason = str(error.orig)
    if "uq_users_username" in reason or "UNIQUE constraint failed: users.username" in reason:
        return HTTPException(400, "Username already exists")
    if "uq_users_email" in reason or "UNIQUE constraint failed: users.email" in reason:
        return HTTPException(400, "Email already exists")
    if "fk_posts_user_id" in reason or "FOREIGN KEY" in reason:
        return HTTPException(404, "User not found")
    raise error


def answerable(error: RequestValidationError) -> RequestValidationError:
    """Return the same error with an echo of the input that JSON can carry."""
    return RequestValidationError([_echo(detail) for detail in error.errors()], body=error.body)


def _echo(value: object, depth: int = ECHO_DEPTH) -> object:
    echo: object
    match value:
        case dict() if depth:
            echo = {_echo(str(key)): _echo(item, depth - 1) for key, item in value.items()}
        case list() | tuple() if depth:
            echo = [_echo(item, depth - 1) for item in value]
        case dict() | list() | tuple():
            echo = "…"
        case str():
            echo = value.encode(errors="replace").decode()
        case bytes():
            echo = value.decode(errors="replace")
        case float() if not math.isfinite(value):
            echo = str(value)
        case None | bool() | int() | float():
            echo = value
        case _:
            echo = str(value)
    return echo
