"""A load generator as it is often written: one httpx client that all users share. A process of its own.

What the naive client says when it is done.
"""

import asyncio
import time

import click
import httpx
from pydantic import BaseModel

from loadtests.system.processes import begin_child

WARM_S = 0.5
"""Users start, and connections open, before anything is counted."""


@click.command()
@click.argument("url")
@click.option("--users", type=int, required=True)
@click.option("--seconds", type=float, required=True)
@click.option("--cores", default="")
def main(url: str, users: int, seconds: float, cores: str) -> None:
    """Ask URL with so many users for so long, and print how many good answers there were in it."""
    begin_child(cores)
    print(asyncio.run(_count(url, users, seconds)).model_dump_json(), flush=True)  # noqa: T201 - its owner reads this


class Count(BaseModel):
    """Good answers, and the seconds in which they came."""

    answers: int
    seconds: float


async def _count(url: str, users: int, seconds: float) -> Count:
    answers = 0
    opens_s, closes_s = time.monotonic() + WARM_S, time.monotonic() + WARM_S + seconds

    async def user(client: httpx.AsyncClient) -> None:
        nonlocal answers
        while time.monotonic() < closes_s:
            answer = await client.get(url)
            if answer.is_success and opens_s <= time.monotonic() < closes_s:
                answers += 1

    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with (
        httpx.AsyncClient(limits=limits, timeout=seconds + 10, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(users):
            group.create_task(user(client))
    return Count(answers=answers, seconds=seconds)


if __name__ == "__main__":
    main()
