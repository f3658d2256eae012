"""The ``bench`` command: parse, call, print.

What a command needs is imported when it is called: matplotlib and the rest take a second, in which neither
`--help` nor Ctrl-C should have to wait.
"""

import sys
from contextlib import suppress

import click

from loadtests.cli import asking, looking, running, teaching, trusting
from loadtests.cli.group import bench
from loadtests.system.errors import BenchError, Interrupted, RunError, as_exception
from loadtests.system.processes import stop_all

__all__ = ["asking", "bench", "looking", "main", "running", "teaching", "trusting"]


def main() -> None:
    """Run a command; every failure is one line on standard error and an exit status."""
    try:
        with as_exception():
            bench.main(standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except (BenchError, Interrupted) as error:
        _fail(str(error), error.exit_status)
    except OSError as error:  # the disk is full, or a folder can't be written
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", RunError.exit_status)
    finally:
        stop_all()


def _fail(message: str, status: int) -> None:
    with suppress(OSError):  # the terminal may be gone
        click.echo(f"bench: {message}", err=True)
    sys.exit(status)
