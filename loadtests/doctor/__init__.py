"""Checks of ``bench doctor``: whether this machine is fit to measure on.

A ``check_…`` function looks at the machine; the ``judge_…`` function beside it decides from values alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of ``bench doctor``.

    Attributes:
        name: what was checked, in a word or two.
        ok: whether it is fit; if not, it needs attention.
        finding: what was found, in a sentence without a full stop.
        fix: what to do about it; empty if nothing.
    """

    name: str
    ok: bool
    finding: str
    fix: str = ""
