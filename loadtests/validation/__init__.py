"""Validation of the harness: measurements with known answers, which show how often its verdicts are wrong.

This package holds the known answers, their measurement, the targets, and the report on them.
"""
