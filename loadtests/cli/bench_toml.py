"""Where ``bench run`` looks for a file that says what is asked: here, or where an option says."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from loadtests.cli.request_options import say_what_is_left_out
from loadtests.experiment.bench_toml import FILE_NAME
from loadtests.experiment.bench_toml_options import FileOptions, read_bench_toml
from loadtests.experiment.side_text import is_commit_alone
from loadtests.experiment.sides import LABELS
from loadtests.system.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_options(command: _Command) -> _Command:
    """Add the options that say which file is read."""
    command = click.option(
        "--no-config", is_flag=True, help=f"Do not read {FILE_NAME}, even if it exists and no side is given."
    )(command)
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A file with the options of the run; options on the command line override it.  "
        f"[default: {FILE_NAME} in this folder, if it exists and neither --a nor --b names an app]",
    )(command)


def found_file(options: Mapping[str, object], typed: Mapping[str, object]) -> FileOptions | None:
    """Read the file that a run is to follow, and say so; None if there is none.

    Args:
        options: all options.
        typed: those that were typed.

    Raises:
        UsageError: it can't be read, or something in it is no good.
    """
    named = options["config"]
    if options["no_config"]:
        if named is not None:
            raise UsageError(f"--no-config --config {named}: give one of them")
        return None
    file = Path(str(named or FILE_NAME))
    sides = [str(typed[label]) for label in LABELS if label in typed]
    if named is None and (not all(map(is_commit_alone, sides)) or not file.is_file()):
        return None
    found = read_bench_toml(file)
    click.echo(f"bench: using {file}; --no-config ignores it", err=True)
    say_what_is_left_out(found.curl)
    return found
