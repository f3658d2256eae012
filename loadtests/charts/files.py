"""How charts become files: the same run gives the same SVG, byte for byte."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from loadtests.charts.style import RC

PNG_DPI = 150


@contextmanager
def drawing() -> Iterator[None]:
    """Draw under this project's settings, whatever a user's own say."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it shows as a box
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def save(figure: Figure | None, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG and PNG; without a figure, remove what an earlier derivation wrote. Return the paths."""
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    if figure is None:
        svg.unlink(missing_ok=True)
        png.unlink(missing_ok=True)
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(svg, metadata={"Date": None})
    figure.savefig(png, dpi=PNG_DPI, metadata={"Software": None})
    return [svg, png]
