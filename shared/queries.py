"""What is asked of the database: both builds execute these same statements, each in its own way."""

from typing import Any

from sqlalchemy import Float, Insert, Select, bindparam, func, insert, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from shared.models import Post, User
from shared.settings import get_settings

NEWEST_FIRST = (Post.date_posted.desc(), Post.id.desc())

# Workers that start at once on a new database wait here for the first of them.
STARTUP_LOCK = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20261123)"}


def posts(*load: ORMOption) -> Select[Post]:
    """All posts, newest first, with what the options load."""
    return _loading(select(Post).order_by(*NEWEST_FIRST), *load)


def posts_by(user_id: int, *load: ORMOption) -> Select[Post]:
    """One user's posts, newest first, with what the options load."""
    return posts(*load).where(Post.user_id == user_id)


def post(post_id: int, *load: ORMOption) -> Select[Post]:
    """One post, with what the options load."""
    return _loading(select(Post).where(Post.id == post_id), *load)


def count_posts() -> Select[int]:
    """How many posts there are."""
    return select(func.count(Post.id))


def user(user_id: int) -> Select[User]:
    """One user."""
    return select(User).where(User.id == user_id)


def users_like(username: str, email: str) -> Select[User]:
    """Users who have this name or this address: looked for at once, so that no one can slip in between."""
    return select(User).where(or_(User.username == username, User.email == email))


def any_user() -> Select[int]:
    """Return some user's id, or nothing where the database is empty."""
    return select(User.id).limit(1)


def seed_users() -> Insert:
    """Insert the seed's users."""
    return insert(User)


def seed_posts() -> Insert:
    """Insert the seed's posts, which name their author."""
    author = select(User.id).where(User.username == bindparam("author"))
    return insert(Post).values(user_id=author.scalar_subquery())


def sleep(wait_ms: float) -> Select[Any]:
    """Return a query that takes this many milliseconds inside the database."""
    return select(_Sleep(literal(wait_ms, Float)))


def _loading(query: Select[Post], *load: ORMOption) -> Select[Post]:
    return query if get_settings().loading == "lazy" else query.options(*load)


class _Sleep(FunctionElement[float]):
    inherit_cache = True


@compiles(_Sleep, "sqlite")
def _sleep_in_sqlite(element: _Sleep, compiler: SQLCompiler, **kwargs: object) -> str:
    return f"sleep_ms({compiler.process(element.clauses, **kwargs)})"


@compiles(_Sleep, "postgresql")
def _sleep_in_postgresql(element: _Sleep, compiler: SQLCompiler, **kwargs: object) -> str:
    return f"pg_sleep({compiler.process(element.clauses, **kwargs)} / 1000.0)"
