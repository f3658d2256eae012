"""Scenarios of the catalogue that show a mistake, or a way out of it; lessons measure them, ``--full`` does not."""

from collections.abc import Mapping

from loadtests.scenario import Request
from loadtests.scenario_entry import WORKLOADS, Build, Entry, Parameters, workload

ONE_IN = 200
"""Of so many requests to a starved neighbour one computes: so few that the slowest 1 % are of the cheap ones."""


def _beside(path: str) -> Build:
    """Return one request that computes, and many that only wait a little, in turn."""

    def build(parameters: Parameters) -> tuple[Request, ...]:
        heavy = Request("GET", f"{WORKLOADS}/{path}rounds={parameters['rounds']:.0f}", contains=b"digest")
        wait = f"cpu_ms=0&wait_ms={parameters['wait_ms']:g}"
        cheap = Request("GET", f"{WORKLOADS}/mixed?{wait}", contains=b"wait")
        return (heavy, *[cheap] * (ONE_IN - 1))

    return build


PITFALLS: Mapping[str, Entry] = {
    "blocking": Entry(
        "pitfall",
        "time.sleep in the handler",
        "async collapses to one request at a time; `def` does not mind.",
        workload("blocking", "wait"),
        {"wait_ms": 20},
    ),
    "blocking_session": Entry(
        "pitfall",
        "a synchronous Session in the handler",
        "async collapses to one query at a time; `def` does not mind.",
        workload("blocking-session", "wait"),
        {"wait_ms": 20},
    ),
    "blocking_client": Entry(
        "pitfall",
        "a synchronous HTTP client in the handler",
        "async collapses to one call at a time; `def` does not mind.",
        workload("blocking-client", "waited"),
        {"wait_ms": 20},
    ),
    "lazy": Entry(
        "pitfall",
        "touch post.author without having loaded it",
        "`def` answers, with a query for each author; async refuses: MissingGreenlet.",
        workload("lazy", "authors"),
    ),
    "neighbour": Entry(
        "pitfall",
        "a route that waits 10 ms, and one request in 200 that computes for long",
        "async makes all wait for the computation; `def` computes in a thread, and the cheap ones pass it.",
        _beside("hash?"),
        {"rounds": 1_000_000, "wait_ms": 10},
    ),
    "fan_out_threads": Entry(
        "pitfall",
        "five independent calls to a slow external API, with threads in `def`",
        "No difference for one user: threads wait for all five at once, too. With many users threads run out.",
        workload("upstream", "waited", mode="threads"),
        {"wait_ms": 50, "calls": 5},
    ),
}
