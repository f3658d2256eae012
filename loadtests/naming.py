"""What to call the two sides where there is little room (pure)."""

SHORT = 18
"""Letters that a short name may have."""


def short_names(a: str, b: str) -> tuple[str, str]:
    """Name two sides by their specs if those are short, else by what tells them apart, else by a letter."""
    short_a, short_b = _short(a, b) or "side A", _short(b, a) or "side B"
    return (short_a, short_b) if short_a != short_b else ("side A", "side B")


def _short(spec: str, other: str) -> str | None:
    head, other_head = spec.partition(",")[0], other.partition(",")[0]
    candidates = (
        spec,
        spec.removeprefix(f"{other},"),
        _attribute(spec) if _attribute(spec) != _attribute(other) else spec,
        f"{head}…" if head != other_head else spec,
    )
    return next((each for each in candidates if len(each) <= SHORT), None)


def _attribute(spec: str) -> str:
    """Return ``base`` of ``package.module:base``; a URL, and what is no app, is returned as it is."""
    return spec if "://" in spec else spec.rpartition(":")[2]
