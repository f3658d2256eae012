"""A naive load generator: one httpx client, with its own connection pool, shared by all users.

It is a process of its own, ``python -m loadtests.lessons.naive_client``, and prints a ``Count`` as JSON.
"""

import asyncio
import time

import click
import httpx
from pydantic import BaseModel

from loadtests.system.processes import begin_child

WARM_S = 0.5
"""Users start and connections open before answers are counted."""


@click.command()
@click.argument("url")
@click.option("--users", type=int, required=True)
@click.option("--seconds", type=float, required=True)
@click.option("--cores", default="")
def main(url: str, users: int, seconds: float, cores: str) -> None:
    """Put load on URL for some seconds, and print how many good answers there were."""
    begin_child(cores)
    print(asyncio.run(_count(url, users, seconds)).model_dump_json(), flush=True)  # noqa: T201 - its owner reads this


class Count(BaseModel):
    """Good answers, and the seconds in which they were counted."""

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
