"""Lessons and claims: hypotheses about sync and async that a measurement can support or refute.

This package holds their definitions, their measurement, how they are judged, and the docs pages that are generated
from them.
"""
