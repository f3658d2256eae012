"""Style of all charts: colours, markers, lines and fonts of the two sides; text that is measured before it is set.

Figures become files here, so that the same run gives the same SVG, byte for byte.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.backends.backend_svg  # before the first figure, and so before any fork
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from loadtests.experiment.sides import SideLabel
from loadtests.report.wording import printable

INK, MUTED, FAINT, ZONE = "#1a1a1a", "#595959", "#c4c4c4", "#e6e6e6"
STRUCK = Outline.make_compound_path(Outline.unit_circle(), Outline([(-0.7, -0.7), (0.7, 0.7)]))
"""A circle with a stroke through it, as a marker: what does not count."""
RC: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.parse_math": False,  # names come from outside; a dollar sign is a dollar sign
    "text.usetex": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "hatch.linewidth": 1.0,
    "path.simplify": False,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
    "svg.fonttype": "path",  # looks alike where the font is missing
    "svg.hashsalt": "def-or-async",  # the same ids each time
}
"""Settings under which charts are drawn; what a user's own matplotlibrc says does not matter."""
PNG_DPI = 150


@dataclass(frozen=True)
class Look:
    """How one side looks.

    Attributes:
        colour: of lines and fills (Okabe and Ito's palette).
        ink: a darker form of it, for text and edges.
        marker: matplotlib's code.
        line: matplotlib's line style.
        hatch: of bars, so that they differ in black and white.
    """

    colour: str
    ink: str
    marker: str
    line: Literal["-"] | tuple[int, tuple[float, ...]]
    hatch: str


LOOKS: Mapping[SideLabel, Look] = {
    "a": Look("#0072B2", "#00517f", "o", "-", ""),
    "b": Look("#E69F00", "#7f5300", "D", (0, (4, 1.6)), "////"),
}


@lru_cache(maxsize=4096)
def width_in(text: str, size: float, weight: str = "normal") -> float:
    """Return how wide a text is, in inches, at a font size in points."""
    properties = FontProperties(family=["DejaVu Sans"], size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(printable(text), properties, ismath=False)
    return width / 72


def fit(text: str, inches: float, size: float, weight: str = "normal") -> str:
    """Shorten a text with an ellipsis until it is no wider than it may be."""
    text = printable(text)
    if width_in(text, size, weight) <= inches:
        return text
    while text and width_in(text + "…", size, weight) > inches:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, inches: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text into lines no wider than they may be."""
    lines: list[str] = []
    words = printable(text).split(" ")
    while words:
        first, rest = fit(words[0], inches, size, weight), words[1:]
        more = _how_many_fit(first, rest, inches, size, weight)
        lines.append(" ".join([first, *rest[:more]]))
        words = rest[more:]
    return lines


def _how_many_fit(first: str, rest: Sequence[str], inches: float, size: float, weight: str) -> int:
    """Return how many more words have room in a line after its first.

    The widths of single words tell it almost: to measure the line anew for each of them takes several times as long.
    """

    def fits(count: int) -> bool:
        return width_in(" ".join([first, *rest[:count]]), size, weight) <= inches

    ends = accumulate((width_in(f" {word}", size, weight) for word in rest), initial=width_in(first, size, weight))
    count = max(0, sum(1 for _ in takewhile(lambda end: end <= inches, ends)) - 1)
    while count < len(rest) and fits(count + 1):
        count += 1
    while count and not fits(count):
        count -= 1
    return count


@dataclass(frozen=True)
class Key:
    """An entry of a legend: what it looks like, and what it means."""

    text: str
    marker: Line2D | None = None
    patch: Mapping[str, Any] | None = None

    @property
    def swatch(self) -> float:
        """Room for what it looks like, in inches."""
        if self.marker is None and self.patch is None:
            return 0.0
        lone = self.marker is not None and self.marker.get_linestyle() == "None"
        return 0.22 if lone else 0.44


def side_key(label: SideLabel, name: str, shape: Literal["points", "line", "bar"]) -> Key:
    """Return the legend entry of a side."""
    look = LOOKS[label]
    if shape == "bar":
        return Key(name, patch={"facecolor": look.colour, "edgecolor": look.ink, "hatch": look.hatch})
    line = Line2D(
        [], [], color=look.colour, linestyle=look.line, linewidth=2, **(marker(look) if shape == "points" else {})
    )
    return Key(name, marker=line)


def marker(look: Look) -> dict[str, Any]:
    """Return the marker of a side, as matplotlib's keywords."""
    return {"marker": look.marker, "markersize": 5.2, "markerfacecolor": look.colour, "markeredgecolor": look.ink}


def dot(
    shape: str | Outline, colour: str, edge: str, size: float = 6.5, fill: Literal["full", "left"] = "full"
) -> Line2D:
    """Return a lone marker for a legend."""
    return Line2D(
        [], [], linestyle="none", marker=shape, markersize=size, markerfacecolor=colour, markeredgecolor=edge,
        fillstyle=fill, markerfacecoloralt="white",
    )  # fmt: skip


def clear_of(text: Text) -> Text:
    """Put a white ground under a text, so that lines do not cross it."""
    text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1})
    return text


@contextmanager
def drawing() -> Iterator[None]:
    """Draw under this project's settings, whatever a user's own say."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it shows as a box
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def save(figure: Figure | None, folder: Path, name: str, *, png: bool = True) -> list[Path]:
    """Write a figure as SVG, and as PNG if that is wanted; remove what an earlier derivation wrote. Return the paths.

    Args:
        figure: what to write; None if there is nothing to show.
        folder: made if need be.
        name: of the files.
        png: drawing one takes longer than drawing the SVG, and no browser needs it.
    """
    svg_path, png_path = folder / f"{name}.svg", folder / f"{name}.png"
    if figure is None or not png:
        png_path.unlink(missing_ok=True)
    if figure is None:
        svg_path.unlink(missing_ok=True)
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(svg_path, metadata={"Date": None})
    if png:
        figure.savefig(png_path, dpi=PNG_DPI, metadata={"Software": None})
    return [svg_path, png_path] if png else [svg_path]
