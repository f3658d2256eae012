"""Who else may have been the limit where a side missed an objective: the load driver, or other programs (pure).

The driver's delay in sending tells whether it kept up: it handles answers on the same loop, so it reads them as late as
it sends. Its CPU time does not tell, because it asks the clock until a request is due.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from loadtests.analysis.condition_checks import THROTTLED_LIMIT
from loadtests.analysis.flag_checks import CEILING_SHARE, FOREIGN_LIMIT, LAG_SHARE, STEAL_LIMIT
from loadtests.analysis.trial_summary import samples_needed
from loadtests.records.manifest import MachineRecord
from loadtests.records.schedule_record import ScheduleRecord
from loadtests.records.second_counts import percentile_of

LATE_LEAST_S = 0.001
"""A driver that is less late than this is no limit, however fast the answers are."""
BY_OTHERS = {
    "steal": (STEAL_LIMIT, "the hypervisor took {:.0%} of the cores' time"),
    "foreign": (FOREIGN_LIMIT, "other programs used {:.0%} of the cores' time"),
    "throttled": (THROTTLED_LIMIT, "a CPU quota took {:.1%} of the cores' time"),
}
"""By attribute of a record: the share that may be lost, and what is said of more."""
Histogram = npt.NDArray[np.int64]


def late_driver(lag: Histogram, response: Histogram, plan: ScheduleRecord) -> str | None:
    """Return a sentence if the driver's own delay is a large part of the response time, else None."""
    least = samples_needed(plan.percentile)
    delay_s, response_s = (percentile_of(each, plan.percentile, least) for each in (lag, response))
    if delay_s is None or response_s is None:
        return None
    if delay_s <= LATE_LEAST_S or delay_s <= LAG_SHARE * (response_s if math.isfinite(response_s) else plan.limit_s):
        return None
    return f"p{plan.percentile:g} of the delay with which the load driver sent was {1000 * delay_s:,.0f} ms"


def near_ceiling(rate_rps: float, ceiling_rps: float | None) -> str | None:
    """Return a sentence if a rate is near the highest one that the driver reached by itself, else None."""
    if ceiling_rps is None or rate_rps <= CEILING_SHARE * ceiling_rps:
        return None
    return f"the rate was {rate_rps:,.0f}/s, and the load driver reached {ceiling_rps:,.0f}/s by itself"


def lost_to(name: str, machine: Sequence[MachineRecord], begin_s: float, end_s: float) -> float | None:
    """Return the largest share of the cores' time that was lost in any span that overlaps with an interval.

    Args:
        name: to what: a key of BY_OTHERS.
        machine: the records of one trial.
        begin_s: where the interval begins, in seconds from the beginning of the trial.
        end_s: where it ends.
    """
    shares = [
        share
        for each in machine
        if each.begin_s is not None and each.begin_s < end_s and each.begin_s + each.seconds > begin_s
        if (share := getattr(each, name)) is not None
    ]
    return max(shares, default=None)


def disturbances(machine: Sequence[MachineRecord], begin_s: float, end_s: float) -> Iterator[str]:
    """Say what others took of the machine in an interval, where it is more than a quiet machine loses."""
    for name, (limit, words) in BY_OTHERS.items():
        share = lost_to(name, machine, begin_s, end_s)
        if share is not None and share > limit:
            yield words.format(share)
