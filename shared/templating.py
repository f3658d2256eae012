"""The pages' templates, which both builds render in the same way."""

from datetime import datetime
from pathlib import Path

from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.runtime import Context

SHARED = Path(__file__).parent
STATIC = SHARED / "static"
MEDIA = SHARED / "media"


def day(date: datetime) -> str:
    """Write a date out, as in "November 23, 2026"."""
    return f"{date:%B} {date.day}, {date:%Y}"


@pass_context
def path_for(context: Context, name: str, **parameters: object) -> str:
    """Return a route's path; unlike `url_for` it leaves out the host, which is the client's text."""
    request = context["request"]
    return f"{request.scope.get('root_path', '')}{request.app.url_path_for(name, **parameters)}"


def compile_templates() -> None:
    """Read all templates before the first request, so that none of them waits for a disk."""
    for name in environment.list_templates():
        environment.get_template(name)


environment = Environment(loader=FileSystemLoader(SHARED / "templates"), autoescape=True, auto_reload=False)
environment.filters["day"] = day
environment.globals["path_for"] = path_for
templates = Jinja2Templates(env=environment)
