import pytest

from loadtests.check.rewrites import as_async, as_def, only_makes_values


def test_a_coroutine_function_that_awaits_nothing_is_written_as_def() -> None:
    assert as_def("@app.get('/')\nasync def f():\n    return 1\n") == "@app.get('/')\ndef f():\n    return 1\n"
    assert as_def("class A:\n    async def get(self):\n        return 1\n").count("async") == 0


@pytest.mark.parametrize("line", ["await g()", "async with g(): pass", "async for _ in g(): pass"])
def test_one_that_awaits_is_not(line: str) -> None:
    assert as_def(f"async def f():\n    {line}\n") == ""


def test_a_generator_gets_the_type_of_an_asynchronous_one() -> None:
    assert as_async("def f() -> Iterator[int]:\n    yield 1\n") == "async def f() -> AsyncIterator[int]:\n    yield 1\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    return {'a': [1, 2]}\n", True),
        ("def f():\n    return Item(name=str(1))\n", True),
        ("@app.get('/')\ndef f():\n    return 1\n", True),
        ("def f():\n    return read()\n", False),
        ("def f():\n    return db.all()\n", False),
        ("async def f():\n    return 1\n", False),
        ("lambda: 1", False),
        ("no python", False),
    ],
)
def test_a_function_that_only_makes_values_calls_types_at_the_most(source: str, expected: bool) -> None:
    assert only_makes_values(source) is expected
