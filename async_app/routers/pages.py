"""The pages for people."""

from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy.orm import selectinload

from shared import queries
from shared.models import Post
from shared.schemas import Id
from shared.templating import templates

from ..database import Db

router = APIRouter(include_in_schema=False)


@router.get("/", name="home")
@router.get("/posts", name="posts")
async def home(request: Request, db: Db) -> Response:
    """Show all posts."""
    posts = await db.scalars(queries.posts(selectinload(Post.author)))
    return templates.TemplateResponse(request, "home.html", {"posts": posts.all(), "title": "Home"})


@router.get("/posts/{post_id}")
async def post_page(request: Request, post_id: Id, db: Db) -> Response:
    """Show one post."""
    post = await db.scalar(queries.post(post_id, selectinload(Post.author)))
    if post is None:
        raise HTTPException(404, "Post not found")
    return templates.TemplateResponse(request, "post.html", {"post": post, "title": post.title[:50]})


@router.get("/users/{user_id}/posts", name="user_posts")
async def user_posts_page(request: Request, user_id: Id, db: Db) -> Response:
    """Show one user's posts."""
    user = await db.scalar(queries.user(user_id))
    if user is None:
        raise HTTPException(404, "User not found")
    posts = await db.scalars(queries.posts_by(user_id, selectinload(Post.author)))
    return templates.TemplateResponse(
        request,
        "user_posts.html",
        {"user": user, "posts": posts.all(), "title": f"{user.username}'s Posts"},
    )
