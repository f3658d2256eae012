"""Two FastAPI apps that answer and then call the same library without async, in a background task of either kind.

In ``def_task`` the task runs in a thread; in ``async_task`` it blocks the event loop after its own answer was sent, and
so before the answers of others.
"""

import time

from fastapi import BackgroundTasks, FastAPI

MAIL_S = 0.0025
"""Duration of a call to a library without async: 200 of them a second block an event loop half of the time."""


def send_mail() -> None:
    """Block the calling thread."""
    time.sleep(MAIL_S)


async def send_mail_on_the_loop() -> None:
    """Block the event loop."""
    send_mail()


def_task, async_task = FastAPI(), FastAPI()


@def_task.get("/order")
async def order(tasks: BackgroundTasks) -> str:
    """Answer, then send a mail in a thread."""
    tasks.add_task(send_mail)
    return "accepted"


@async_task.get("/order")
async def order_on_the_loop(tasks: BackgroundTasks) -> str:
    """Answer, then send a mail on the event loop."""
    tasks.add_task(send_mail_on_the_loop)
    return "accepted"
