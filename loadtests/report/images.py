"""Charts as part of a page."""

import io
import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

from PIL import Image

UNESCAPED = " /:;,=()?!*+@$[]{}|^~`.-_"
"""What may stand in an image's source as it is."""
COLOURS = 64
"""Of a picture of dots: as many as a chart has, with their shades at edges."""


def data_uri(path: Path) -> str:
    """Return an SVG as an image's source: in an image no script would run, and its ids clash with no other's.

    Comments and line ends are left out, and only what must be is escaped: a third smaller than base64.
    """
    svg = re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", re.sub(r">\s+<", "><", svg))
    return f"data:image/svg+xml,{quote(svg, safe=UNESCAPED)}"


def dots_uri(path: Path) -> str:
    """Return a PNG as an image's source, in few colours: of a chart with very many strokes it is the smaller one."""
    packed = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS).save(packed, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(packed.getvalue()).decode()}"
