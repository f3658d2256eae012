"""The JSON API of posts."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException
from sqlalchemy.orm import selectinload

from shared import queries
from shared.errors import BAD_REQUEST, NOT_FOUND
from shared.models import Post
from shared.schemas import Id, PostCreate, PostResponse, PostUpdate

from ..database import Db

router = APIRouter()


@router.get("", response_model=list[PostResponse])
async def get_posts(db: Db) -> Sequence[Post]:
    """Return all posts, newest first."""
    posts = await db.scalars(queries.posts(selectinload(Post.author)))
    return posts.all()


@router.post("", response_model=PostResponse, status_code=201, responses=BAD_REQUEST | NOT_FOUND)
async def create_post(post: PostCreate, db: Db) -> Post:
    """Create a post."""
    author = await db.scalar(queries.user(post.user_id))
    if author is None:
        raise HTTPException(404, "User not found")
    new_post = Post(title=post.title, content=post.content, author=author)
    db.add(new_post)
    await db.commit()
    return new_post


@router.get("/{post_id}", response_model=PostResponse, responses=NOT_FOUND)
async def get_post(post_id: Id, db: Db) -> Post:
    """Return one post."""
    post = await db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    return post


@router.put("/{post_id}", response_model=PostResponse, responses=BAD_REQUEST | NOT_FOUND)
async def update_post_full(post_id: Id, replacement: PostCreate, db: Db) -> Post:
    """Replace a post; its author may change, its date stays."""
    post = await db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    author = await db.scalar(queries.user(replacement.user_id))
    if author is None:
        raise HTTPException(404, "User not found")
    post.title = replacement.title
    post.content = replacement.content
    post.author = author
    await db.commit()
    return post


@router.patch("/{post_id}", response_model=PostResponse, responses=BAD_REQUEST | NOT_FOUND)
async def update_post_partial(post_id: Id, changes: PostUpdate, db: Db) -> Post:
    """Change what is sent of a post."""
    post = await db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    for field, value in changes.model_dump().items():
        setattr(post, field, value)
    await db.commit()
    return post


@router.delete("/{post_id}", status_code=204, responses=NOT_FOUND)
async def delete_post(post_id: Id, db: Db) -> None:
    """Delete a post."""
    post = await db.scalar(queries.post(post_id))
    if post is None:
        raise HTTPException(404, "Post not found")
    await db.delete(post)
    await db.commit()
