"""The report: a run as one file of HTML that opens offline."""

from loadtests.report.images import data_uri
from loadtests.report.page import render

__all__ = ["data_uri", "render"]
