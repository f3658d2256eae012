"""What every page is made with: the templates beside this module, its scripts, and the policy that lets those run."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

TABLES = "tables.js"
"""The script that lets tables be sorted."""


@lru_cache
def template(name: str) -> Template:
    """Return one of the templates; what is put into it is text, and what is missing is an error."""
    templates = Environment(loader=PackageLoader("loadtests.report.html"), autoescape=True, undefined=StrictUndefined)
    templates.trim_blocks = templates.lstrip_blocks = True
    return templates.get_template(name)


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
    text = (files("loadtests.report.html") / "static" / name).read_text(encoding="utf-8")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Script(Markup(text), Markup(f"'sha256-{digest}'"))  # noqa: S704 - ours, and not what was measured


def allowed(scripts: Sequence[Script]) -> Markup:
    """Return the policy's ``script-src``."""
    return Markup(" ").join(each.source for each in scripts)
