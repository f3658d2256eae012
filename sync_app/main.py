"""The blog with threads: FastAPI runs each `def` route in one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared import cpu, errors
from shared.files import sample_file
from shared.offload import process_pool
from shared.settings import get_settings
from shared.templating import MEDIA, STATIC, compile_templates, templates

from .database import open_database
from .routers import pages, posts, users, workloads
from .upstream import open_upstream


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Open what all requests share, and close it at the end."""
    settings = get_settings()
    current_default_thread_limiter().total_tokens = settings.thread_limit
    compile_templates()
    with sample_file() as file, process_pool() as pool:
        cpu.photo()
        with open_database(settings) as sessions, open_upstream(settings) as upstream:
            yield {"file": file, "pool": pool, "sessions": sessions, "upstream": upstream}


app = FastAPI(title="def or async def", lifespan=lifespan)

app.mount("/static", StaticFiles(directory=STATIC), name="static")
app.mount("/media", StaticFiles(directory=MEDIA), name="media")

app.include_router(pages.router)
app.include_router(users.router, prefix="/api/users", tags=["users"])
app.include_router(posts.router, prefix="/api/posts", tags=["posts"])
app.include_router(workloads.router, prefix="/api/workloads", tags=["workloads"])


@app.exception_handler(StarletteHTTPException)
async def general_http_exception_handler(request: Request, exception: StarletteHTTPException) -> Response:
    """Answer in JSON under /api, with a page elsewhere."""
    if errors.is_api(request.scope["path"]):
        return await http_exception_handler(request, exception)
    return templates.TemplateResponse(
        request,
        "error.html",
        {
            "status_code": exception.status_code,
            "title": exception.status_code,
            "message": exception.detail or errors.DEFAULT_MESSAGE,
        },
        status_code=exception.status_code,
        headers=exception.headers,
    )


@app.exception_handler(RequestValidationError)
async def validation_exception_handler(request: Request, exception: RequestValidationError) -> Response:
    """Answer 422, in JSON under /api, with a page elsewhere."""
    if errors.is_api(request.scope["path"]):
        return await request_validation_exception_handler(request, errors.answerable(exception))
    return templates.TemplateResponse(
        request,
        "error.html",
        {"status_code": 422, "title": 422, "message": errors.INVALID_MESSAGE},
        status_code=422,
    )


@app.exception_handler(IntegrityError)
@app.exception_handler(StaleDataError)
@app.exception_handler(httpx.HTTPError)
async def translated_exception_handler(request: Request, exception: Exception) -> Response:
    """Answer for the database and the upstream API: a race that was lost, a call that failed."""
    return await general_http_exception_handler(request, errors.translated(exception))
