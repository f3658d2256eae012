"""What speaks for a machine that was not quiet (pure)."""

from collections.abc import Sequence

import numpy as np

from loadtests.experiment.loads import ClosedLoop, Load
from loadtests.summary import Summary
from loadtests.warnings.conditions import Conditions
from loadtests.warnings.flag import Flag

SPREAD_LIMIT = 0.10
SPREAD_BLOCKS = 4
STEAL_LIMIT = 0.02
FOREIGN_LIMIT = 0.05


def noise(load: Load, pairs: Sequence[tuple[Summary, Summary]], conditions: Conditions) -> list[Flag]:
    """Return a flag if others took CPU time, or the ratio jumps from block to block."""
    reasons = []
    if conditions.steal is not None and conditions.steal > STEAL_LIMIT:
        reasons.append(f"the hypervisor took up to {conditions.steal:.0%} of the cores' time in a block")
    if conditions.foreign is not None and conditions.foreign > FOREIGN_LIMIT:
        reasons.append(f"other programs took up to {conditions.foreign:.0%} of the cores' time in a block")
    ratios = [b.throughput_rps / a.throughput_rps for a, b in pairs if a.throughput_rps and b.throughput_rps]
    if isinstance(load, ClosedLoop) and len(ratios) >= SPREAD_BLOCKS:
        spread = float(np.std(np.log(ratios), ddof=1))
        if spread > SPREAD_LIMIT:
            reasons.append(f"from block to block the ratio of throughputs varies by ± {spread:.0%}")
    return [Flag("noisy-machine", None, "; ".join(reasons))] if reasons else []
