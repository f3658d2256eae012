"""The page of ``bench history``: charts and changes of each history, one HTML file with everything in it."""

from collections.abc import Sequence

from loadtests.analysis.history import History
from loadtests.report.charts.history import history_svg
from loadtests.report.history import figure_in_words, heading, lines, trend_name
from loadtests.report.html.page import svg_uri
from loadtests.report.html.templating import template
from loadtests.report.wording import printable


def history_page(histories: Sequence[History], left_out: Sequence[str]) -> str:
    """Return the page.

    Args:
        histories: each long enough to be drawn.
        left_out: folders and runs that are in none of them, each as a sentence.
    """
    return template("history.html.j2").render(
        histories=[(history, heading(history), svg_uri(history_svg(history)), lines(history)) for history in histories],
        left_out=[printable(said) for said in left_out],
        figure_in_words=figure_in_words,
        trend_name=trend_name,
        printable=printable,
    )
