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
def get_posts(db: Db) -> Sequence[Post]:
    """Return all posts, newest first."""
    posts = db.scalars(queries.posts(selectinload(Post.author)))
    return posts.all()


@router.post("", response_model=PostResponse, status_code=201, responses=BAD_REQUEST | NOT_FOUND)
def create_post(post: PostCreate, db: Db) -> Post:
    """Create a post."""
    author = db.scalar(queries.user(post.user_id))
    if author is None:
        raise HTTPException(404, "User not found")
    new_post = Post(title=post.title, content=post.content, author=author)
    db.add(new_post)
    db.commit()
    return new_post


@router.get("/{post_id}", response_model=PostResponse, responses=NOT_FOUND)
def get_post(post_id: Id, db: Db) -> Post:
    """Return one post."""
    post = db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    return post


@router.put("/{post_id}", response_model=PostResponse, responses=BAD_REQUEST | NOT_FOUND)
def update_post_full(post_id: Id, replacement: PostCreate, db: Db) -> Post:
    """Replace a post; its author may change, its date stays."""
    post = db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    author = db.scalar(queries.user(replacement.user_id))
    if author is None:
        raise HTTPException(404, "User not found")
    post.title = replacement.title
    post.content = replacement.content
    post.author = author
    db.commit()
    return post


@router.patch("/{post_id}", response_model=PostResponse, responses=BAD_REQUEST | NOT_FOUND)
def update_post_partial(post_id: Id, changes: PostUpdate, db: Db) -> Post:
    """Change what is sent of a post."""
    post = db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    for field, value in changes.model_dump().items():
        setattr(post, field, value)
    db.commit()
    return post


@router.delete("/{post_id}", status_code=204, responses=NOT_FOUND)
def delete_post(post_id: Id, db: Db) -> None:
    """Delete a post."""
    post = db.scalar(queries.post(post_id))
    if post is None:
        raise HTTPException(404, "Post not found")
    db.delete(post)
    db.commit()
