"""What is known of a run beside its samples (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.records.outcome import SideLabel


@dataclass(frozen=True)
class Conditions:
    """What is known of a run beside its samples.

    Attributes:
        ceiling_rps: what the driver reaches against a server that does nothing, in requests/s; None if unknown.
        steal: the largest share of the cores' time that the hypervisor took in a block; None if unknown.
        foreign: the largest share of the cores' time that other programs took in a block; None if unknown.
        leaks: how a side's memory grew, where it did.
    """

    ceiling_rps: float | None = None
    steal: float | None = None
    foreign: float | None = None
    leaks: Mapping[SideLabel, str] = field(default_factory=dict)
