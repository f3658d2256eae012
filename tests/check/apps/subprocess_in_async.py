"""A command that is started and waited for in an `async def`."""

import asyncio
import subprocess

from fastapi import FastAPI

app = FastAPI()


@app.get("/converted")
async def converted() -> dict[str, int]:
    done = subprocess.run(["sleep", "0.04"], check=False)  # blocks here
    return {"status": done.returncode}


@app.get("/converted/awaited")
async def converted_awaited() -> dict[str, int]:
    process = await asyncio.create_subprocess_exec("sleep", "0.04")
    return {"status": await process.wait()}
