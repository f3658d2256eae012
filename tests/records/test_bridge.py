"""records/ is the one room that knows where results are and what the files of a run's folder are called."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path("loadtests")
OTHER_ROOMS = [path for path in sorted(HARNESS.rglob("*.py")) if HARNESS / "records" not in path.parents]
NAMES = {"run.json", "summary.json", "trials", ".npz"}
"""Of what only a RunFolder opens."""


def named_files(source: str) -> Iterator[str]:
    """Yield the strings in a module that are a place below results/ or a run's file; not those in sentences."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Name("Path") | ast.Attribute(attr="Path"), [ast.Constant(str(path)), *_]):
                if path.split("/", maxsplit=1)[0] == "results":
                    yield path
            case ast.Constant(str(name)) if name in NAMES:
                yield name


@pytest.mark.parametrize("module", OTHER_ROOMS, ids=str)
def test_other_rooms_leave_results_to_records(module: Path) -> None:
    assert not list(named_files(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('Path("results/x")', ["results/x"]),
        ('pathlib.Path("results") / "x"', ["results"]),
        ('(folder / "run.json").read_text()', ["run.json"]),
        ('"of run.json, by name"', []),
        ('Check("results", ok=True)', []),
    ],
)
def test_what_counts_as_naming_a_file_of_results(source: str, found: list[str]) -> None:
    assert list(named_files(source)) == found
