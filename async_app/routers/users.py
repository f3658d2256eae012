"""The JSON API of users."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException
from sqlalchemy.orm import selectinload

from shared import queries
from shared.errors import BAD_REQUEST, NOT_FOUND, refuse_duplicate
from shared.models import Post, User
from shared.schemas import Id, PostResponse, UserCreate, UserResponse, UserUpdate

from ..database import Db

router = APIRouter()


@router.post("", response_model=UserResponse, status_code=201, responses=BAD_REQUEST)
async def create_user(user: UserCreate, db: Db) -> User:
    """Create a user, unless the name or the address is taken."""
    others = await db.scalars(queries.users_like(user.username, user.email))
    refuse_duplicate(user.username, user.email, others.all())
    new_user = User(username=user.username, email=user.email)
    db.add(new_user)
    await db.commit()
    return new_user


@router.get("/{user_id}", response_model=UserResponse, responses=NOT_FOUND)
async def get_user(user_id: Id, db: Db) -> User:
    """Return one user."""
    user = await db.scalar(queries.user(user_id))
    if user is None:
        raise HTTPException(404, "User not found")
    return user


@router.get("/{user_id}/posts", response_model=list[PostResponse], responses=NOT_FOUND)
async def get_user_posts(user_id: Id, db: Db) -> Sequence[Post]:
    """Return one user's posts, newest first."""
    user = await db.scalar(queries.user(user_id))
    if user is None:
        raise HTTPException(404, "User not found")
    posts = await db.scalars(queries.posts_by(user_id, selectinload(Post.author)))
    return posts.all()


@router.patch("/{user_id}", response_model=UserResponse, responses=BAD_REQUEST | NOT_FOUND)
async def update_user(user_id: Id, changes: UserUpdate, db: Db) -> User:
    """Change what is sent of a user, unless the new name or address is taken."""
    user = await db.scalar(queries.user(user_id))
    if user is None:
        raise HTTPException(404, "User not found")
    fields = changes.model_dump()
    username, email = fields.get("username", user.username), fields.get("email", user.email)
    others = await db.scalars(queries.users_like(username, email).where(User.id != user_id))
    refuse_duplicate(username, email, others.all())
    for field, value in fields.items():
        setattr(user, field, value)
    await db.commit()
    return user


@router.delete("/{user_id}", status_code=204, responses=NOT_FOUND)
async def delete_user(user_id: Id, db: Db) -> None:
    """Delete a user and their posts."""
    user = await db.scalar(queries.user(user_id))
    if user is None:
        raise HTTPException(404, "User not found")
    await db.delete(user)
    await db.commit()
