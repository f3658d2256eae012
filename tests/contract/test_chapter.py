"""Writing posts as the tutorial's chapter does gets the builds' answers, with as many statements as docs say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared.models import Post, User
from shared.schemas import PostCreate, PostResponse, PostUpdate
from tests.contract.in_process import in_process
from tests.contract.test_statements import recorded

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
FUNCTIONS = ("create_post", "update_post_full", "update_post_partial")
NEW = {"title": "x", "content": "y", "user_id": 1}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/posts", NEW),
    ("PUT", "/api/posts/21", NEW | {"title": "other", "user_id": 2}),
    ("PATCH", "/api/posts/21", {"title": "third"}),
]


def chapter_of(database: Path, *, keeps_user: bool) -> FastAPI:
    """Return an app with the chapter's three routes that write a post, on a database that exists.

    Args:
        database: its file.
        keeps_user: whether a route keeps the user that it has looked up; a session holds its objects only weakly.
    """
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
    sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/posts", response_model=PostResponse, status_code=201)
    async def create_post(post: PostCreate, db: Annotated[AsyncSession, Depends(get_db)]) -> Post:
        result = await db.execute(select(User).where(User.id == post.user_id))
        user = result.scalars().first()
        if not user:
            raise HTTPException(404, "User not found")
        if not keeps_user:
            del user
        new_post = Post(title=post.title, content=post.content, user_id=post.user_id)
        db.add(new_post)
        await db.commit()
        await db.refresh(new_post, attribute_names=["author"])
        return new_post

    @app.put("/api/posts/{post_id}", response_model=PostResponse)
    async def update_post_full(post_id: int, new: PostCreate, db: Annotated[AsyncSession, Depends(get_db)]) -> Post:
        result = await db.execute(select(Post).where(Post.id == post_id))
        post = result.scalars().one()
        if new.user_id != post.user_id:
            result_of_user = await db.execute(select(User).where(User.id == new.user_id))
            user = result_of_user.scalars().first()
            if not user:
                raise HTTPException(404, "User not found")
            if not keeps_user:
                del user
        post.title, post.content, post.user_id = new.title, new.content, new.user_id
        await db.commit()
        await db.refresh(post, attribute_names=["author"])
        return post

    @app.patch("/api/posts/{post_id}", response_model=PostResponse)
    async def update_post_partial(post_id: int, new: PostUpdate, db: Annotated[AsyncSession, Depends(get_db)]) -> Post:
        result = await db.execute(select(Post).where(Post.id == post_id))
        post = result.scalars().one()
        for field, value in new.model_dump().items():
            setattr(post, field, value)
        await db.commit()
        await db.refresh(post, attribute_names=["author"])
        return post

    return app


async def answers_and_statements(client: httpx.AsyncClient) -> tuple[list[Any], list[list[str]]]:
    """Return what each request is answered, without its date, and the statements that it executes."""
    answers, statements = [], []
    for method, url, body in REQUESTS:
        with recorded() as executed:
            answer = await client.request(method, url, json=body)
        answers.append((answer.status_code, {**answer.json(), "date_posted": ""}))
        statements.append([statement.split()[0] for statement in executed])
    return answers, statements


def test_refresh_gets_the_same_answers_with_as_many_statements_as_the_page_says(
    tmp_path: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def as_in_chapter(*, keeps_user: bool) -> tuple[list[Any], list[list[str]]]:
        folder = tmp_path / f"chapter-{keeps_user}"
        folder.mkdir()
        async with in_process("async", folder, slow_api, monkeypatch):
            pass  # creates and fills the database
        chapter = chapter_of(folder / "async.db", keeps_user=keeps_user)
        async with (
            chapter.router.lifespan_context(chapter),
            httpx.AsyncClient(transport=httpx.ASGITransport(chapter), base_url="http://chapter") as client,
        ):
            return await answers_and_statements(client)

    async def as_in_build() -> tuple[list[Any], list[list[str]]]:
        async with in_process("async", tmp_path, slow_api, monkeypatch) as client:
            return await answers_and_statements(client)

    async def all_three() -> list[tuple[list[Any], list[list[str]]]]:
        return [await as_in_build(), await as_in_chapter(keeps_user=True), await as_in_chapter(keeps_user=False)]

    (answers, in_build), (with_user, keeping), (without_user, not_keeping) = asyncio.run(all_three())
    assert answers == with_user == without_user
    assert [status for status, _ in answers] == [201, 200, 200]
    for function, *executed in zip(FUNCTIONS, in_build, keeping, not_keeping, strict=True):
        assert f"| `{function}` | {' | '.join(str(len(each)) for each in executed)} |" in PAGE
    assert not_keeping[0][-2:] == ["SELECT", "SELECT"]  # refresh: the post, and the author
    assert keeping[0] == not_keeping[0][:-1]
