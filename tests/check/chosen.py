"""Which verdict a check gives where more than one is right; the table in docs/check.md shows these."""

from collections.abc import Mapping

from tests.check.made_up_app import App, Route, Verdict

CHOSEN: Mapping[tuple[str, str], Verdict] = {
    ("client_per_request", "GET /weather"): "move-out-of-loop",
    ("hop_for_nothing", "GET /version"): "keep",
    ("password_hash_in_async", "GET /unlock"): "move-out-of-loop",
    ("sync_generator_streamed", "GET /squares.csv"): "keep",
    ("sync_generator_streamed", "GET /cubes.csv"): "keep",
    ("blocking_async_generator", "GET /progress"): "make-def",
    ("lock_across_await", "GET /stock"): "give-room",
    ("few_threads", "GET /weather"): "make-async",
    ("async_pool_of_one", "GET /orders"): "give-room",
    ("cpu_in_async", "GET /primes"): "move-out-of-loop",
}
"""By app and route. Of an answer of many rows it depends on the machine whether it is too long for the loop."""


def given(app: App, route: Route) -> tuple[Verdict, ...]:
    """Return the verdicts that a check may give."""
    chosen = CHOSEN.get((app.name, route.route))
    return route.verdicts if chosen is None else (chosen,)
