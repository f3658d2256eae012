"""Starlette: class-based and plain endpoints that await, one of them in a mounted group."""

import asyncio

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route


class Orders(HTTPEndpoint):
    async def get(self, _request: Request) -> JSONResponse:
        await asyncio.sleep(0.01)
        return JSONResponse([1, 2, 3])


async def home(_request: Request) -> JSONResponse:
    return JSONResponse({"shop": "tea and salt"})


app = Starlette(routes=[Route("/", home), Mount("/v1", routes=[Route("/orders", Orders)])])
