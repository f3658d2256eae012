"""Starlette: a class-based endpoint whose `async def get` blocks, and one that does not."""

import asyncio
import time

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Report(HTTPEndpoint):
    async def get(self, _request: Request) -> JSONResponse:
        time.sleep(0.03)  # blocks here
        return JSONResponse({"orders": 3})


class Status(HTTPEndpoint):
    async def get(self, _request: Request) -> JSONResponse:
        await asyncio.sleep(0.01)
        return JSONResponse({"status": "ok"})


app = Starlette(routes=[Route("/report", Report), Route("/status", Status)])
