"""Blocks of the docs that are generated: what stands between their marks is replaced, the rest is left alone (pure).

A block begins with ``<!-- from the example: NAME -->`` and ends with ``<!-- end -->``.
"""

import re
from collections.abc import Callable, Mapping

from loadtests.system.errors import UsageError
from loadtests.writing.example import Example

BEGIN, END = "\n<!-- from the example: ", "\n<!-- end -->\n"
_BLOCK = re.compile(r"(<!-- from the example: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Block = Callable[[Example], str]


class UnknownBlock(UsageError):
    """A page asks for a block that there is not."""


def fill(page: str, blocks: Mapping[str, Block], example: Example) -> str:
    """Return a page with every block written anew; raises UnknownBlock."""

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in blocks:
            raise UnknownBlock(f"there is no block {name!r}; there are: {', '.join(blocks)}")
        return f"{match[1]}{blocks[name](example).rstrip()}\n{match[3]}"

    if page.count(BEGIN) != page.count(END):
        raise UnknownBlock(
            f"{page.count(BEGIN)} blocks begin and {page.count(END)} end on a page that begins: {page[:40]!r}"
        )
    return _BLOCK.sub(replaced, page)
