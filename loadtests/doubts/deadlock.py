"""A side that stops answering because threads and connections wait for each other, told by its name (pure)."""

from collections.abc import Iterator, Mapping

from loadtests.charts.view import LABELS, View
from loadtests.charts.wording import listed, named
from loadtests.doubts.doubt import Doubt
from loadtests.experiment.loads import ClosedLoop

SYNC_BUILD = "sync_app.main:app"
SIGN = "nothing was answered"
"""How a trial says that its side hung."""


def deadlock(run: View) -> Iterator[Doubt]:
    """Say who waits for whom, where the sync build hung with nothing to limit its sessions."""
    for label, side in zip(LABELS, (run.manifest.a, run.manifest.b), strict=True):
        threads, connections = _resources(side.settings)
        hung = [
            f"{cell.scenario} at {named([load])}"
            for (_, load, whose), cell in run.cells.items()
            if whose == label
            and isinstance(load, ClosedLoop)
            and load.users > connections
            and any(SIGN in sentence for sentence in cell.collapsed)
        ]
        if hung and threads:
            yield Doubt(
                f"{run.names[label]}: a deadlock of threads and connections",
                f"Of the {threads} worker threads all wait for one of {connections} database connections. The"
                f" {connections} requests that hold one wait for a thread, which FastAPI needs to turn their result"
                " into an answer and to give the connection back. Nobody moves until the pool gives up, after 30 s:"
                " “QueuePool limit … reached”. A larger pool only moves the edge. The cure is to let no more requests"
                f" begin than there are connections: Depends(get_db, max_concurrency={connections}), which is what the"
                f" build does without session_limit=none. Seen in {listed(hung)}.",
                serious=True,
            )


def _resources(settings: Mapping[str, str | int | float | None]) -> tuple[int, int]:
    """Return threads and connections of a sync build whose sessions nothing limits; no threads for any other side."""
    if settings.get("app") != SYNC_BUILD or settings.get("session_limit") != "none":
        return 0, 0
    threads, pool, overflow = (int(settings[name] or 0) for name in ("thread_limit", "pool_size", "max_overflow"))
    return threads, pool + overflow
