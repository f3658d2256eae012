"""Users divided among the journeys they make (pure)."""

from collections.abc import Mapping


def shares(weights: Mapping[str, int], users: int) -> dict[str, int]:
    """Divide users by weight, the largest remainders first; who gets none is left out."""
    total = sum(weights.values())
    whole = {name: users * weight // total for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: users * weights[name] % total, reverse=True)
    lucky = by_remainder[: users - sum(whole.values())]
    return {name: count for name, share in whole.items() if (count := share + (name in lucky))}
