"""Two FastAPI apps with the same slow ``def`` route, whose health checks differ.

The health check of ``def_health`` needs one of the threads that the slow route occupies; that of ``async_health`` needs
none.
"""

import time

from fastapi import FastAPI

REPORT_S = 0.2
"""Duration of a call to a library without async, which occupies a thread."""


def report() -> str:
    """Block the calling thread, as a slow query would."""
    time.sleep(REPORT_S)
    return "report"


def health() -> str:
    """Say in a thread that the app is alive."""
    return "ok"


async def health_on_the_loop() -> str:
    """Say on the event loop that the app is alive."""
    return "ok"


def_health, async_health = FastAPI(), FastAPI()
def_health.get("/report")(report)
def_health.get("/health")(health)
async_health.get("/report")(report)
async_health.get("/health")(health_on_the_loop)
