"""A `BaseHTTPMiddleware` that only adds a header: a plain ASGI middleware would cost far less."""

from fastapi import FastAPI, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint


class Version(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-version"] = "1.4.2"
        return response


app = FastAPI()
app.add_middleware(Version)


@app.get("/items")
async def items() -> list[str]:
    return ["tea", "salt"]
