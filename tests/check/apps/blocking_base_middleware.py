"""A `BaseHTTPMiddleware` that reports each request to another service, and blocks."""

import os

import httpx
from fastapi import FastAPI, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

UPSTREAM_URL = os.environ["UPSTREAM_URL"]


class Audit(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        httpx.post(f"{UPSTREAM_URL}/audit", params={"wait_ms": 20}, json={"path": request.url.path})  # blocks here
        return response


app = FastAPI()
app.add_middleware(Audit)


@app.get("/items")
async def items() -> list[str]:
    return ["tea", "salt"]


@app.get("/squares")
def squares() -> int:
    return sum(number * number for number in range(200_000))
