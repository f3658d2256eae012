"""What a check found."""

from dataclasses import dataclass
from pathlib import Path


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


def read_text(path: str) -> str | None:
    """Return what a file of the system says, stripped; None where there is none, or nothing in it."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
