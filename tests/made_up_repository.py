"""A small git repository with two commits of an app, for what starts or reads commits."""

import os
import subprocess
from pathlib import Path

MAIN = """
from words import WORD
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": WORD})
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git with no settings of the user's; return what it prints."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    """Write files and commit all of them; return the commit's hash."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


def make_repository(folder: Path) -> tuple[str, str]:
    """Make a repository with an app in ``backend/``; return the hashes of its two commits."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    first = commit(folder, {"backend/main.py": MAIN, "backend/words.py": "WORD = b'tea'\n", "uv.lock": "1\n"})
    return first, commit(folder, {"backend/words.py": "WORD = b't' + b'ea'\n", "uv.lock": "2\n"})
