"""The tables: users and their posts."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

# SQLite only numbers rows by itself in a column called exactly INTEGER.
# AUTOINCREMENT keeps it from giving a deleted user's id, and so their late posts, to the next one.
Identifier = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, also on databases that drop the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Convert to UTC on the way in."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Make aware on the way out: what has no zone was stored as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that a violation can be told apart on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    # Deleting a row that someone else has just deleted is no surprise.
    __mapper_args__: Any = {"confirm_deleted_rows": False}  # noqa: RUF012 - as SQLAlchemy declares it


class User(Base):
    """Someone who writes posts."""

    __tablename__ = "users"
    # Of two violated constraints PostgreSQL reports the first and SQLite the last: let it be the name's,
    # which the routes check first too.
    __table_args__ = (
        UniqueConstraint("username").ddl_if("postgresql"),
        UniqueConstraint("email"),
        UniqueConstraint("username").ddl_if("sqlite"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    username: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(120))
    image_file: Mapped[str | None] = mapped_column(String(200))

    posts: Mapped[list["Post"]] = relationship(
        back_populates="author", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def image_path(self) -> str:
        """Where the avatar is served; the file's name is the user's text, so it is quoted."""
        if self.image_file is None:
            return "/static/profile_pics/default.jpg"
        return f"/media/profile_pics/{quote(self.image_file, safe='')}"


class Post(Base):
    """What someone wrote."""

    __tablename__ = "posts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    content: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # Set here and not by the database, so that an answer needs no second look at the row.
    date_posted: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))

    author: Mapped[User] = relationship(back_populates="posts")
