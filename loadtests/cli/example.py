"""``bench example``: measure what the docs rest on, and write their figures."""

import shutil
from collections.abc import Collection

import click

from loadtests.lessons.docs import DOCS, README, write_docs
from loadtests.lessons.example import draw_pictures, measure_example, read_example
from loadtests.records.run_folder import EXAMPLE
from loadtests.system.errors import UsageError
from loadtests.system.terminal import PipeConsole


@click.command(name="example", hidden=True)
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.option("--measure", is_flag=True, help="Measure first: everything, half an hour, or just the parts named.")
def example_(parts: tuple[str, ...], measure: bool) -> None:
    """Write the figures of this project's README and docs from results/example.

    A PART is run, curve, dial, deadlock, or the name of a lesson or claim.
    """
    example(parts, measure=measure)


def example(parts: Collection[str] = (), *, measure: bool) -> None:
    """Write the figures of README and docs from results/example, measured anew if that is asked for.

    Args:
        parts: what to measure; everything if there are none.
        measure: whether to measure first.

    Raises:
        UsageError: this is not the project's folder, or a part is unknown.
        Interrupted, RunError: the measurement could not be completed; the old example stays.
    """
    if not (README.exists() and DOCS.is_dir()):
        raise UsageError("bench example writes this project's own docs; run it in the project's folder")
    if parts and not measure:
        raise UsageError("a part is named to measure it; add --measure")
    if measure:
        fresh, old = EXAMPLE.with_name("example-new"), EXAMPLE.with_name("example-old")
        for left in (fresh, old):
            if left.exists():
                raise UsageError(f"{left} is left over from an unfinished attempt; remove it")
        measure_example(fresh, parts)
        if EXAMPLE.exists():
            EXAMPLE.rename(old)
        fresh.rename(EXAMPLE)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draw_pictures(EXAMPLE)
    console = PipeConsole()
    for path in write_docs(read_example()):
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)
