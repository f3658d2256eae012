"""Options of commands that ask requests of one's own: what goes with a request, and what a good answer is.

Where several requests are named, it matters which one an option stands behind; click does not tell. So
``RequestCommand`` reads the command line once more, in its order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import click

from loadtests.experiment.curl import parse_curl
from loadtests.experiment.request_options import TypedOption, is_curl

F = TypeVar("F", bound=Callable[..., object])
REQUEST = (
    click.option(
        "--header",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="A header; it replaces the client's own. May be repeated. Take credentials from the environment:"
        " 'Authorization: Bearer ${TOKEN}', in single quotes.",
    ),
    click.option("--json", multiple=True, metavar="TEXT|@FILE", help="A JSON body."),
    click.option("--form", multiple=True, metavar="TEXT|@FILE", help="A form body, as in a=1&b=2."),
    click.option(
        "--upload",
        multiple=True,
        metavar="FIELD=@FILE",
        help="A file in a form, which is then multipart/form-data; --form gives its other fields. Append"
        " ;type=image/png to set its type.  [default: by its name]",
    ),
    click.option(
        "--data", multiple=True, metavar="TEXT|@FILE", help="A raw body; set its type with --header 'Content-Type: …'."
    ),
    click.option(
        "--expect",
        multiple=True,
        metavar="STATUS",
        help="The only status that counts as a good answer.  [default: any from 200 to 299]",
    ),
    click.option("--contains", multiple=True, metavar="TEXT", help="Text that the body of a good answer must contain."),
)
"""Each of them may be given once for each request of a sequence."""
OF_A_REQUEST = ("header", "json", "form", "upload", "data", "expect", "contains")
OF_A_SEQUENCE = (
    click.option(
        "--take",
        multiple=True,
        metavar="NAME=SOURCE",
        help="With --sequence: a value that each user takes from the answer, for ${NAME} in later requests. SOURCE is"
        " $.field.of[0].json, header:NAME, cookie:NAME or regex:PATTERN, whose first group is taken.",
    ),
    click.option(
        "--once",
        is_flag=True,
        help="With --sequence: each user sends the request only once, for example to log in.",
    ),
)
B_REQUEST = click.option(
    "--b-request",
    multiple=True,
    metavar="REQUEST",
    help='The request to side b that replaces the preceding one, as in "GET /users/sync" --b-request /users/async:'
    " compare two routes of one app. All other options apply to both. Without --b, both sides are the app of --a.",
)
CURL = click.option(
    "--curl",
    multiple=True,
    metavar="'curl …'|@FILE",
    help="A scenario as a curl command, from a browser (“copy as cURL”) or from documentation; best from a file.",
)
SEQUENCE = click.option(
    "--sequence",
    is_flag=True,
    help="The requests are one scenario: each user sends them one after another, again and again. An option of a"
    " request applies to the request before it; ahead of the first request, to all.",
)
VALUES = click.option(
    "--values",
    metavar="FILE",
    help="A .csv or .jsonl file: ${COLUMN} in path, headers and body is filled from its rows, with the next row for"
    " each request, or each pass of a sequence, throughout the run. ${counter} and ${uuid} need no file and are new"
    " each time.",
)

ORDERED = (*OF_A_REQUEST, "take", "once", "b_request")


def options_of(*given: Callable[[F], F]) -> Callable[[F], F]:
    """Return what adds options to a command, in this order."""

    def add(command: F) -> F:
        for option in reversed(given):
            command = option(command)
        return command

    return add


class RequestCommand(click.Command):
    """A command whose arguments are scenarios, and which knows behind which of them an option was typed.

    Its function is given ``scenarios``, those of ``--curl`` among them, and ``typed`` in place of the options.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, then look at the order."""
        words = list(args)
        rest = super().parse_args(ctx, args)
        scenarios, typed = in_order(
            words, {name: each for each in self.params for name in (*each.opts, *each.secondary_opts)}
        )
        for name in (*ORDERED, "curl"):
            ctx.params.pop(name, None)
        ctx.params |= {"scenarios": tuple(scenarios), "typed": tuple(typed)}
        return rest


def in_order(words: Sequence[str], parameters: Mapping[str, click.Parameter]) -> tuple[list[str], list[TypedOption]]:
    """Return the scenarios of a command line, and the options of requests, each with how many stand before it.

    Args:
        words: as typed; click has found that they are all right.
        parameters: the command's options, by what they are called.
    """
    scenarios: list[str] = []
    typed: list[TypedOption] = []
    left = iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        option = parameters.get(name)
        if word == "--":
            scenarios += left
        elif not isinstance(option, click.Option):
            scenarios.append(word)
        else:
            if not option.is_flag and not equals:
                value = next(left, "")
            if option.name == "curl":
                scenarios.append(value if is_curl(value) else f"curl {value}")
            elif option.name in ORDERED:
                typed.append(TypedOption(len(scenarios), name, value))
    return scenarios, typed


def typed_for_all(given: Mapping[str, Sequence[str]]) -> tuple[TypedOption, ...]:
    """Return options, by name, as such that hold for every request."""
    return tuple(TypedOption(0, f"--{name}", value) for name, values in given.items() for value in values)


def say_what_is_left_out(scenarios: Sequence[str]) -> None:
    """Print a line for each thing of a curl command that does not count."""
    for text in filter(is_curl, scenarios):
        for note in parse_curl(text).notes:
            click.echo(f"bench: {note}", err=True)
