"""The ``bench`` command with its subcommands, a module each: parse what was typed, call, print.

A subcommand's module is imported when it is called: importing all of them takes seconds, and neither ``--help`` nor
Ctrl-C should have to wait.
"""

import io
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module, metadata
from textwrap import fill

import click

from loadtests.system.errors import BenchError, Interrupted, RunError, signals_as_exceptions
from loadtests.system.processes import stop_all

SUBCOMMANDS = {
    "capacity": "Say how much load a side can handle: by a model, or measured against an objective.",
    "check": "Say which routes of APP should change, at which line, and what the gain would be.",
    "claims": "Test the tutorial's claims and published figures on this machine.",
    "compare": "Put the same cells of several runs side by side, and say which comparison is fair.",
    "curve": "Measure SCENARIO from one user to many, and draw both sides' throughput with its ceilings.",
    "deadlock": "Show how threads and connections of the sync build deadlock, and how to fix it.",
    "dial": "Vary how long a request computes and how long it waits, and compare both sides.",
    "doctor": "Check whether this machine is fit for measuring.",
    "export": "Write the samples or the results of RUN, a run's folder, for other programs.",
    "history": "Show the runs in FOLDER over time, where their figures changed, and between which commits.",
    "init": "Write bench.toml, the file with the requests of bench run, from the routes of SIDE.",
    "lab": "Load two servers side by side, and change the load on a web page while you watch.",
    "lesson": "Take the lesson NAME: a question, two pieces of code, a live measurement, the answer and the reason.",
    "list": "List the scenarios and what is expected of each.",
    "report": "Rebuild summary, charts and report of RUN, a run's folder, from its raw samples.",
    "run": "Measure both sides and say which is faster.",
    "serve": "Serve SIDE on its own, to inspect it or to load it by hand.",
    "timeline": "Draw where the requests of one cell of RUN were: in threads, on the event loop, or in which queue.",
    "validate": "Ask questions with known answers, and say how often this harness is wrong on this machine.",
    "worker": "Send load from this machine, as the run on MASTER tells it to.",
}
"""The first paragraph of each one's help, which the list of all of them shows."""
HIDDEN = ("example",)
DISTRIBUTION = "def-or-async"
"""As pyproject.toml names it."""
NARROWEST = 40
"""Columns: on less than this, lines that end between words are hard to read, too."""
SETTINGS = {"max_content_width": 100, "help_option_names": ["-h", "--help"], "show_default": True}


class LazyGroup(click.Group):
    """Subcommands that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names that help shows."""
        return [*SUBCOMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand; None if there is none of that name."""
        if cmd_name not in SUBCOMMANDS and cmd_name not in HIDDEN:
            return None
        command: click.Command = getattr(import_module(f"loadtests.cli.{cmd_name}"), f"{cmd_name}_")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        listed = {name: click.Command(name, help=text) for name, text in SUBCOMMANDS.items()}
        click.Group(commands=listed).format_commands(ctx, formatter)


def _print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the version and, in a checkout, its commit; a plus sign says that files differ from it."""
    if not wanted:
        return
    from loadtests.system.machine import own_commit

    commit = own_commit()
    click.echo(f"bench {metadata.version(DISTRIBUTION)}" + (f" (commit {commit})" if commit else ""))
    context.exit()


@click.group(cls=LazyGroup, context_settings=SETTINGS)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version, and the commit in a checkout, and exit.",
)
def bench() -> None:
    """Answer one question with evidence: should a route be def or async def.

    The same FastAPI blog exists twice, with `def` routes and with `async def` routes. `bench run` puts both
    under the same load, side by side, and says which one is faster, by how much, and how sure that is.
    """


def main() -> None:
    """Run a command; every failure is one line on standard error and an exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a sign that can't be shown is no reason to end
        sys.stdout.reconfigure(errors="replace")
    try:
        with signals_as_exceptions():
            bench.main(standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except (BenchError, Interrupted) as error:
        _fail(str(error), error.exit_status)
    except OSError as error:  # the disk is full, or a folder can't be written
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", RunError.exit_status)
    except Exception:  # a fault of ours: Python would end with 1, which says that a target was missed
        traceback.print_exc()
        sys.exit(RunError.exit_status)
    finally:
        stop_all()


def _fail(message: str, status: int) -> None:
    said = f"bench: {message}"
    with suppress(OSError):  # the terminal may be gone
        width = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else 0
        click.echo(_wrapped(said, width) if width >= NARROWEST else said, err=True)
    sys.exit(status)


def _wrapped(text: str, width: int) -> str:
    """Break lines between words, where a terminal would break within one, as in "--" and "start-limit"."""
    lines = (fill(line, width, break_long_words=False, break_on_hyphens=False) for line in text.split("\n"))
    return "\n".join(lines)
