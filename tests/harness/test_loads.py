import pytest

from loadtests.errors import UsageError
from loadtests.loads import ClosedLoop, parse_users


def test_loads_come_in_ascending_order_without_repeats() -> None:
    assert parse_users("64, 1,16,1") == (ClosedLoop(1), ClosedLoop(16), ClosedLoop(64))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0", "outside 1 to 4096"),
        ("-3", "outside 1 to 4096"),
        ("5000", "outside 1 to 4096"),
        ("1,,2", "an empty part"),
        ("", "an empty part"),
        ("many", "'many' is not a whole number"),
        ("1.5", "'1.5' is not a whole number"),
    ],
)
def test_what_is_no_number_of_users_is_named(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_users(text)
