"""What others take of the machine, seen from inside (load, steal) and by its effect (noise)."""

import math

from loadtests.doctor.check import Check
from loadtests.doctor.sample import Sample

LOAD_MOST = 0.5
"""Load average per core."""
FOREIGN_MOST = 0.05
STEAL_MOST = 0.02
NOISE_MOST = 0.05
BLOCKS = 6
T_975 = 2.571
"""Student's t for a 95 % interval over 6 blocks."""


def check_load(sample: Sample) -> Check:
    """Ask that nothing else runs."""
    foreign = sample.machine.foreign or 0.0
    finding = (
        f"load average {sample.load_average:.2f} on {sample.cores} core{'s' if sample.cores > 1 else ''};"
        f" other processes took {foreign:.0%} of the time just now"
    )
    if sample.load_average > LOAD_MOST * sample.cores or foreign > FOREIGN_MOST:
        return Check("load", ok=False, finding=finding, mend="end what else runs (see `top`), and wait for a minute")
    return Check("load", ok=True, finding=finding)


def check_steal(sample: Sample) -> Check:
    """Ask that no hypervisor gives this machine's time to others."""
    steal = sample.machine.steal
    if steal is None:
        return Check("steal", ok=True, finding="not counted on this system")
    finding = f"{steal:.1%} of the time was given to other machines just now"
    if steal > STEAL_MOST:
        return Check("steal", ok=False, finding=finding, mend="use a machine of your own, or more --blocks")
    return Check("steal", ok=True, finding=finding)


def check_noise(sample: Sample) -> Check:
    """Ask that the same work takes the same time twice in a row."""
    noise = sample.noise
    half_width = math.expm1(T_975 * noise / math.sqrt(BLOCKS))
    finding = (
        f"neighbouring 25 ms of computing differ by {noise:.1%} (sd): an interval over {BLOCKS} blocks is"
        f" ± {half_width:.0%} with one such pair in each, √n times less with n pairs"
    )
    if noise > NOISE_MOST:
        return Check("noise", ok=False, finding=finding, mend="take a quieter machine, or more --time and --blocks")
    return Check("noise", ok=True, finding=finding)
