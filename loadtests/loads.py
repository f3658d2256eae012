"""How the question is asked: the load that both sides meet."""

from dataclasses import dataclass

from loadtests.errors import UsageError

MAX_USERS = 4096


@dataclass(frozen=True, order=True)
class ClosedLoop:
    """Users who each wait for an answer before they ask again, without think time.

    Attributes:
        users: how many requests are in flight at any moment.
    """

    users: int

    def __str__(self) -> str:
        return "1 user" if self.users == 1 else f"{self.users} users"

    @property
    def slug(self) -> str:
        """A form that is safe in file names."""
        return f"u{self.users}"


def parse_users(text: str) -> tuple[ClosedLoop, ...]:
    """Parse ``1,16,64`` into closed loops, in ascending order; raises UsageError."""
    loads = set()
    for part in text.split(","):
        try:
            users = int(part)
        except ValueError:
            raise UsageError(
                f"--users {text}: {part.strip() or 'an empty part'!r} is not a whole number; try --users 1,16,64"
            ) from None
        if not 1 <= users <= MAX_USERS:
            raise UsageError(f"--users {text}: {users} is outside 1 to {MAX_USERS}")
        loads.add(ClosedLoop(users))
    return tuple(sorted(loads))
