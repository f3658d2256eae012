"""The page's own scripts: the only ones that its security policy lets run, for it knows what each of them hashes to."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup

MODEL, PANEL, TABLES = "model.js", "what_if.js", "tables.js"


@dataclass(frozen=True)
class Script:
    """A script as the page holds it.

    Attributes:
        text: to be put between the tags as it is.
        source: what allows it in the policy's ``script-src``: ``'sha256-…'``.
    """

    text: Markup
    source: Markup


@lru_cache
def script(name: str) -> Script:
    """Return one of the files beside this one."""
    text = (files("loadtests.report") / "static" / name).read_text(encoding="utf-8")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Script(Markup(text), Markup(f"'sha256-{digest}'"))  # noqa: S704 - ours, and not what was measured


def allowed(scripts: Sequence[Script]) -> Markup:
    """Return the policy's ``script-src``."""
    return Markup(" ").join(each.source for each in scripts)
