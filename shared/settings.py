"""Every knob of the blog, read from environment variables named ``BLOG_…``; both builds obey the same."""

from functools import lru_cache
from typing import Literal

from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be varied in an experiment without touching code; the defaults are the fair comparison."""

    model_config = SettingsConfigDict(env_prefix="BLOG_", frozen=True)

    database_url: str = Field(
        "sqlite:///blog.db", description="Database without a driver; each build puts its own driver in."
    )
    database_driver: Literal["psycopg", "asyncpg"] | None = Field(
        None,
        description="PostgreSQL's driver: psycopg, which both builds have, where nothing is said; asyncpg, which only "
        "the async build can use.",
    )
    pool_size: PositiveInt = Field(5, description="Connections the pool keeps (SQLAlchemy's default).")
    max_overflow: int = Field(10, ge=0, description="Connections it may open beyond that (SQLAlchemy's default).")
    session_limit: PositiveInt | Literal["pool", "none"] = Field(
        "pool",
        description="Requests that may hold a session at once: a number, 'pool' for pool_size + max_overflow,"
        " or 'none' for the tutorial's code as written, which can deadlock.",
    )
    thread_limit: PositiveInt = Field(40, description="Threads for `def` routes (AnyIO's default).")
    loading: Literal["eager", "lazy"] = Field(
        "eager",
        description="How a post's author is loaded; 'lazy' (a query for each) only works in the sync build.",
    )
    seed_users: int = Field(
        5, ge=1, le=100_000, description="Users of a new blog; all of them have posts, except the fifth."
    )
    seed_posts: int = Field(
        20, ge=20, le=100_000, description="Posts of a new blog, at least the 20 that scenarios read one at a time."
    )
    upstream_url: str = Field("http://127.0.0.1:9000", description="The slow external API.")
    upstream_transport: Literal["aiohttp", "httpcore"] = Field(
        "aiohttp", description="What carries the async build's httpx client; httpcore is httpx's own pool."
    )

    fan_out_threads: PositiveInt = Field(
        128, description="Threads that `upstream?mode=threads` fans out over in the sync build."
    )

    @field_validator("database_url")
    @classmethod
    def _names_no_driver(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("use sqlite:///FILE or postgresql://…, without a driver: each build has its own")
        return url

    @property
    def max_sessions(self) -> int | None:
        """How many requests may hold a session at once; None where nothing limits them."""
        if self.session_limit == "pool":
            return self.pool_size + self.max_overflow
        return None if self.session_limit == "none" else self.session_limit


@lru_cache
def get_settings() -> Settings:
    """Return this process's settings, read from the environment once."""
    return Settings()
