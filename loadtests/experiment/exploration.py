"""How far both sides are asked what their OpenAPI documents allow, before anything is measured (pure)."""

from dataclasses import dataclass
from importlib.util import find_spec

from loadtests.system.errors import UsageError

CASES = 200
SECONDS = 30.0
DOCUMENT = "/openapi.json"
MOST_CASES = 100_000
MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class Exploration:
    """What is asked.

    Attributes:
        cases: how many requests at the most, of all routes together.
        seconds: how long it may take, to think of them and to ask them.
        writes: whether requests that may change something are asked, too.
        document: path of a side's OpenAPI document.
        seed: everything random follows from it.
    """

    cases: int = CASES
    seconds: float = SECONDS
    writes: bool = False
    document: str = DOCUMENT
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError if it can't be done."""
        if not 1 <= self.cases <= MOST_CASES:
            raise UsageError(f"--explore-cases {self.cases}: must be from 1 to {MOST_CASES:,}")
        if not 0 < self.seconds <= MOST_SECONDS:
            raise UsageError(
                f"--explore-time {self.seconds:g}: must be above 0 and at most {MOST_SECONDS:,.0f} seconds"
            )
        if not self.document.startswith("/"):
            raise UsageError(f"--explore-document {self.document}: write a path that starts with /, as in {DOCUMENT}")
        if find_spec("schemathesis") is None:
            raise UsageError(
                "--explore needs schemathesis, which is not installed: uv run --extra explore bench …, or install"
                " def-or-async[explore]"
            )
