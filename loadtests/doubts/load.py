"""Doubts about the load: whether the client could make it, and what its kind hides (pure)."""

from collections.abc import Iterator

from loadtests.analysis.flag_checks import DRIVER_BUSY_LIMIT
from loadtests.analysis.summary import samples_needed
from loadtests.charts.view import View
from loadtests.charts.wording import listed, named
from loadtests.doubts.doubt import Doubt
from loadtests.experiment.loads import OpenLoop


def driver(run: View) -> Iterator[Doubt]:
    """Say how much room the load driver had."""
    busiest = max(run.cells.values(), key=lambda cell: cell.driver_peak, default=None)
    if busiest is None or busiest.driver_peak > DRIVER_BUSY_LIMIT:
        return
    yield Doubt(
        "The load driver had room",
        f"In its busiest second it took {busiest.driver_peak:.0%} of its core ({busiest.scenario} at"
        f" {named([busiest.load])}, {run.names[busiest.label]}). A busier client would have been measured instead of"
        " the server.",
    )


def ceiling(run: View) -> Iterator[Doubt]:
    """Say how near the fastest cell came to what the driver can send at all."""
    ceiling_rps = run.manifest.driver_ceiling_rps
    if ceiling_rps is None:
        yield Doubt("The load driver's ceiling is not known", "It was not measured by itself when the run began.")
        return
    fastest_rps = max((cell.throughput.value for cell in run.cells.values() if cell.throughput), default=0.0)
    yield Doubt(
        "The load driver's ceiling",
        f"Against a server that does nothing it reached {ceiling_rps:,.0f} requests/s when the run began; the fastest"
        f" cell came to {fastest_rps / ceiling_rps:.0%} of that.",
    )


def locust(run: View) -> Iterator[Doubt]:
    """Say what it means that Locust put on the load."""
    if run.manifest.driver != "locust":
        return
    workers = run.manifest.workers
    if workers > 1:
        text = (
            f"A master and {workers} workers. How busy they were is said of the busiest of them, or of all together on"
            " the cores they share, whichever is nearer to its limit."
        )
    else:
        text = "One process of Locust sent all requests."
    yield Doubt("Locust put on the load", f"{text} Journeys think between requests, which bounds their throughput.")


def loop(run: View) -> Iterator[Doubt]:
    """Say what this kind of load hides."""
    if not run.open_loop:
        yield Doubt(
            "A closed loop",
            "Users wait for their answer before they ask again, so a slow server is asked less often. Under arrivals"
            " that do not wait, its response times would be worse than these; --rate measures them.",
        )
        return
    yield from _few_requests(run)
    yield Doubt(
        "An open loop",
        "Arrivals take no notice of the server, as if every request came from another user who has never met it. Real"
        " users who meet a slow site leave it, or try again. Near a server's limit a slightly higher rate means a much"
        " longer wait: what holds at one rate says little about the next.",
    )
    yield Doubt(
        "Short windows",
        "A queue that takes minutes to build up is not seen in a few seconds. A side that keeps up here by a little may"
        " fall behind over an hour.",
    )
    if any(isinstance(load, OpenLoop) and load.arrivals == "constant" for load in run.loads):
        yield Doubt(
            "Evenly spaced arrivals",
            "Nothing comes in bursts, so requests get in each other's way less than those of independent users would.",
        )


def _few_requests(run: View) -> Iterator[Doubt]:
    needed = samples_needed(99)
    short = [
        load for load in run.loads if any("too-few-samples" in c.flags and c.load == load for c in run.headlines())
    ]
    if short:
        times = listed([f"{needed / load.size:.1f} s at {named([load])}" for load in short])
        yield Doubt(
            "Too few requests for a 99th percentile",
            f"It needs {needed} requests of each side in every block. That takes windows of {times} together; a longer"
            " --time has them.",
            serious=True,
        )
