"""Texts with places like ``${token}``, which are filled when a request is sent (pure)."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_PLACE = re.compile(rf"\$\$(?=\{{)|\$\{{(?P<name>{NAME})\}}")


class Template:
    """A text, cut at its places; ``$${`` stands for ``${`` itself.

    Attributes:
        names: of its places, in order.
    """

    def __init__(self, text: str) -> None:
        """Look for the places; what is no name between braces stays as it is."""
        parts: list[str] = []
        literal, end = "", 0
        for place in _PLACE.finditer(text):
            literal += text[end : place.start()]
            end = place.end()
            if place["name"] is None:
                literal += "$"
            else:
                parts += [literal, place["name"]]
                literal = ""
        self._parts = (*parts, literal + text[end:])
        self.names = self._parts[1::2]

    def fill(self, values: Mapping[str, str], prepare: Callable[[str], str] = str) -> str:
        """Return the text with a value, prepared, in each of its places; raises KeyError if one has none."""
        if not self.names:
            return self._parts[0]
        filled = list(self._parts)
        filled[1::2] = [prepare(values[name]) for name in self.names]
        return "".join(filled)

    def around(self, prepare: Callable[[str], str]) -> str:
        """Return the text with its places as they are, and all that stands around them prepared."""
        parts = [prepare(part) for part in self._parts]
        parts[1::2] = [f"${{{name}}}" for name in self.names]
        return "".join(parts)


@lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """Return a text as a template, which is made once."""
    return Template(text)
