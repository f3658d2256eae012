"""`def` handlers with short SQLAlchemy queries, and no more sessions at once than connections."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Sessions = sessionmaker()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/shop.db", pool_size=5, max_overflow=10)
        Base.metadata.create_all(engine)
        Sessions.configure(bind=engine)
        with Sessions.begin() as session:
            session.add_all(Item(name=f"item {n}") for n in range(50))
        yield
        engine.dispose()


app = FastAPI(lifespan=lifespan)


def get_db() -> Iterator[Session]:
    with Sessions() as session:
        yield session


Db = Annotated[Session, Depends(get_db, max_concurrency=15)]


@app.get("/items")
def items(db: Db) -> list[str]:
    return list(db.scalars(select(Item.name).order_by(Item.number.desc()).limit(10)))


@app.get("/items/count")
def count(db: Db) -> int:
    return db.scalar(select(func.count()).select_from(Item)) or 0
