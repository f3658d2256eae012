"""What a check found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of ``bench doctor``.

    Attributes:
        name: what was looked at, in a word or two.
        ok: whether it is fit; else it needs attention.
        finding: what was found, in a sentence without a full stop.
        mend: what to do about it; empty where nothing has to be done.
    """

    name: str
    ok: bool
    finding: str
    mend: str = ""
