"""Charts a person wants to look at: titles state the finding, and black and white is enough to read them."""

from loadtests.charts.catalogue import CHARTS, Chart, draw
from loadtests.charts.view import View, view

__all__ = ["CHARTS", "Chart", "View", "draw", "view"]
