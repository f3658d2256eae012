"""Two handlers side by side: every line is shown, at the same height, and what differs is marked on both sides."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.html.handlers import Line, side_by_side

LINES = st.lists(st.text(alphabet="ab =().", max_size=8), max_size=8)


def text(lines: list[Line]) -> list[str]:
    return ["".join(part for part, _ in line.parts) for line in lines if not line.gap]


def test_what_async_adds_is_marked_word_by_word() -> None:
    a, b = side_by_side(["def f(db):", "    return db.get(1)"], ["async def f(db):", "    return await db.get(1)"])
    assert a == [
        Line([("def f(db):", False)], differs=True),
        Line([("    return ", False), ("db.get(1)", False)], differs=True),
    ]
    assert b == [
        Line([("async ", True), ("def f(db):", False)], differs=True),
        Line([("    return ", False), ("await ", True), ("db.get(1)", False)], differs=True),
    ]


def test_lines_that_have_nothing_in_common_are_marked_as_a_whole() -> None:
    [a], [b] = side_by_side(["with open(file) as f:"], ["sleep()"])
    assert (a.parts, b.parts) == ([("with open(file) as f:", True)], [("sleep()", True)])


def test_a_line_of_one_side_faces_a_gap() -> None:
    a, b = side_by_side(["x", "z"], ["x", "y", "z"])
    assert [line.gap for line in a] == [False, True, False]
    assert [line.differs for line in b] == [False, True, False]


@given(LINES, LINES)
def test_nothing_is_lost_and_both_sides_stay_level(one: list[str], other: list[str]) -> None:
    a, b = side_by_side(one, other)
    assert len(a) == len(b)
    assert (text(a), text(b)) == (one, other)
    assert all(x.differs == y.differs or x.gap or y.gap for x, y in zip(a, b, strict=True))
    assert [x for x in a if not x.differs and not x.gap] == [y for y in b if not y.differs and not y.gap]
