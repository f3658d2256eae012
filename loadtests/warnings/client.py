"""Was it the client? What speaks for the load driver having been the limit, not the server (pure)."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.flow import together
from loadtests.percentiles import percentile
from loadtests.summary import Summary
from loadtests.warnings.conditions import Conditions
from loadtests.warnings.steadiness import LITTLES_LAW_LIMIT, ON_TIME_LEAST, deviation

DRIVER_BUSY_LIMIT = 0.8
CEILING_SHARE = 0.8
"""Share of the driver's ceiling from which on a rate may be the driver's."""
LAG_SHARE = 0.1
"""Share of the response time, at the median and at the 99th percentile, that may be the client's own delay."""


def busy_client(load: Load, good: Sequence[Summary], conditions: Conditions) -> Iterator[str]:
    """Yield what the client itself shows of having been the limit."""
    closed = isinstance(load, ClosedLoop)
    rate = float(np.mean([s.throughput_rps if closed else s.offered_rps for s in good]))
    if conditions.ceiling_rps and rate > CEILING_SHARE * conditions.ceiling_rps:
        yield f"{rate:,.0f} requests/s, of {conditions.ceiling_rps:,.0f} that the driver can send at all"
    peak = max(s.driver_peak for s in good)
    if peak > DRIVER_BUSY_LIMIT:
        yield f"the driver's core was busy {peak:.0%} in some second"
    on_time = float(np.mean([s.on_time for s in good]))
    if on_time < ON_TIME_LEAST:
        yield f"only {on_time:.1%} of the requests were sent while their window was open"
    lags, latencies = (np.sort(np.concatenate([getattr(s, n) for s in good])) for n in ("lags_s", "latencies_s"))
    for wanted in (99.0, 50.0):
        lag, latency = percentile(lags, wanted), percentile(latencies, wanted)
        if lag and latency and math.isfinite(latency) and lag > LAG_SHARE * latency:
            yield f"p{wanted:g} of the dispatch lag was {lag * 1000:.1f} ms, of the response {latency * 1000:.1f} ms"
            break


def unbalanced(load: Load, good: Sequence[Summary]) -> Iterator[str]:
    """Yield where the flow of requests does not add up, as it would in a steady state without a client in the way."""
    whole = together([s.flow for s in good])
    if (law := deviation(good)) and law.sure:
        yield law.reason
    if isinstance(load, ClosedLoop) and whole.windows_s and whole.in_flight < (1 - LITTLES_LAW_LIMIT) * load.users:
        yield f"of {load}, {whole.in_flight:.1f} were waiting for the server on average; the others for the client"
