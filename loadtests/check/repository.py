"""Where the files of a check are in the repository that the app's folder is in."""

import linecache
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from loadtests.check.record import Check, Site

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders of packages: their files are in no repository, though they may lie within its folder."""


@dataclass(frozen=True)
class Sources:
    """Where files are.

    Attributes:
        folder: the app's, which files of a check are relative to.
        root: the repository's.
    """

    folder: Path
    root: Path

    @classmethod
    def of(cls, check: Check, root: Path | None) -> "Sources":
        """Find the repository that the app's folder is in; without one it is this folder, or the app's."""
        folder = Path(check.folder).resolve()
        if root is None:
            here = Path.cwd().resolve()
            fallback = here if folder.is_relative_to(here) else folder
            root = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), fallback)
        return cls(folder, root.resolve())

    def uri(self, site: Site) -> str | None:
        """Return a file's address from the repository's root; None if it is not in the repository.

        Links are followed, for GitHub finds no source behind one.
        """
        file = self._file(site)
        if not file.is_relative_to(self.root) or not INSTALLED.isdisjoint(file.parts):
            return None
        return quote(file.relative_to(self.root).as_posix())

    def columns(self, site: Site) -> tuple[int, int] | None:
        """Return where a line's code begins and ends, counted from 1; None if the line can't be read."""
        line = linecache.getline(str(self._file(site)), site.line).rstrip()
        return (len(line) - len(line.lstrip()) + 1, len(line) + 1) if line else None

    def _file(self, site: Site) -> Path:
        return (self.folder / site.file).resolve()
