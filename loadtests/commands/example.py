"""``bench example``: measure what the docs rest on, and write their figures."""

import shutil
from pathlib import Path

from loadtests.system.errors import UsageError
from loadtests.system.terminal import PipeConsole
from loadtests.writing.blocks import fill
from loadtests.writing.example import EXAMPLE, Example, read_example
from loadtests.writing.figures import BLOCKS, pages
from loadtests.writing.measuring import draw_pictures, measure_example

DOCS = Path("docs")
README = Path("README.md")


def example(*, measure: bool) -> None:
    """Write the figures of README and docs from results/example, measured anew if that is asked for.

    Raises:
        UsageError: this is not the project's folder.
        Interrupted, RunError: the measurement could not be completed; the old example stays.
    """
    if not (README.exists() and DOCS.is_dir()):
        raise UsageError("bench example writes this project's own docs; run it in the project's folder")
    if measure:
        fresh, old = EXAMPLE.with_name("example-new"), EXAMPLE.with_name("example-old")
        for left in (fresh, old):
            if left.exists():
                raise UsageError(f"{left} is left of an attempt that did not end; remove it")
        measure_example(fresh)
        if EXAMPLE.exists():
            EXAMPLE.rename(old)
        fresh.rename(EXAMPLE)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draw_pictures(EXAMPLE)
    console = PipeConsole()
    for path in write_docs(read_example()):
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)


def written(example: Example) -> dict[Path, str]:
    """Return every page with its figures, as it should be: those that are generated whole, and those with blocks."""
    whole = {Path(path): text for path, text in pages(example)}
    edited = {
        path: fill(path.read_text(encoding="utf-8"), BLOCKS, example)
        for path in [README, *sorted(DOCS.rglob("*.md"))]
        if path not in whole
    }
    return whole | edited


def write_docs(example: Example) -> list[Path]:
    """Write the pages that are not as they should be; return their paths."""
    changed = []
    for path, text in written(example).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
