import pytest

from loadtests.analysis.flag_checks import leak
from loadtests.analysis.trial_summary import Summary
from tests.made_up_samples import summary


def trials(*megabytes: int) -> list[Summary]:
    """Return a block's trials, one reading each."""
    return [
        Summary(**{**vars(summary(100.0)), "sizes": ((float(at), size * 10**6),)}) for at, size in enumerate(megabytes)
    ]


@pytest.mark.parametrize(
    ("blocks", "leaks"),
    [
        ([[100, 150, 200, 250]], True),
        ([[100, 150, 200, 250], [100, 160, 220, 280]], True),
        ([[100, 150, 160, 170]], False),  # it warms up
        ([[100, 100, 100, 300], [100, 300, 300, 300]], False),  # one cell makes it large
        ([[100, 200, 300]], False),  # too few readings
        ([[100, 150, 200, 250], [100]], True),  # a block that ended early tells nothing
        ([[100, 150, 200, 80]], False),  # it was replaced
        ([[], []], False),
    ],
)
def test_a_leak_is_growth_in_the_later_half_of_every_block(blocks: list[list[int]], leaks: bool) -> None:
    assert (leak({number: trials(*block) for number, block in enumerate(blocks)}) is not None) == leaks


def test_the_fastest_growth_is_told() -> None:
    found = leak({0: trials(100, 150, 200, 250), 1: trials(100, 160, 220, 380)})
    assert found == "its memory grew from 160 to 380 MB in the later half of a block"
