"""Functions of libraries that are replaced by ones that measure, and put back."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, List, Tuple


class Patches:
    """What has been replaced so far, and what could not be."""

    def __init__(self) -> None:
        self.notes: List[str] = []
        """Sentences."""
        self._replaced: List[Tuple[Any, str, Any, bool]] = []
        self._known: Dict[Tuple[int, str], Any] = {}

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace an attribute once by what is made of it; what can't be replaced becomes a note."""
        if (id(owner), name) in self._known:
            return
        try:
            original = getattr(owner, name)
            own = name in vars(owner) if hasattr(owner, "__dict__") else True
            made = make(original)
            if hasattr(original, "__name__"):
                made = functools.wraps(original)(made)
            setattr(owner, name, made)
        except Exception as error:
            self.notes.append(f"{getattr(owner, '__name__', owner)}.{name} can't be watched: {error}")
            return
        self._known[id(owner), name] = owner
        self._replaced.append((owner, name, original, own))

    def undo(self) -> None:
        """Put everything back."""
        for owner, name, original, own in reversed(self._replaced):
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)
        self._replaced.clear()
        self._known.clear()
